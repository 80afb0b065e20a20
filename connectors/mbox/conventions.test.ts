/** Arbitrary messages, written by each convention that programs have, come back byte for byte. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { all, apply, bodyOf, create, entries, never } from '../../tests/conformance/collect.js';
import type { Dialect } from './message-at.js';
import { createMboxSource } from './source.js';
import { createMboxTarget } from './target.js';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'drover-mbox-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function readAll(file: string, dialect: Dialect): Promise<string[]> {
  const source = createMboxSource({ path: file, dialect });
  const [container] = await all(source.containers(never));
  if (!container) throw new Error('no container');
  const items = await entries(source.list(container, undefined, never));
  return (await all(source.read(container, items, never))).map((one) => bodyOf(one).toString('latin1'));
}

const SEPARATOR = 'From a@b Tue Mar  3 10:11:12 2020';
/** Sentences that no convention needs to quote, and none may take for a beginning. */
const SENTENCES = [
  'From 10:30 to 12:00 the office is closed.',
  'From what I see:',
  'From Monday, 9 Aug 2012, we',
  'From: quoted@example.org',
  'from here',
  ' From a@b Tue Mar  3 10:11:12 2020',
];
const TEXT = [
  '',
  '',
  'hello',
  'Option: keep',
  'Subject: inner',
  '.',
  '\xfc\xe4',
  'Content-Length: 5',
  '--b--',
  'x'.repeat(300),
];
const FROM_LINES = ['From ', 'From -', 'From a@b', 'From - Thu Feb 05 22:34:43 2009', SEPARATOR, ...SENTENCES];
const QUOTED = ['>From ', '>From here', '>>From x', `>${SEPARATOR}`, '>> From'];

const block = (lines: readonly string[]) =>
  fc.array(fc.constantFrom(...lines), { maxLength: 12 }).map((some) => some.map((line) => `${line}\n`).join(''));
const HEADERS = [
  'Subject: x',
  'From: a@example.org',
  'X-Odd: 1',
  'Date: Tue, 03 Mar 2020 10:11:12 +0100',
  'To: b\n folded',
];
const header = fc.subarray(HEADERS, { minLength: 1 }).map((some) => some.map((line) => `${line}\n`).join(''));
const messages = (lines: readonly string[]) =>
  fc.array(
    fc.tuple(header, block(lines)).map(([head, body]) => ({ head, body })),
    { minLength: 1, maxLength: 5 },
  );
const whole = ({ head, body }: { head: string; body: string }) => `${head}\n${body}`;

const mboxo = (text: string) => text.replace(/^From /gm, '>From ');
const mboxrd = (text: string) => text.replace(/^(>*From )/gm, '>$1');

interface Convention {
  readonly name: string;
  readonly dialect: Dialect;
  /** What bodies may hold. */
  readonly lines: readonly string[];
  /** What it adds to the headers: they stay in the message. */
  readonly added?: (body: string) => string;
  readonly quote: (text: string) => string;
  readonly separator: (n: number) => string;
  readonly lineEnd?: '\r\n';
  /** Nothing between messages. A body must not be empty then: the blank line before it could be the one between. */
  readonly blankless?: true;
}

const plain = () => SEPARATOR;
const conventions: readonly Convention[] = [
  { name: 'mboxo', dialect: 'mboxo', lines: [...TEXT, ...FROM_LINES], quote: mboxo, separator: plain },
  { name: 'mboxrd', dialect: 'mboxrd', lines: [...TEXT, ...FROM_LINES, ...QUOTED], quote: mboxrd, separator: plain },
  {
    name: 'mboxcl',
    dialect: 'mboxcl',
    lines: [...TEXT, ...FROM_LINES],
    quote: mboxo,
    added: (body) => `Content-Length: ${mboxo(body).length}\n`,
    separator: plain,
  },
  {
    name: 'mboxcl2',
    dialect: 'mboxcl2',
    lines: [...TEXT, ...FROM_LINES, ...QUOTED],
    quote: (text) => text,
    added: (body) => `Content-Length: ${body.length}\n`,
    separator: plain,
  },
  {
    name: 'Thunderbird',
    dialect: 'mboxrd',
    lines: [...TEXT, ...FROM_LINES, ...QUOTED],
    quote: mboxrd,
    added: () => 'X-Mozilla-Status: 0001\nX-Mozilla-Status2: 00000000\n',
    separator: (n) => ['From - Thu Feb 05 22:34:43 2009', 'From - ', 'From '][n % 3] ?? '',
  },
  {
    name: 'Takeout',
    dialect: 'mboxrd',
    lines: [...TEXT, ...FROM_LINES, ...QUOTED],
    quote: mboxrd,
    added: () => 'X-GM-THRID: 1660000000000000001\nX-Gmail-Labels: Inbox,Unread\n',
    separator: (n) => `From 166000000000000000${n}@xxx Tue Mar 03 10:11:12 +0100 2020`,
    lineEnd: '\r\n',
  },
  {
    name: 'a program that quotes nothing, with sentences in its mail',
    dialect: 'mboxrd',
    lines: [...TEXT, ...SENTENCES],
    quote: (text) => text,
    separator: plain,
  },
  {
    name: 'a program that puts no blank line between',
    dialect: 'mboxrd',
    blankless: true,
    lines: ['hello', 'Option: keep', ...SENTENCES],
    added: () => 'Message-ID: <x@example.org>\nReceived: from a by b\n',
    quote: (text) => text,
    separator: plain,
  },
];

describe('messages as they are written by', () => {
  it.each(conventions)('$name', async (convention) => {
    const { dialect, lines, added = () => '', quote, separator, lineEnd = '\n', blankless } = convention;
    const [first, blank] = blankless ? ['hello\n', ''] : ['', '\n'];
    await fc.assert(
      fc.asyncProperty(messages(lines), async (some) => {
        const file = join(root, 'x.mbox');
        const written = some.map(({ head, body }) => ({ head: `${added(body)}${head}`, body: `${first}${body}` }));
        const text = written.map(({ head, body }, n) => `${separator(n)}\n${quote(head)}\n${quote(body)}${blank}`);
        await writeFile(file, Buffer.from(text.join('').replaceAll('\n', lineEnd), 'latin1'));

        expect(await readAll(file, dialect)).toEqual(written.map((one) => whole(one).replaceAll('\n', lineEnd)));
      }),
      { numRuns: 120 },
    );
  });

  it('ourselves, after mail of others, whatever dialect the reader takes for theirs', async () => {
    const lines = [...TEXT, ...FROM_LINES, ...QUOTED];
    await fc.assert(
      fc.asyncProperty(
        messages(lines),
        fc.constantFrom<Dialect>('mboxrd', 'mboxo', 'mboxcl', 'mboxcl2'),
        async (some, dialect) => {
          const file = join(root, 'INBOX.mbox');
          await writeFile(file, Buffer.from(`${SEPARATOR}\nSubject: theirs\n\nhello\n`, 'latin1'));
          const target = createMboxTarget(root);
          const container = await target.ensure({ path: ['INBOX'] }, never);
          const bodies = some.map(whole);
          const writes = bodies.map((body, n) => create(`t${n}`, Buffer.from(body, 'latin1')));
          await apply(target, container, writes);

          expect(await readAll(file, dialect)).toEqual(['Subject: theirs\n\nhello\n', ...bodies]);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('a line that begins with "From "', () => {
  it('is judged in a time that grows with its length alone', async () => {
    const long = (text: string) => text.repeat(Math.ceil(8000 / text.length)).slice(0, 8000);
    const lines = ['From ', 'x ', '1:11 ', 'Jan 1 11:11 ', ' at a', '>From ', 'a:\n', '=?utf-8?q?', '"', '?= =?'];
    const body = lines.map((line) => `From ${long(line)}\nX: ${long(line)}\n\n`).join('');
    const file = join(root, 'x.mbox');
    await writeFile(file, `${SEPARATOR}\nX-Gmail-Labels: ${lines.map(long).join('')}\n\n${body.repeat(20)}`);

    const before = performance.now();
    await readAll(file, 'mboxrd');

    expect(performance.now() - before).toBeLessThan(2000);
  });
});
