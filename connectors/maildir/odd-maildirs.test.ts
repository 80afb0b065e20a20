/** Maildirs as real programs and copies leave them: each was read wrongly, or passed over in silence, by an earlier version. */
import { link, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { all, bodyOf, entries, flagsOf, never } from '../../tests/conformance/collect.js';
import type { Layout } from './folders.js';
import { createMaildirSource } from './source.js';
import { createMaildirTarget } from './target.js';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'drover-maildir-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const mail = (subject: string) => `From: a@example.org\nSubject: ${subject}\n\nhello\n`;

/** `name`: bytes as latin1. */
async function write(name: string, content: string | Buffer = mail(name), at = root): Promise<void> {
  const bytes = Buffer.concat([Buffer.from(`${at}/`), Buffer.from(name, 'latin1')]);
  const folder = bytes.subarray(0, bytes.lastIndexOf('/'));
  await mkdir(folder, { recursive: true });
  await writeFile(bytes, content);
}

interface Told {
  /** Subject, flags and notes of each message; why others were refused. */
  readonly read: readonly string[];
  readonly refused: readonly string[];
}

/** What a Maildir gives, folder by folder; for a folder that is named as a failure, its reason. */
async function told(layout: Layout = 'maildir++', path = root): Promise<Record<string, Told | string>> {
  const source = createMaildirSource({ path, layout });
  const folders: Record<string, Told | string> = {};
  for (const container of await all(source.containers(never))) {
    const name = container.path.join('/');
    try {
      const items = await entries(source.list(container, undefined, never));
      const answers = await all(source.read(container, items, never));
      const read: string[] = [];
      const refused: string[] = [];
      for (const [n, answer] of answers.entries()) {
        if ('refused' in answer) refused.push(answer.reason);
        else {
          const subject = /^Subject: (.*)$/m.exec(bodyOf(answer).toString('latin1'))?.[1];
          const flags = flagsOf(items[n] ?? { meta: { flags: [] } });
          read.push([subject, ...flags, ...(answer.notes ?? [])].join(' '));
        }
      }
      folders[name] = { read: read.sort(), refused };
    } catch (error) {
      folders[name] = `${(error as { code?: string }).code}: ${(error as Error).message}`;
    }
  }
  return folders;
}

describe('files of a Maildir', () => {
  it('that share a base are messages of their own, each known for good', async () => {
    for (const name of ['cur/A:2,', 'cur/A:2,S', 'cur/B:2,S', 'new/B', 'cur/C:2,RS', 'cur/C:2,'])
      await write(name, mail(name));

    const { INBOX } = await told();

    expect(INBOX).toMatchObject({ refused: [], read: { length: 6 } });
    expect((INBOX as Told).read.join('\n')).toContain('cur/B:2,S \\Seen');
  });

  it('that are one file under two names are one message', async () => {
    await write('new/A', mail('A'));
    await mkdir(join(root, 'cur'));
    await link(join(root, 'new', 'A'), join(root, 'cur', 'A:2,S'));

    expect(await told()).toEqual({ INBOX: { read: ['A \\Seen'], refused: [] } });
  });

  it('keep their flags behind other separators than a colon', async () => {
    const names = ['a;2,S', 'b!2,FS', 'c,S=30,W=34 2,RS', 'd:2,RS', 'e_2,S', 'f\xef\x80\xa22,S', 'g%3A2,F'];
    for (const name of names) await write(`cur/1.${name}`, mail(name[0] ?? ''));

    expect(await told()).toEqual({
      INBOX: {
        read: [
          'a \\Seen',
          'b \\Flagged \\Seen',
          expect.stringMatching(/^c \\Answered \\Seen its name tells 30 bytes/),
          'd \\Answered \\Seen',
          'e \\Seen',
          'f \\Seen',
          'g \\Flagged',
        ],
        refused: [],
      },
    });
  });

  it('say so where flags cannot be read from a name, and what merely looks like flags is none', async () => {
    await write('cur/1.a:1,S', mail('a'));
    await write('cur/1.b:2,S,x', mail('b'));
    await write('cur/1.host-2,S=38', mail('c'));

    expect(await told()).toEqual({
      INBOX: {
        read: [
          expect.stringMatching(/^a its name tells flags/),
          expect.stringMatching(/^b \\Seen its name tells/),
          'c',
        ],
        refused: [],
      },
    });
  });

  it('say so where keyword letters have no name', async () => {
    await write('cur/1.a:2,Sab', mail('a'));
    await write('dovecot-keywords', '0 Work\n');

    expect(await told()).toEqual({
      INBOX: { read: [expect.stringMatching(/^a Work \\Seen its name has keyword letters \(b\)/)], refused: [] },
    });
  });

  it('and folders whose names are no UTF-8 are read, beside those that are', async () => {
    await write('cur/1.A:2,S', mail('1'));
    await write('cur/2.h\xfcgel:2,S', mail('2'));
    await write('.Entw\xfcrfe-alt/cur/3:2,S', mail('3'));
    await write('.Entw\xc3\xbcrfe-utf8/cur/4:2,S', mail('4'));

    expect(await told()).toEqual({
      INBOX: { read: ['1 \\Seen', '2 \\Seen'], refused: [] },
      'Entwürfe-alt': { read: ['3 \\Seen'], refused: [] },
      'Entwürfe-utf8': { read: ['4 \\Seen'], refused: [] },
    });
  });

  it('are read where only new or only cur is left', async () => {
    await write('cur/1.A:2,S', mail('1'));
    await write('.Old/new/2.B', mail('2'));

    expect(await told()).toEqual({
      INBOX: { read: ['1 \\Seen'], refused: [] },
      Old: { read: ['2'], refused: [] },
    });
  });

  it('that are compressed with gzip are unpacked; other packings, and what is damaged, are refused by name', async () => {
    const text = mail('packed');
    const packed = gzipSync(text);
    await write(`cur/1.a,S=${text.length}:2,S`, packed);
    await write('cur/1.b:2,S', packed.subarray(0, packed.length - 12));
    await write('cur/1.c:2,S', Buffer.from('(\xb5/\xfd zstd', 'latin1'));
    await write('cur/1.d:2,S', 'CRYPTED\x03\x07 ...');
    await write('cur/1.e:2,S', Buffer.from('\xfd7zXZ\0...', 'latin1'));
    await write('cur/1.f:2,S', 'BZh91AY');
    await write('cur/1.g:2,S', Buffer.alloc(5000));
    await write('cur/1.h,S=500:2,S', '');

    const { INBOX } = (await told()) as { INBOX: Told };

    expect(INBOX.read).toEqual(['packed \\Seen']);
    expect(INBOX.refused).toEqual(
      [/gzip.*damaged/, /zstd/, /encrypted/, /xz/, /bzip2/, /NUL bytes/, /empty/].map((why) =>
        expect.stringMatching(why),
      ),
    );
  });

  it('that are shorter than their name tells are noted; converted line ends are no difference', async () => {
    const text = mail('x');
    const crlf = text.replaceAll('\n', '\r\n');
    await write(`cur/1.a,S=${text.length},W=${crlf.length}:2,`, text);
    await write(`cur/1.b,S=${text.length},W=${crlf.length}:2,`, crlf);
    await write(`cur/1.c,S=${crlf.length}:2,`, text);
    await write(`cur/1.d,S=${text.length}:2,`, crlf);
    await write(`cur/1.e,S=${text.length + 100}:2,`, text);

    const { INBOX } = (await told()) as { INBOX: Told };

    expect(INBOX.read).toEqual(['x', 'x', 'x', 'x', expect.stringMatching(/^x its name tells 1\d\d bytes/)]);
  });

  it('whatever they are called, are each listed and read once', async () => {
    const byte = fc.integer({ min: 1, max: 255 }).filter((one) => one !== 0x2f);
    const rawName = fc
      .array(fc.oneof(byte, fc.constantFrom(...Buffer.from('aA:;!2,_S \xef\xbf\xbd'))), { minLength: 1, maxLength: 20 })
      .map((bytes) => Buffer.from(bytes).toString('latin1'));
    const base = fc.constantFrom('a', 'b', 'a:2,', 'a:2,S', 'a;2,S', 'b\xfc:2,', 'b:2,ST');
    const names = fc.uniqueArray(
      fc.oneof(rawName, base).filter((name) => !name.startsWith('.')),
      { maxLength: 12 },
    );

    await fc.assert(
      fc.asyncProperty(names, names, async (inCur, inNew) => {
        const at = await mkdtemp(join(root, 'm-'));
        await mkdir(join(at, 'cur'));
        for (const name of inCur) await write(`cur/${name}`, mail('x'), at);
        for (const name of inNew) await write(`new/${name}`, mail('x'), at);
        const source = createMaildirSource({ path: at, layout: 'maildir++' });
        const [container] = await all(source.containers(never));
        if (!container) throw new Error('no inbox');
        const items = await entries(source.list(container, undefined, never));
        const answers = await all(source.read(container, items, never));

        expect(items.length).toBe(inCur.length + inNew.length);
        expect(new Set(items.map(({ key }) => key)).size).toBe(items.length);
        expect(answers.filter((answer) => 'body' in answer).length).toBe(items.length);
        expect(items.every(({ key }) => Buffer.from(key).toString() === key && !key.includes('\0'))).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});

describe('folders of a Maildir', () => {
  it('of offlineimap, whose inbox is a folder among others, lead to the inbox', async () => {
    for (const folder of ['INBOX', 'INBOX/Sub', 'INBOX.Dotted', 'Sent', '[Gmail].All Mail'])
      await write(`${folder}/cur/1.h,U=1:2,S`, mail(folder));

    expect(Object.keys(await told('fs')).sort()).toEqual([
      'INBOX',
      'INBOX.Dotted',
      'INBOX/Sub',
      'Sent',
      '[Gmail].All Mail',
    ]);
    const target = createMaildirTarget({ path: root, layout: 'fs' });
    expect(await target.ensure({ path: ['INBOX'], role: 'inbox' }, never)).toMatchObject({
      key: 'INBOX',
      created: false,
    });
  });

  it('called INBOX beside an inbox of its own keep their name', async () => {
    await write('cur/1:2,', mail('1'));
    await write('INBOX/cur/2:2,', mail('2'));

    expect(Object.keys(await told('fs'))).toEqual(['INBOX', '/INBOX']);
  });

  it('of another layout are refused by name, with what to do, where they hold mail', async () => {
    await write('cur/1:2,S', mail('1'));
    await write('.Dotted/cur/2:2,S', mail('2'));
    await write('Work/cur/3:2,S', mail('3'));
    await write('Work/Deep/new/4', mail('4'));
    await write('.Dotted/.Inner/cur/5:2,S', mail('5'));
    await mkdir(join(root, 'Empty', 'cur'), { recursive: true });

    expect(await told()).toEqual({
      INBOX: { read: ['1 \\Seen'], refused: [] },
      Dotted: { read: ['2 \\Seen'], refused: [] },
      Work: expect.stringMatching(/^refused: Work is not read: a folder of another layout/),
      'Work/Deep': expect.stringMatching(/^refused: /),
      '.Dotted/.Inner': expect.stringMatching(/^refused: /),
    });
    expect(await told('fs')).toMatchObject({
      Work: { read: ['3 \\Seen'] },
      'Work/Deep': { read: ['4'] },
      '.Dotted': expect.stringMatching(/^refused: .Dotted is not read: a folder of another layout/),
    });
    const shown = await createMaildirSource({ path: root, layout: 'maildir++' }).describe(never);
    expect(shown.map(({ value, problem }) => `${value}: ${problem}`).join()).toMatch(
      /Work: a folder of another layout than maildir\+\+; set layout: fs/,
    );
  });

  it('of MH, Apple Mail, dbox, and mbox files, are refused by name', async () => {
    await write('cur/1:2,S', mail('1'));
    for (const n of [1, 2]) {
      await write(`mh/${n}`, `To: b@example.org\n${mail('mh')}`);
      await write(`apple/Messages/${n}.emlx`, mail('apple'));
      await write(`box/mailboxes/INBOX/dbox-Mails/u.${n}`, 'dbox');
    }
    await write('Archive', `From a@b Tue Mar  3 10:11:12 2020\n${mail('mbox')}`);
    await write('dovecot-uidlist', '3 V1 N2\n');
    await write('.hidden', mail('no'));

    expect(await told()).toEqual({
      INBOX: { read: ['1 \\Seen'], refused: [] },
      'mh/MH messages': expect.stringMatching(/^refused: .*2 numbered messages/),
      'apple/Messages/*.emlx': expect.stringMatching(/^refused: .*2 messages of Apple Mail/),
      'box/mailboxes/INBOX/dbox-Mails/dbox files': expect.stringMatching(/^refused: .*dbox/),
      Archive: expect.stringMatching(/^refused: .*an mbox file/),
    });
  });

  it('that are not there at all are no empty Maildir', async () => {
    await expect(told()).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('no folder with cur'),
    });
  });

  it('whose messages are kept behind a link are named', async () => {
    await write('cur/1:2,S', mail('1'));
    await write('elsewhere/2:2,S', 'not looked at');
    await mkdir(join(root, '.Sent'));
    await symlink(join(root, 'elsewhere'), join(root, '.Sent', 'cur'));

    expect(await told()).toMatchObject({ '.Sent/cur': expect.stringMatching(/symbolic link/) });
  });

  it('that a link leads out to are named', async () => {
    await write('in/cur/1:2,S', mail('1'));
    await write('out/cur/2:2,S', mail('2'));
    await symlink(join(root, 'out'), join(root, 'in', '.Shared'));

    expect(await told('maildir++', join(root, 'in'))).toMatchObject({
      '.Shared': expect.stringMatching(/symbolic link/),
    });
  });
});

describe('a target', () => {
  it('knows messages that Dovecot compressed for what they are, and keeps flags behind other separators', async () => {
    await write('cur/1.a:2,S', gzipSync(mail('packed')));
    await write('cur/1.b;2,S', mail('win'));
    await mkdir(dirname(join(root, 'tmp', 'x')), { recursive: true });
    const target = createMaildirTarget({ path: root, layout: 'maildir++' });
    const container = await target.ensure({ path: ['INBOX'] }, never);
    const refs = await entries(target.scan(container, async () => new Set(), never));

    expect(refs.map(({ ref, meta }) => [ref, meta.flags])).toEqual([
      ['1.a', ['\\Seen']],
      ['1.b', ['\\Seen']],
    ]);
    const change = {
      op: 'meta',
      token: 'm',
      ref: '1.b',
      base: { flags: ['\\Seen'] },
      meta: { flags: ['\\Flagged', '\\Seen'] },
    } as const;
    expect(await all(target.write(container, [change], never))).toMatchObject([{ token: 'm', ref: '1.b' }]);
    expect((await told()).INBOX).toMatchObject({ read: ['packed \\Seen', 'win \\Flagged \\Seen'] });
  });
});
