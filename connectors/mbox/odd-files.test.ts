/** Files as real programs leave them: each was read wrongly, or passed over in silence, by an earlier version. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { all, bodyOf, dateOf, entries, flagsOf, never } from '../../tests/conformance/collect.js';
import type { Body, Container } from '../contract.js';
import type { Mail } from '../kinds/mail.js';
import type { Dialect } from './message-at.js';
import { createMboxSource } from './source.js';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'drover-mbox-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function write(name: string, content: string | Buffer): Promise<void> {
  const file = join(root, name);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, typeof content === 'string' ? Buffer.from(content, 'latin1') : content);
}

/** The messages of the one file `x`, as they are read. */
async function messagesOf(text: string, dialect: Dialect = 'mboxrd') {
  await write('x.mbox', text);
  const source = createMboxSource({ path: join(root, 'x.mbox'), dialect });
  const [container] = (await all(source.containers(never))) as [Container];
  const items = await entries(source.list(container, undefined, never));
  const bodies = (await all(source.read(container, items, never))) as Body<Mail>[];
  return items.map((item, n) => ({
    body: bodyOf(bodies[n]).toString('latin1'),
    flags: flagsOf(item),
    date: dateOf(item),
    notes: bodies[n]?.notes ?? [],
  }));
}

/** What a tree lists, folder by folder; for a folder that is named as a failure, its reason. */
async function treeOf(path = root): Promise<Record<string, number | string>> {
  const source = createMboxSource({ path, dialect: 'mboxrd' });
  const told: Record<string, number | string> = {};
  for (const container of await all(source.containers(never))) {
    const name = container.path.join('/');
    told[name] = await entries(source.list(container, undefined, never)).then(
      (items) => items.length,
      (error: Error & { code: string }) => `${error.code}: ${error.message}`,
    );
  }
  return told;
}

const FULL = 'From a@b Tue Mar  3 10:11:12 2020';
const headers = (subject: string) =>
  `From: a@example.org\nTo: b@example.org\nSubject: ${subject}\nDate: Tue, 03 Mar 2020 10:11:12 +0100\n`;
const mail = (subject: string, text = 'hello\n') => `${headers(subject)}\n${text}`;

describe('lines that begin with "From "', () => {
  it('are text when they are sentences, even with a time, or with words and a colon behind them', async () => {
    const bodies = [
      mail(
        'hours',
        'Dear all,\n\nFrom 10:30 to 12:00 the office is closed on Friday.\nPlease plan for that.\n\nRegards\n',
      ),
      mail('options', 'We talked.\n\nFrom what I see there are three ways.\nOption: keep\nOption: sell\n\nBest\n'),
      mail('last'),
    ];
    const messages = await messagesOf(bodies.map((body) => `${FULL}\n${body}\n`).join(''));

    expect(messages.map(({ body }) => body)).toEqual(bodies);
    expect(messages.flatMap(({ notes }) => notes)).toEqual([]);
  });

  it('begin messages without a blank line before them, where they are dated and headers follow', async () => {
    const bodies = [mail('1'), mail('2'), mail('3')];
    const messages = await messagesOf(bodies.map((body) => `${FULL}\n${body}`).join(''));

    expect(messages.map(({ body }) => body)).toEqual(bodies);
  });

  it('stay in the message, and are noted, where headers follow words', async () => {
    const body = mail('quote', `See:\n\nFrom what Bob sent\n${headers('inner')}\ninner text\n`);
    const [message, ...others] = await messagesOf(`${FULL}\n${body}\n`);

    expect(others).toEqual([]);
    expect(message?.body).toBe(body);
    expect(message?.notes.join()).toMatch(/at byte \d+ may begin another message/);
  });

  it('begin a message that is noted, where they are dated and no header follows', async () => {
    const messages = await messagesOf(`${FULL}\n${mail('1')}\n${FULL}\nonly text\n\n`);

    expect(messages.map(({ body }) => body)).toEqual([mail('1'), 'only text\n']);
    expect(messages[1]?.notes.join()).toMatch(/may be the rest of the message before it/);
  });

  it('are told apart by Content-Length where both readings are whole, and that is noted', async () => {
    const inner = `an mbox:\n\n${FULL}\n${mail('inner')}`;
    const body = `${headers('outer')}Content-Length: ${inner.length}\n\n${inner}`;
    const messages = await messagesOf(`${FULL}\n${body}\n${FULL}\n${mail('next')}\n`);

    expect(messages.map((one) => one.body)).toEqual([body, mail('next')]);
    expect(messages[0]?.notes.join()).toMatch(/Content-Length and the "From " line/);
    expect(messages[1]?.notes).toEqual([]);
  });

  it('are not hidden by a Content-Length that is wrong', async () => {
    const bodies = ['0', '7', '99999', '10'].map(
      (length) => `${headers(length)}Content-Length: ${length}\n\nsome text\n`,
    );
    const messages = await messagesOf(bodies.map((body) => `${FULL}\n${body}\n`).join(''));

    expect(messages.map(({ body }) => body)).toEqual(bodies);
    expect((await messagesOf(`${FULL}\n${bodies[2]}\n`, 'mboxcl'))[0]?.notes.join()).toMatch(/Content-Length does not/);
  });
});

describe('dates of messages', () => {
  const HEADER = '2020-03-03T10:11:12+01:00';
  it.each([
    ['From - Thu Feb 05 22:34:43 2009', '2009-02-05T22:34:43+00:00'],
    ['From a@b Thu Aug  9 18:39:17 2012', '2012-08-09T18:39:17+00:00'],
    ['From MAILER-DAEMON Thu Jan  1 00:00:00 1970', HEADER],
    ['From a@b Thu, 9 Aug 2012 18:39:17 +0000', '2012-08-09T18:39:17+00:00'],
    ['From ???@??? Mon Jan 01 00:00:00 2001', HEADER],
    ['From ???@??? Thu Aug 09 18:39:17 2012', '2012-08-09T18:39:17+00:00'],
    ['From a at b.example  Thu Aug  9 18:39:17 2012', '2012-08-09T18:39:17+00:00'],
    ['From x Thu Aug  9 18:39 2012', '2012-08-09T18:39:00+00:00'],
    ['From 1234567890@xxx Thu Aug 09 18:39:17 +0000 2012', '2012-08-09T18:39:17+00:00'],
    ['From a@b Thu Aug  9 18:39:60 2012', '2012-08-09T18:39:59+00:00'],
    ['From a@b 2012-08-09 18:39:17', '2012-08-09T18:39:17+00:00'],
    ['From a@b 2012-08-09T18:39:17Z', '2012-08-09T18:39:17+00:00'],
    ['From a@b thu aug  9 18:39:17 2012', '2012-08-09T18:39:17+00:00'],
    ['From "John Doe"@b Thu Aug  9 18:39:17 MEST 2012', '2012-08-09T18:39:17+02:00'],
    ['From a@b Thu Aug  9 18:39:17 PDT 2012', '2012-08-09T18:39:17-07:00'],
    ['From a@b Thu Aug  9 18:39:17 2012 remote from foo', '2012-08-09T18:39:17+00:00'],
    ['From a@b Thu Aug  9 18:39:17 12', '2012-08-09T18:39:17+00:00'],
    ['From a@b Thu Aug  9 18:39:17 99', '1999-08-09T18:39:17+00:00'],
    ['From a@b Wed Dec 31 23:59:59 1969', HEADER],
    ['From a@b Fri Jan  1 00:00:00 1904', HEADER],
    ['From a@b Thu Aug  9 18:39:17 2012 -0700', '2012-08-09T18:39:17-07:00'],
    ['From ', HEADER],
    ['From -', HEADER],
    ['From root', HEADER],
    ['From a@b', HEADER],
    ['From a@b Mon Sep 17 00:00:00 2001', '2001-09-17T00:00:00+00:00'],
    ['From a@b Do Aug  9 18:39:17 2012', '2012-08-09T18:39:17+00:00'],
    ['From a@b Di Dez  4 18:39:17 2012', '2012-12-04T18:39:17+00:00'],
    ['From a@b So M\xe4r  4 18:39:17 2012', '2012-03-04T18:39:17+00:00'],
    ['From a@b jeu. 9 ao\xc3\xbbt 2012 18:39:17 +0200', '2012-08-09T18:39:17+02:00'],
    ['From a@b 09.08.2012 18:39:17', '2012-08-09T18:39:17+00:00'],
    ['From a@b Thu Aug  9 18:39:17 20123', HEADER],
    ['From a@b Sat Feb 30 10:00:00 2012', HEADER],
    ['From a@b Thu Aug  9 25:39:17 2012', HEADER],
  ])('%s', async (line, date) => {
    const messages = await messagesOf(`${FULL}\n${mail('before')}\n${line}\n${mail('it')}\n`);

    expect(messages.map((one) => [one.body, one.date, one.notes])).toEqual([
      [mail('before'), '2020-03-03T10:11:12+00:00', []],
      [mail('it'), date, []],
    ]);
  });

  it('come from the last hop where there is no Date, and are noted where nothing tells one', async () => {
    const hop = 'Received: from a by b;\n Thu, 9 Aug 2012 18:39:17 +0200 (CEST)\nSubject: x\n\n';
    const messages = await messagesOf(`From -\n${hop}\nFrom -\nSubject: none\nTo: b\n\ntext\n\n`);

    expect(messages.map(({ date }) => date)).toEqual(['2012-08-09T18:39:17+02:00', undefined]);
    expect(messages.map(({ notes }) => notes.join())).toEqual(['', expect.stringMatching(/no date could be read/)]);
  });
});

describe('labels of Google Takeout', () => {
  const labelled = (...labels: string[]) =>
    messagesOf(
      labels
        .map((label) => `From 1@xxx Tue Mar 03 10:11:12 +0100 2020\nX-Gmail-Labels: ${label}\n${mail('x')}\n`)
        .join(''),
    );

  it('are known in German: what is unread stays so', async () => {
    const messages = await labelled(
      'Posteingang,Ungelesen,Wichtig',
      '=?UTF-8?Q?Posteingang,Ge=C3=B6ffnet?=',
      'Spam,Ungelesen',
      '=?UTF-8?Q?Entw=C3=BCrfe,Ge=C3=B6ffnet?=',
      '=?UTF-8?Q?Archiviert,Kategorie:_Werbung,Ge=C3=B6ffnet,Markiert,Reisen?=',
    );

    expect(messages.map(({ flags }) => flags)).toEqual([
      ['$Important'],
      ['\\Seen'],
      ['$Junk'],
      ['\\Draft', '\\Seen'],
      ['Reisen', '\\Flagged', '\\Seen'],
    ]);
    expect(messages.flatMap(({ notes }) => notes)).toEqual([]);
  });

  it('are known in French, with a comma in a quoted label, in words that end within a letter', async () => {
    const messages = await labelled(
      '=?UTF-8?Q?Messages_archiv=C3=A9s,Ouvert,Cat=C3=A9gorie=C2=A0:_E-mails_?=\n =?UTF-8?Q?personnels,"Culture,_associations,_=C3?=\n =?UTF-8?Q?=A9v=C3=A9nements"?=',
      '=?UTF-8?Q?Bo=C3=AEte_de_r=C3=A9ception,Non_lus?=',
    );

    expect(messages.map(({ flags }) => flags)).toEqual([['Culture, associations, événements', '\\Seen'], []]);
  });

  it('in a language that is not known leave messages unread, and say so with each', async () => {
    const messages = await labelled('=?UTF-8?B?4Z6U4Z+S4Z6a4Z6i4Z6U4Z+L?=', 'Arbeit');

    expect(messages.map(({ flags }) => flags.includes('\\Seen'))).toEqual([false, false]);
    for (const { notes } of messages) expect(notes.join()).toMatch(/language that is not known/);
  });

  it('of people alone mean read where the file’s language is known', async () => {
    const messages = await labelled('Inbox,Unread', 'Work');

    expect(messages.map(({ flags, notes }) => [flags, notes])).toEqual([
      [[], []],
      [['Work', '\\Seen'], []],
    ]);
  });

  it('beside them, Evolution’s flags are read', async () => {
    const [message] = await messagesOf(`${FULL}\nX-Evolution: 00000001-0019\n${mail('x')}\n`);

    expect(message?.flags).toEqual(['\\Answered', '\\Flagged', '\\Seen']);
  });
});

describe('files of a tree', () => {
  const good = `${FULL}\n${mail('x')}\n`;

  it('that begin oddly cost themselves, and what is not read is named', async () => {
    await write('Good', good);
    await write('Drafts.txt', good);
    await write('Sent 2019.old', good);
    await write('blank.mbox', `\n${good}`);
    await write('bom.mbox', `\xef\xbb\xbf${good}`);
    await write('Blank first', `\n${good}`);
    await write('Bom', `\xef\xbb\xbf${good}`);
    await write('Quoted first', `>${good}`);
    await write('Nuls', Buffer.concat([Buffer.alloc(512), Buffer.from(good)]));
    await write('lower', good.replace('From', 'from'));
    await write('1.eml', mail('an eml'));
    await write('export.mbox.zip', 'PK\x03\x04xx');
    await write('old.mbox.gz', gzipSync(good));
    await write('notes.txt', 'From here on these are notes.\nFine: yes\n');

    const told = await treeOf();

    for (const name of ['Good', 'Drafts.txt', 'Sent 2019.old']) expect([name, told[name]]).toEqual([name, 1]);
    for (const name of [
      'blank',
      'bom',
      'Blank first',
      'Bom',
      'Quoted first',
      'Nuls',
      'lower',
      '*.eml',
      'export.mbox.zip',
      'old.mbox.gz',
    ])
      expect([name, told[name]]).toEqual([name, expect.stringMatching(/^refused: /)]);
    expect(told['old.mbox.gz']).toMatch(/old\.mbox\.gz is not read: compressed/);
    expect(Object.keys(told).length).toBe(13);
    expect(told).not.toHaveProperty('notes.txt');
  });

  it('of KMail are folders below folders; a hidden file that is an mbox is named, others are not', async () => {
    await write('inbox', good);
    await write('.inbox.directory/Sub', good);
    await write('.inbox.directory/.Sub.index', 'an index');
    await write('.archive', good);
    await write('.cache/x', good);

    expect(await treeOf()).toEqual({
      INBOX: 1,
      'INBOX/Sub': 1,
      '.archive': expect.stringMatching(/hidden mbox file/),
    });
  });

  it('in UTF-16, with the line ends of old Macs, or behind foreign lines, are named', async () => {
    await write('utf16', Buffer.from(`\ufeff${good}`, 'utf16le'));
    await write('mac', good.replaceAll('\n', '\r'));
    await write('old.mbox', good.replaceAll('\n', '\r'));
    await write('exported', `Exported by a program\n${good}`);
    await write('a1b2c3', mail('single'));

    expect(await treeOf()).toEqual({
      utf16: expect.stringMatching(/^refused: .*begins with something else/),
      old: expect.stringMatching(/^refused: .*old Macs/),
      mac: expect.stringMatching(/^refused: .*do not end in LF/),
      exported: expect.stringMatching(/^refused: .*begins with something else/),
      'single messages': expect.stringMatching(/^refused: .*1 single messages/),
    });
  });

  it('of Apple Mail, MH, Maildir, dbox and Outlook are refused by name, one folder at a time', async () => {
    for (const n of [1, 2]) {
      await write(`INBOX.mbox/A1/Data/Messages/${n}.emlx`, `153\n${mail('apple')}`);
      await write(`mh/${n}`, mail('mh'));
      await write(`dbox/u.${n}`, '\x02 dbox');
      await write(`cyrus/${n}.`, mail('cyrus'));
      await write(`dir/cur/${n}.a.host:2,S`, mail('maildir'));
    }
    await write('dir/new/3.b.host', mail('maildir'));
    await write('backup.pst', '!BDN');
    await write('Sent.mbox/Info.plist', '<?xml version="1.0"?><plist/>');

    const told = await treeOf();

    expect(told).toEqual({
      'INBOX.mbox/A1/Data/Messages/*.emlx': expect.stringMatching(/^refused: .*2 messages of Apple Mail/),
      'mh/MH messages': expect.stringMatching(/^refused: .*2 numbered messages/),
      'dbox/dbox files': expect.stringMatching(/^refused: .*2 messages of Dovecot/),
      'cyrus/Cyrus messages': expect.stringMatching(/^refused: .*2 messages of a Cyrus/),
      'dir/Maildir': expect.stringMatching(/^refused: .*a Maildir/),
      'backup.pst': expect.stringMatching(/^refused: .*Outlook/),
    });
  });

  it('that are none at all are no empty export', async () => {
    await write('readme.html', '<html>');

    await expect(treeOf()).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('no mbox file') });
  });

  it('that a link leads out to are named; links inside the tree lead to what is read anyhow', async () => {
    await write('in/Good', good);
    await write('out/Other', good);
    await symlink(join(root, 'out'), join(root, 'in', 'link'));
    await symlink(join(root, 'in', 'Good'), join(root, 'in', 'again'));

    expect(await treeOf(join(root, 'in'))).toEqual({ Good: 1, link: expect.stringMatching(/symbolic link/) });
  });
});

describe('damage', () => {
  it('is said of a message that holds a block of NUL bytes', async () => {
    const messages = await messagesOf(`${FULL}\n${mail('x', `a\n${'\0'.repeat(700)}b\n`)}\n`);

    expect(messages[0]?.notes.join()).toMatch(/NUL bytes/);
  });

  it('is said of the last message where its parts do not end', async () => {
    const multipart = (end: string) =>
      `Subject: x\nContent-Type: multipart/mixed;\n\tboundary="b 1"\n\n--b 1\n\ntext\n${end}`;
    const messages = (end: string) => messagesOf(`${FULL}\n${multipart('')}\n${FULL}\n${multipart(end)}`);

    expect((await messages('--b 1--\n')).map(({ notes }) => notes)).toEqual([[], []]);
    expect((await messages('--b')).map(({ notes }) => notes)).toEqual([
      [],
      [expect.stringMatching(/may have been cut/)],
    ]);
  });

  it('by a program that rewrites the file while it is listed is a change of the source, and appending is none', async () => {
    const many = Array.from({ length: 1500 }, (_, n) => `${FULL}\n${mail(String(n))}\n`).join('');
    for (const [meanwhile, listed] of [
      [many + many, 1500],
      [`${many.slice(0, -5)}\n`.replace('hello', 'hello ....'), 'source-changed'],
    ] as const) {
      await write('x.mbox', many);
      const source = createMboxSource({ path: join(root, 'x.mbox'), dialect: 'mboxrd' });
      const [container] = (await all(source.containers(never))) as [Container];
      let count = 0;
      const listing = (async () => {
        for await (const page of source.list(container, undefined, never)) {
          count += page.entries.length;
          if (count === 1000) await write('x.mbox', meanwhile);
        }
        return count;
      })();

      expect(await listing.catch((error: { code: string }) => error.code)).toBe(listed);
    }
  });

  it('refuses what Drover itself was writing when it was cut off', async () => {
    const torn = 'From drover.900 Tue Mar  3 10:11:12 2020\nStatus: RO\nX-Status: \nX-Keywords: \nSubject: half';
    await write('x.mbox', `${FULL}\n${mail('x')}\n${torn}`);
    const source = createMboxSource({ path: join(root, 'x.mbox'), dialect: 'mboxrd' });
    const [container] = (await all(source.containers(never))) as [Container];
    const answers = await all(source.read(container, await entries(source.list(container, undefined, never)), never));

    expect(answers.map((one) => ('refused' in one ? one.reason : 'read'))).toEqual([
      'read',
      expect.stringMatching(/cut off/),
    ]);
  });
});
