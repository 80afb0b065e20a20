import {
  appendFile,
  mkdir,
  mkdtemp,
  open,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { all, apply, bodyOf, create, entries, flagsOf, never } from '../../tests/conformance/collect.js';
import { large, plain } from '../../tests/conformance/odd-messages.js';
import { digestMail } from '../kinds/mail.js';
import { FileWindow } from './file-window.js';
import { fileName, folderName } from './folder-files.js';
import { dateOfFromLine } from './from-line.js';
import { connector } from './index.js';
import type { Dialect } from './message-at.js';
import { createMboxSource } from './source.js';
import { createMboxTarget } from './target.js';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'drover-mbox-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function write(name: string, text: string): Promise<string> {
  const file = join(root, name);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, Buffer.from(text, 'latin1'));
  return file;
}

async function readAll(path: string, dialect: Dialect = 'mboxrd') {
  const source = createMboxSource({ path, dialect });
  const [container] = await all(source.containers(never));
  if (!container) throw new Error('no container');
  const items = await entries(source.list(container, undefined, never));
  const bodies = (await all(source.read(container, items, never))).map((one) => bodyOf(one).toString('latin1'));
  return { container, items, bodies };
}

it('finds nothing in a target that no run has made yet', async () => {
  const path = join(root, 'not', 'yet');

  expect(await createMboxTarget(path).find?.({ path: ['INBOX'], role: 'inbox' }, never)).toBeUndefined();
  await expect(stat(path)).rejects.toThrow('ENOENT');
});

const FROM = 'From a@example.org Thu Jan  1 00:00:00 1970\n';

describe('mbox files', () => {
  it('parts messages at "From " lines after blank lines only', async () => {
    const file = await write('x', `${FROM}A: 1\n\none\nFrom the middle 10:00\n\n${FROM}A: 2\n\ntwo\n`);
    expect((await readAll(file)).bodies).toEqual(['A: 1\n\none\nFrom the middle 10:00\n', 'A: 2\n\ntwo\n']);
  });

  it('does not part at a sentence that an exporter forgot to quote', async () => {
    const file = await write('x', `${FROM}A: 1\n\none\n\nFrom here on it is easy.\nReally.\n\n${FROM}A: 2\n\ntwo\n`);
    expect((await readAll(file)).bodies).toEqual([
      'A: 1\n\none\n\nFrom here on it is easy.\nReally.\n',
      'A: 2\n\ntwo\n',
    ]);
  });

  it('parts at a "From " line without a date when headers follow', async () => {
    const file = await write('x', 'From - \nA: 1\n\none\n\nFrom - \nA: 2\n\ntwo\n\n');
    expect((await readAll(file)).bodies).toEqual(['A: 1\n\none\n', 'A: 2\n\ntwo\n']);
  });

  it('reads CRLF files', async () => {
    const file = await write(
      'x',
      `${FROM}A: 1\n\n>From x\n>>From y\n\n${FROM}A: 2\n\n\n\n${FROM}\n`.replaceAll('\n', '\r\n'),
    );
    expect((await readAll(file)).bodies).toEqual(['A: 1\r\n\r\nFrom x\r\n>From y\r\n', 'A: 2\r\n\r\n\r\n', '']);
  });

  it('unquotes each dialect in its own way', async () => {
    const file = await write('x', `${FROM}A: 1\n\n>From x\n>>From y\n`);
    expect((await readAll(file, 'mboxrd')).bodies).toEqual(['A: 1\n\nFrom x\n>From y\n']);
    expect((await readAll(file, 'mboxo')).bodies).toEqual(['A: 1\n\nFrom x\n>>From y\n']);
    expect((await readAll(file, 'mboxcl2')).bodies).toEqual(['A: 1\n\n>From x\n>>From y\n']);
  });

  it('follows Content-Length in mboxcl2, and looks for "From " where it is wrong', async () => {
    const body = `one\n\n${FROM}A: no message\n\n`;
    const right = await write('right', `${FROM}A: 1\nContent-Length: ${body.length}\n\n${body}\n${FROM}A: 2\n\ntwo\n`);
    expect((await readAll(right, 'mboxcl2')).bodies).toEqual([
      `A: 1\nContent-Length: ${body.length}\n\n${body}`,
      'A: 2\n\ntwo\n',
    ]);
    const wrong = await write('wrong', `${FROM}A: 1\nContent-Length: 2\n\none\n\n${FROM}A: 2\n\ntwo\n`);
    expect((await readAll(wrong, 'mboxcl2')).bodies).toEqual(['A: 1\nContent-Length: 2\n\none\n', 'A: 2\n\ntwo\n']);
  });

  it('finds messages that straddle the windows of a large file', async () => {
    const bodies = Array.from({ length: 40 }, (_, n) => `A: ${n}\n\n${'x'.repeat(77_000 + n)}\n`);
    const file = await write('x', bodies.map((body) => `${FROM}${body}\n`).join(''));
    expect((await readAll(file)).bodies).toEqual(bodies);
  });

  it('refuses a file that is no mbox, and says where', async () => {
    const file = await write('x.mbox', 'Subject: no mbox\n\nbody\n');
    await expect(readAll(file)).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('byte 0') });
  });

  it('tells a folder that is not there', async () => {
    await expect(readAll(join(root, 'nowhere'))).rejects.toMatchObject({ code: 'not-found' });
  });

  it('reads flags of Thunderbird, and leaves out what it marked as deleted', async () => {
    const status = (bits: string) =>
      `${FROM}X-Mozilla-Status: ${bits}\nX-Mozilla-Keys: $label1 Work            \nA: b\n\nbody\n\n`;
    const { items } = await readAll(await write('x', status('0005') + status('0009') + status('1002')));
    expect(items.map(flagsOf)).toEqual([
      ['$label1', 'Work', '\\Flagged', '\\Seen'],
      ['$Forwarded', '$label1', 'Work', '\\Answered'],
    ]);
  });

  it('reads labels of Google Takeout', async () => {
    const labels = (value: string) =>
      `From 1@xxx Mon Jan 01 10:00:00 +0100 2018\nX-Gmail-Labels: ${value}\nA: b\n\nbody\n\n`;
    const encoded = `=?UTF-8?Q?Starred,Gr=C3=BC=C3=9Fe,?=\n =?UTF-8?Q?Opened?=`;
    const { items } = await readAll(
      await write('x.mbox', labels('Inbox,Unread,Category Updates,"my label"') + labels(encoded)),
    );
    expect(items.map(flagsOf)).toEqual([['my label'], ['Grüße', '\\Flagged', '\\Seen']]);
    expect(items[0]?.meta?.date).toBe('2018-01-01T10:00:00+01:00');
  });

  it('names folders of Thunderbird, Apple Mail and plain trees', async () => {
    const files = [
      'Inbox',
      'Inbox.msf',
      'Work.sbd/Old',
      'Work',
      'Apple.mbox/mbox',
      'Apple.mbox/table_of_contents',
      'plain/Sub.mbox',
      'notes.txt',
    ];
    for (const file of files)
      await write(
        file,
        file.includes('.msf') || file.endsWith('.txt') || file.includes('table') ? 'x' : `${FROM}A: b\n\n`,
      );
    await write('Empty', '');
    await symlink(root, join(root, 'loop'));
    await symlink(join(root, 'Inbox'), join(root, 'link'));
    const source = createMboxSource({ path: root, dialect: 'mboxrd' });
    const paths = (await all(source.containers(never))).map((one) => one.path.join(' > '));
    expect(paths.sort()).toEqual(['Apple', 'Empty', 'INBOX', 'Work', 'Work > Old', 'plain > Sub']);
    expect(await source.describe(never)).toContainEqual({ name: 'not read: no mbox, or a link', value: '5' });
  });

  it('tells no token while the file is younger than a tick', async () => {
    const file = await write('x', `${FROM}A: b\n\n`);
    expect((await readAll(file)).container.token).toBeUndefined();
    await utimes(file, new Date(), new Date(Date.now() - 5000));
    expect((await readAll(file)).container.token).toBeDefined();
  });

  it('does not take another message for one it knew when a program rewrote the file in place', async () => {
    const file = await write('x', `${FROM}A: 1\n\none\n\n${FROM.replace('a@', 'b@')}A: 2\n\ntwo\n`);
    const { container, items } = await readAll(file);
    await writeFile(file, `${FROM.replace('a@', 'c@')}A: 3\n\none\n\n${FROM.replace('a@', 'b@')}A: 2\n\ntwo\n`);
    const source = createMboxSource({ path: file, dialect: 'mboxrd' });
    const answers = await all(source.read(container, items, never));
    expect(answers.map((one) => ('refused' in one ? 'refused' : bodyOf(one).toString()))).toEqual([
      'refused',
      'A: 2\n\ntwo\n',
    ]);
    await expect(entries(source.list(container, items[0]?.key, never))).rejects.toMatchObject({
      code: 'source-changed',
    });
  });

  it('lists accounts where the path has a place for them', async () => {
    for (const name of ['anna', 'bob']) await write(`${name}/export/Inbox`, `${FROM}A: b\n\n`);
    await write('carla/other', '');
    const access = { account: '', kind: 'mail' as const, secret: async () => '' };
    expect(await connector.source({ path: join(root, '{account}/export') }, access).accounts?.(never)).toEqual([
      'anna',
      'bob',
    ]);
  });

  it('refuses an account that leads out of the folder', () => {
    const access = { account: '../other', kind: 'mail' as const, secret: async () => '' };
    expect(() => connector.source({ path: '/mail/../other' }, access)).toThrow(/cannot be part of a path/);
  });
});

describe('a window over a file', () => {
  it('finds what straddles its edge, wherever the edge cuts', async () => {
    const edge = 1 << 20;
    const needle = Buffer.from('\nFrom ');
    for (let before = 0; before <= needle.length; before++) {
      const bytes = Buffer.alloc(edge + 1000, 'x');
      needle.copy(bytes, edge - before);
      const file = join(root, 'window');
      await writeFile(file, bytes);
      const handle = await open(file);
      try {
        const window = new FileWindow(handle, bytes.length);
        expect(await window.indexOf(needle, 0)).toBe(edge - before);
        expect(await window.indexOf(needle, edge - before + 1)).toBe(-1);
        expect(await window.indexOf(needle, 0, edge - before)).toBe(-1);
      } finally {
        await handle.close();
      }
    }
  });

  it('says so when the file becomes shorter, and does not search for ever', async () => {
    const file = await write('x', 'short');
    const handle = await open(file);
    try {
      await expect(new FileWindow(handle, 5_000_000).indexOf(Buffer.from('y'), 0)).rejects.toThrow(/shorter/);
    } finally {
      await handle.close();
    }
  });
});

describe('the "From " line', () => {
  it.each([
    ['From a@b Thu Jan  1 00:00:00 1970', '1970-01-01T00:00:00+00:00'],
    ['From - Mon Feb 29 23:59:59 2016', '2016-02-29T23:59:59+00:00'],
    ['From 1@xxx Mon Jan 01 10:00:00 +0100 2018', '2018-01-01T10:00:00+01:00'],
    ['From a@b Thu Jan  1 00:00:00 PST 1970', '1970-01-01T00:00:00+00:00'],
    ['From a@b Thu Jan  1 00:00 1970 -0330', '1970-01-01T00:00:00-03:30'],
    ['From a@b Tue Feb 30 00:00:00 2021', undefined],
    ['From somebody', undefined],
  ])('%s', (line, date) => {
    expect(dateOfFromLine(line)).toBe(date);
  });
});

describe('folder names in files', () => {
  it.each(['In/Out', '..', '.hidden', 'x.mbox', 'x.SBD', '100%25', '50% off', 'tab\t', 'ä', 'a%2Fb'])('%s', (name) => {
    expect(folderName(fileName(name))).toBe(name);
    expect(fileName(name)).not.toMatch(/\/|^\./);
  });
});

describe('mbox target', () => {
  const path = ['Work'];
  const file = () => join(root, 'Work.mbox');

  async function session() {
    const target = createMboxTarget(root);
    return { target, container: await target.ensure({ path }, never) };
  }

  it('cuts a torn message off, wherever it was torn, and nothing else', async () => {
    const first = await session();
    await apply(first.target, first.container, [create('a', plain('a')), create('b', large(3_000_000))]);
    const whole = (await stat(file())).size;
    await apply(first.target, first.container, [create('torn', plain('torn'))]);
    const text = await readFile(file());
    for (let size = whole; size < text.length; size++) {
      await writeFile(file(), text.subarray(0, size));
      expect([size, (await session()).container.items]).toEqual([size, 2]);
      expect((await stat(file())).size).toBe(whole);
    }
  });

  it('leaves alone what another program appended, torn or not', async () => {
    const first = await session();
    await apply(first.target, first.container, [create('a', plain('a'))]);
    await appendFile(file(), `${FROM}A: theirs\n\nnot ended`);
    const later = await session();
    expect(later.container.items).toBe(2);
    await apply(later.target, later.container, [create('b', plain('b'))]);
    const digests = (await readAll(file())).bodies.map((body) => digestMail(Buffer.from(body, 'latin1')));
    expect(digests).toEqual(
      [plain('a'), Buffer.from('A: theirs\n\nnot ended'), plain('b')].map((one) => digestMail(one)),
    );
  });

  it('locates after a tear: what was whole landed, the torn one is absent', async () => {
    const { target, container } = await session();
    const anchor = await target.anchor(container, never);
    await apply(target, container, [create('a', plain('a')), create('b', plain('b'))]);
    await truncate(file(), (await stat(file())).size - 5);
    const later = await session();
    const intents = ['a', 'b'].map((token) => ({ token, digest: digestMail(plain(token)) }));
    const found = await all(later.target.locate(later.container, intents, anchor, async () => new Set(), never));
    expect(found.map((one) => one.found)).toEqual(['landed', 'absent']);
  });

  it('is refused changes of what it holds, with a reason', async () => {
    const { target, container } = await session();
    const answers = await apply(target, container, [
      { op: 'meta', token: 'm', ref: 'x', base: { flags: [] }, meta: { flags: ['\\Seen'] } },
      { op: 'remove', token: 'r', ref: 'x' },
      { op: 'move', token: 'v', ref: 'x', to: container },
    ]);
    for (const answer of answers.values()) expect(answer).toMatchObject({ reason: expect.stringContaining('mbox') });
  });

  it('is read by our source without a trace of how we wrote it', async () => {
    const { target, container } = await session();
    const flags = ['$Forwarded', '\\Answered', '\\Seen'];
    await apply(target, container, [create('a', plain('a'), { flags, date: '2019-03-01T10:22:03+05:30' })]);
    const { items, bodies } = await readAll(file());
    expect(bodies).toEqual([plain('a').toString().replaceAll('\r\n', '\n')]);
    expect(items[0]?.meta).toEqual({ flags, date: '2019-03-01T04:52:03+00:00' });
  });

  it('takes over a lock that a dead process left, and waits for a living one', async () => {
    const { target, container } = await session();
    const { hostname } = await import('node:os');
    await writeFile(`${file()}.lock`, `999999999 ${hostname()}\n`);
    await apply(target, container, [create('a', plain('a'))]);
    await writeFile(`${file()}.lock`, `${process.pid} ${hostname()}\n`);
    const stop = new AbortController();
    const waiting = target.anchor(container, stop.signal);
    stop.abort();
    await expect(waiting).rejects.toThrow();
  });
});
