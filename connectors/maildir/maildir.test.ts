import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  all,
  apply,
  bodyOf,
  containerAt,
  create,
  entries,
  flagsOf,
  itemsAt,
  never,
  written,
} from '../../tests/conformance/collect.js';
import { large, odd, plain } from '../../tests/conformance/odd-messages.js';
import type { Write } from '../contract.js';
import { decodeModifiedUtf7, encodeModifiedUtf7 } from '../formats/modified-utf7.js';
import type { Mail } from '../kinds/mail.js';
import { digestMail } from '../kinds/mail.js';
import { connector } from './index.js';
import { createMaildirSource } from './source.js';
import { createMaildirTarget } from './target.js';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'drover-maildir-'));
  for (const sub of ['cur', 'new', 'tmp']) await mkdir(join(root, sub));
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** The system refuses to let files grow, as it does on a full disk, but for this process only. */
async function withFilesUpTo(bytes: number, step: () => Promise<void>): Promise<void> {
  const limit = (fileSize: string) => execFileSync('prlimit', ['--pid', String(process.pid), `--fsize=${fileSize}:`]);
  const ignore = () => {};
  process.on('SIGXFSZ', ignore);
  limit(String(bytes));
  try {
    await step();
  } finally {
    limit('unlimited');
    process.off('SIGXFSZ', ignore);
  }
}

const source = (now = Date.now) => createMaildirSource({ path: root, layout: 'maildir++', now });
const target = (now = Date.now) => createMaildirTarget({ path: root, layout: 'maildir++', now });

it('finds nothing in a target that no run has made yet', async () => {
  const path = join(root, 'not', 'yet');
  const target = createMaildirTarget({ path, layout: 'maildir++' });

  expect(await target.find?.({ path: ['INBOX'], role: 'inbox' }, never)).toBeUndefined();
  await expect(stat(path)).rejects.toThrow('ENOENT');
});

describe('maildir source', () => {
  it('tells no token while a folder is younger than a tick', async () => {
    await writeFile(join(root, 'cur', '1.a.host:2,'), plain(1));
    expect((await containerAt(source(), ['INBOX'])).token).toBeUndefined();
    expect(
      (
        await containerAt(
          source(() => Date.now() + 5000),
          ['INBOX'],
        )
      ).token,
    ).toBeDefined();
  });

  it('names links, pipes and folders among messages, and reads none of them', async () => {
    await writeFile(join(root, 'secret'), 'not mail');
    await symlink(join(root, 'secret'), join(root, 'cur', '1.link.host:2,'));
    await mkdir(join(root, 'cur', '2.folder.host:2,'));
    execFileSync('mkfifo', [join(root, 'cur', '3.pipe.host:2,')]);
    await writeFile(join(root, 'cur', '4.mail.host:2,'), plain(1));
    const one = source();
    const answers = await all(one.read(await containerAt(one, ['INBOX']), await itemsAt(one, ['INBOX']), never));
    expect(answers.map((answer) => ('refused' in answer ? answer.refused : 'read'))).toEqual([
      '1.link.host',
      '2.folder.host',
      '3.pipe.host',
      'read',
    ]);
  });

  it('refuses to read a message that became a link or a pipe', async () => {
    for (const key of ['1.link.host', '2.pipe.host']) await writeFile(join(root, 'cur', `${key}:2,`), plain(1));
    const one = source();
    const [container, items] = [await containerAt(one, ['INBOX']), await itemsAt(one, ['INBOX'])];
    for (const item of items) await rm(join(root, 'cur', `${item.key}:2,`));
    await symlink('/etc/hostname', join(root, 'cur', '1.link.host:2,'));
    execFileSync('mkfifo', [join(root, 'cur', '2.pipe.host:2,')]);
    const answers = await all(one.read(container, items, never));
    expect(answers.map((answer) => 'refused' in answer)).toEqual([true, true]);
  });

  it('does not follow folders that are links', async () => {
    await mkdir(join(root, '.real', 'cur'), { recursive: true });
    await symlink(join(root, '.real'), join(root, '.link'));
    const paths = (await all(source().containers(never))).map((one) => one.path);
    expect(paths).toEqual([['INBOX'], ['real']]);
    const container = { key: '.link', path: ['link'], validity: 'names' };
    await expect(entries(source().list(container, undefined, never))).rejects.toMatchObject({ code: 'refused' });
    const outside = { key: '../..', path: ['x'], validity: 'names' };
    await expect(entries(source().list(outside, undefined, never))).rejects.toMatchObject({ code: 'refused' });
  });

  it('reads a message that another program renamed after the listing', async () => {
    await writeFile(join(root, 'new', '1.a.host'), plain(1));
    const one = source();
    const [container, items] = [await containerAt(one, ['INBOX']), await itemsAt(one, ['INBOX'])];
    await rename(join(root, 'new', '1.a.host'), join(root, 'cur', '1.a.host:2,S'));
    const [answer] = await all(one.read(container, items, never));
    expect(bodyOf(answer)).toEqual(plain(1));
  });

  it('moves messages that are marked for deletion without the mark', async () => {
    await writeFile(join(root, 'cur', '1.a.host:2,ST'), plain(1));
    expect((await itemsAt(source(), ['INBOX'])).map(flagsOf)).toEqual([['\\Seen']]);
  });

  it('tells a Maildir that is not there, and one of another layout', async () => {
    await expect(createMaildirSource({ path: join(root, 'nowhere'), layout: 'fs' }).place(never)).rejects.toMatchObject(
      { code: 'not-found' },
    );
    const empty = createMaildirSource({ path: join(root, 'tmp'), layout: 'fs' });
    expect((await empty.describe(never)).map((one) => one.problem).join()).toMatch(/check the path/);
  });

  it('lists accounts where the path has a place for them', async () => {
    for (const name of ['anna@old.example', 'bob@old.example'])
      await mkdir(join(root, 'vhosts', name, 'Maildir'), { recursive: true });
    await mkdir(join(root, 'vhosts', 'lost+found'));
    const access = { account: '', kind: 'mail' as const, secret: async () => '' };
    const opened = connector.source({ path: join(root, 'vhosts/{account}/Maildir') }, access);
    expect(await opened?.accounts?.(never)).toEqual(['anna@old.example', 'bob@old.example']);
  });

  it('tells subscriptions in both of Dovecot’s forms', async () => {
    for (const folder of ['.A', '.A.B&AOQ-', '.C']) await mkdir(join(root, folder, 'cur'), { recursive: true });
    for (const text of ['A\nA.B&AOQ-\n', 'V\t2\n\nA\nA\tB&AOQ-\n']) {
      await writeFile(join(root, 'subscriptions'), text);
      const subscribed = (await all(source().containers(never))).filter((one) => one.subscribed).map((one) => one.path);
      expect(subscribed).toEqual([['A'], ['A', 'Bä']]);
    }
  });
});

describe('maildir target', () => {
  it('leaves no torn file when a message does not fit, and answers for those that did', async () => {
    const one = target();
    const container = await one.ensure({ path: ['INBOX'] }, never);
    const writes = [create('fits', plain(1)), create('too large', large(300_000)), create('fits too', plain(2))];
    const answers: unknown[] = [];
    await withFilesUpTo(100_000, async () => {
      const writing = async () => {
        for await (const answer of one.write(container, writes, never))
          answers.push('token' in answer ? answer.token : answer);
      };
      await expect(writing()).rejects.toMatchObject({ code: 'quota', next: expect.any(String) });
    });
    expect(answers).toEqual(['fits', 'fits too']);
    expect(await readdir(join(root, 'tmp'))).toEqual([]);
    expect((await readdir(join(root, 'cur'))).length).toBe(2);
  });

  it('removes what a crash left in tmp, but nothing young and nothing of others', async () => {
    const mark = `D${'0'.repeat(32)}`;
    for (const name of [`0.${mark}.drover,S=1,W=1.x`, '1.theirs.host'])
      await writeFile(join(root, 'tmp', name), 'torn');
    await target().ensure({ path: ['INBOX'] }, never);
    expect((await readdir(join(root, 'tmp'))).length).toBe(2);
    await target(() => Date.now() + 2 * 3_600_000).ensure({ path: ['INBOX'] }, never);
    expect(await readdir(join(root, 'tmp'))).toEqual(['1.theirs.host']);
  });

  it('gives the same write the same name, so that a worker without a lease does no harm', async () => {
    const write = create('token', plain(1), { date: '2019-03-01T10:22:03Z' });
    const [one, two] = [target(), target()];
    const container = await one.ensure({ path: ['INBOX'] }, never);
    const writing = [one, two].map((each) => each.write(container, [write], never)[Symbol.asyncIterator]());
    const answers = await Promise.all(writing.map((each) => each.next()));
    expect(new Set(answers.map((answer) => answer.value.ref)).size).toBe(1);
    expect((await readdir(join(root, 'cur'))).length).toBe(1);
  });

  it('keeps messages apart to which two migrations gave the same token', async () => {
    const one = target();
    const container = await one.ensure({ path: ['INBOX'] }, never);
    const mine = written(await apply(one, container, [create('0000000001', plain('mine'))]), '0000000001');
    const twin = written(await apply(target(), container, [create('0000000001', plain('mine'))]), '0000000001');
    const theirs = written(await apply(target(), container, [create('0000000001', plain('theirs'))]), '0000000001');
    expect(new Set([mine.ref, twin.ref, theirs.ref]).size).toBe(3);
    const intent = { token: '0000000001', digest: digestMail(plain('mine')) };
    const find = (...refs: unknown[]) =>
      all(target().locate(container, [intent], '', async () => new Set(refs as string[]), never));
    expect(await find(mine.ref)).toMatchObject([{ found: 'landed', ref: twin.ref }]);
    expect(await find(mine.ref, twin.ref)).toMatchObject([{ found: 'absent' }]);
  });

  it('keeps internal dates as file times, and sizes in names', async () => {
    const one = target();
    const container = await one.ensure({ path: ['INBOX'] }, never);
    const ref =
      written(await apply(one, container, [create('t', plain(1), { date: '2019-03-01T10:22:03+01:00' })]), 't').ref ??
      '';
    const [name = ''] = await readdir(join(root, 'cur'));
    const facts = await stat(join(root, 'cur', name));
    expect(facts.mtime.toISOString()).toBe('2019-03-01T09:22:03.000Z');
    expect(ref).toContain(`,S=${facts.size},W=${plain(1).length}`);
    expect((await readFile(join(root, 'cur', name), 'latin1')).includes('\r')).toBe(false);
  });

  it('stores as they are lines that would not come back the same', async () => {
    const one = target();
    const container = await one.ensure({ path: ['INBOX'] }, never);
    await apply(one, container, [create('t', odd.loneCr)]);
    const [name = ''] = await readdir(join(root, 'cur'));
    expect(await readFile(join(root, 'cur', name))).toEqual(odd.loneCr);
  });

  it('changes flags of a message that another program renamed meanwhile, and keeps letters it does not know', async () => {
    const one = target();
    const container = await one.ensure({ path: ['INBOX'] }, never);
    const ref = written(await apply(one, container, [create('t', plain(1))]), 't').ref ?? '';
    // More than a chunk, so that the writer has listed the folder before the rename.
    const others = Array.from({ length: 64 }, (_, n) => create(`other ${n}`, plain(n)));
    const meta: Write<Mail> = { op: 'meta', token: 'm', ref, base: { flags: [] }, meta: { flags: ['\\Seen'] } };
    const answers: unknown[] = [];
    for await (const answer of one.write(container, [...others, meta], never)) {
      if (answers.push(answer) === 1) await rename(join(root, 'cur', `${ref}:2,`), join(root, 'cur', `${ref}:2,FTz`));
    }
    expect(answers.at(-1)).toMatchObject({ token: 'm', meta: { flags: ['\\Flagged', '\\Seen'] } });
    expect(await readdir(join(root, 'cur'))).toContain(`${ref}:2,FSTz`);
  });

  it('notes keywords beyond the 26 a folder has letters for', async () => {
    const one = target();
    const container = await one.ensure({ path: ['INBOX'] }, never);
    const flags = Array.from({ length: 30 }, (_, n) => `k${String(n).padStart(2, '0')}`);
    const answer = written(await apply(one, container, [create('t', plain(1), { flags })]), 't');
    expect(answer.notes?.length).toBe(4);
    expect(answer.meta?.flags).toEqual(flags.slice(0, 26));
    expect((await itemsAt(source(), ['INBOX'])).map(flagsOf)).toEqual([flags.slice(0, 26)]);
  });

  it('takes over a lock that a dead process left', async () => {
    const one = target();
    const container = await one.ensure({ path: ['INBOX'] }, never);
    await writeFile(join(root, 'dovecot-uidlist.lock'), `999999999 ${hostname()}\n`);
    written(await apply(one, container, [create('t', plain(1), { flags: ['keyword'] })]), 't');
    await expect(stat(join(root, 'dovecot-uidlist.lock'))).rejects.toThrow();
  });

  it('takes over a lock of another machine only when it is old', async () => {
    const one = target();
    const container = await one.ensure({ path: ['INBOX'] }, never);
    const lock = join(root, 'dovecot-uidlist.lock');
    await writeFile(lock, '');
    await utimes(lock, new Date(), new Date(Date.now() - 130_000));
    written(await apply(one, container, [create('t', plain(1), { flags: ['keyword'] })]), 't');
  });
});

describe('modified UTF-7', () => {
  it.each([
    ['Entwürfe', 'Entw&APw-rfe'],
    ['台北', '&U,BTFw-'],
    ['A & B', 'A &- B'],
    ['', ''],
    ['😀', '&2D3eAA-'],
    ['&AOQ-', '&-AOQ-'],
  ])('%s', (text, encoded) => {
    expect(encodeModifiedUtf7(text)).toBe(encoded);
    expect(decodeModifiedUtf7(encoded)).toBe(text);
  });

  it.each(['a&b', '&', '&A-', 'x&AOQ', '&äö-'])('does not take %s for it', (text) => {
    expect(decodeModifiedUtf7(text)).toBeUndefined();
  });
});
