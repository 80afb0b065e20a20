/**
 * No foreign text can hold a worker: whatever reads the words of a server, a file or a person takes time in proportion
 * to their length. Each function is given each kind of text at two lengths; what grows like the square of it is told.
 * Calendars and cards have a table of their own (connectors/vdir/linear.test.ts), patterns too (patterns.test.ts).
 */
import { describe, expect, it } from 'vitest';
import { fitted, fittedEnd, printable, table } from '../../cli/output.js';
import { namesAt } from '../../connectors/folder/names.js';
import { damageIn } from '../../connectors/formats/mail-damage.js';
import { decodeModifiedUtf7, encodeModifiedUtf7 } from '../../connectors/formats/modified-utf7.js';
import { inUnixLines } from '../../connectors/formats/unix-lines.js';
import { dateAtEnd } from '../../connectors/formats/written-date.js';
import { faultFromReply, redact } from '../../connectors/imap/faults.js';
import { fromInternalDate } from '../../connectors/imap/internal-date.js';
import { decodeName, encodeName, pathOf as mailboxPath, targetName } from '../../connectors/imap/mailbox-names.js';
import { messageLiteral } from '../../connectors/imap/message-literal.js';
import { readReply } from '../../connectors/imap/reply.js';
import { ReplyReader } from '../../connectors/imap/reply-reader.js';
import { expandSet } from '../../connectors/imap/sequence-set.js';
import { canonicalMail, standardFlags } from '../../connectors/kinds/mail.js';
import { doubtAbout } from '../../connectors/kinds/whole-mail.js';
import { markOf } from '../../connectors/maildir/message-files.js';
import { shownName } from '../../connectors/maildir/raw-names.js';
import { sizeNotes } from '../../connectors/maildir/sizes-in-names.js';
import { fileName, folderName } from '../../connectors/mbox/folder-files.js';
import { dateOfFromLine, internalDate } from '../../connectors/mbox/from-line.js';
import { gmailFlags } from '../../connectors/mbox/gmail-labels.js';
import { headerFlags } from '../../connectors/mbox/header-flags.js';
import { quoted, unquoted } from '../../connectors/mbox/quoting.js';
import { readingOf } from '../../connectors/mbox/separator.js';
import { faultOf as databaseFault } from '../../connectors/postgres/faults.js';
import { challengeIn } from '../../connectors/wire/dav/digest.js';
import { faultOf, readError } from '../../connectors/wire/dav/faults.js';
import { encodePath, nameIn, pathOf } from '../../connectors/wire/dav/hrefs.js';
import { versionOf } from '../../connectors/wire/dav/items.js';
import { readMultistatus } from '../../connectors/wire/dav/multistatus.js';
import { cleanFor } from '../../connectors/wire/dav/redact-server-text.js';
import { memberNames } from '../../connectors/wire/webdav/paths.js';
import { createNames, foldedPath } from '../../engine/select/names.js';
import { keptPath } from '../../engine/write/kept-path.js';
import { csvRow } from '../../report/csv.js';
import { reasonGroup } from '../../report/renamed.js';
import { escapeHtml } from '../../report/text.js';
import { readAccounts } from '../../schemas/accounts-file.js';
import { readCron } from '../../schemas/cron.js';
import { quote } from '../../schemas/diagnostic.js';
import { parseDuration } from '../../schemas/duration.js';
import { createFolderMatcher, folderGlobProblem } from '../../schemas/folder-globs.js';
import type { Selection } from '../../schemas/spec.js';
import { didYouMean } from '../../schemas/suggest.js';
import { createRedactor, redactText } from '../../secrets/redact.js';

/** What is repeated to make a text. */
// biome-ignore format: a list
const PIECES = [
  'a', 'A1', ' ', '\n', '\r', '\r\n', '\t', '\0', '"', "'", '\\', '\\"', '(', '()', ')', '[', ']', '{', '{1}', '{a,', '<', '<a>', '</a>',
  '<!--', '<![CDATA[', '&', '&-', '&amp;', '&A-', '@', 'a@', 'a@b ', ',', ';', ':', '=', '==', '/', 'a/', '../', '.', '%', '%25', '%2F',
  '?', '#', '*', '**/', '+', '-', '~', '\u200e', '\u00e9', 'e\u0301', '\u4f1a', '\u{1f389}', '\ud800', 'password=', 'password="',
  'LOGIN "', 'LOGIN a ', 'Bearer ', 'https://', 'a:b@', 'From ', '>From ', '\nFrom ', 'Subject: a\n', 'X-Keywords: ', '=?utf-8?q?',
  '=?utf-8?q?a?= ', 'Content-Type: multipart/mixed; boundary=a\n', '--a--\n', '01-Jan-2020 ', 'NIL ', '"a" ', '1:2,', '9', 'retry in 1 ',
  'remote.php/', 'nonce="', 'nonce="a", ', 'realm=a,', 'key: ', '- ', '? ', '&a ', '*a ', '!a ', 'a: b\n', '"a","b"\n',
] as const;

const selection = { name: 'a', kind: 'files', from: 'a', to: 'b', names: 'rename' } as unknown as Selection;
const rules = { ...namesAt('/', 'linux'), nameBytes: 255, forbidden: ':?\\' };
const namespace = { prefix: 'INBOX.', delimiter: '.', foreign: ['user.'] };
const content = Buffer.from('a'.repeat(100_000));

async function* chunks(...texts: readonly string[]): AsyncGenerator<Buffer> {
  for (const text of texts) {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += 16_384) yield bytes.subarray(at, at + 16_384);
  }
}

async function drained(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of items);
}

const MULTISTATUS = '<D:multistatus xmlns:D="DAV:"><D:response><D:href>';

/** By room: each takes a text, and may throw. */
const READERS: Readonly<Record<string, (text: string) => unknown>> = {
  'cli: printable': printable,
  'cli: fitted': (text) => [fitted(text, 80), fittedEnd(text, 80)],
  'cli: table': (text) => table(['a', 'b'], [[printable(text), 1]]),
  'dav: a refusal of a listing': (text) => cleanFor({ method: 'PROPFIND', path: '/' }, ['secret'])(text, true),
  'dav: a refusal of content': (text) => cleanFor({ method: 'PUT', path: '/', body: content }, ['secret'])(text, false),
  'dav: an error': (text) => readError(chunks(text)),
  'dav: an error as XML': (text) => readError(chunks('<D:error xmlns:D="DAV:"><D:a>', text)),
  'dav: a listing': (text) => drained(readMultistatus(chunks(MULTISTATUS, text), 'here')),
  'dav: a fault': (text) => faultOf('here', 503, { words: text }, text, text),
  'dav: an href': (text) => [pathOf(text), pathOf(`/${text}`), nameIn('/a/', `/a/${text}`)],
  'dav: a path': encodePath,
  'dav: an ETag': versionOf,
  'dav: a challenge': (text) => [challengeIn(text), challengeIn(`Digest ${text}`)],
  'webdav: a member': (text) => memberNames('/a/')(`/a/${text}`),
  'imap: a reply': (text) =>
    [`* LIST ${text}`, `* 1 FETCH (${text})`, `a OK [${text}`, `* ESEARCH ${text}`].map(replied),
  'imap: lines': (text) => new ReplyReader(replied1).push(Buffer.from(`* ${text}\r\n`)),
  'imap: a refusal': (text) =>
    faultFromReply({ kind: 'status', tag: 'a', status: 'NO', text }, { command: 'X', phase: 'other' }),
  'imap: a login refused': (text) =>
    faultFromReply({ kind: 'status', tag: 'a', status: 'NO', text }, { command: 'X', phase: 'login' }),
  'imap: words': (text) => redact(text, ['secret']),
  'imap: a date': fromInternalDate,
  'imap: a folder': (text) => [decodeName(text), mailboxPath(text, namespace), encodeName(text)],
  'imap: a name for a folder': (text) => [targetName([text], namespace), targetName(text.split('/'), namespace, true)],
  'imap: a set': (text) => expandSet(text, 1_000),
  'imap: a literal': (text) => messageLiteral(Buffer.from(text), true),
  'mail: flags': (text) => standardFlags(text.split(' ')),
  'mail: a message': (text) => [
    canonicalMail(Buffer.from(text)),
    inUnixLines(Buffer.from(text)),
    damageIn(Buffer.from(text)),
  ],
  'mail: whole or not': (text) =>
    doubtAbout(Buffer.from(`Content-Type: multipart/mixed; boundary=a\n${text}`), 1e9, true),
  'maildir: a name': (text) => [markOf(text), shownName(text), sizeNotes(text, content)],
  'maildir: a folder': (text) => [decodeModifiedUtf7(text), encodeModifiedUtf7(text)],
  'mbox: a folder': (text) => [folderName(text), fileName(text)],
  'mbox: a From line': (text) => [dateOfFromLine(`From ${text}`), internalDate(`From ${text}`, text), dateAtEnd(text)],
  'mbox: headers': (text) => [
    headerFlags(text),
    headerFlags(`X-Keywords: ${text}`),
    headerFlags(`X-Gmail-Labels: ${text}`),
  ],
  'mbox: labels': gmailFlags,
  'mbox: between messages': (text) => [readingOf(text, true), readingOf(text, false)],
  'mbox: quoting': (text) => [quoted(Buffer.from(text)), unquoted(Buffer.from(text), 'mboxrd')],
  'postgres: a fault': (text) => databaseFault(Object.assign(new Error(text), { code: '23514' }), 'here', ['value']),
  // No system has longer paths; every folder on the way is named by its own.
  'files: a name': (text) => {
    const key = text.slice(0, 4_000);
    return [createNames(rules, selection).of(key), foldedPath(rules, selection, key), keptPath(key, 'abc')];
  },
  'report: a row': (text) => csvRow([text, 1]),
  'report: a cell': escapeHtml,
  'report: a reason': (text) => reasonGroup({ key: text, reason: `a: ${text}` }, true),
  'spec: accounts': (text) => [
    readAccounts('a', Buffer.from(text)),
    readAccounts('a', Buffer.from(`from,to\n${text}`)),
  ],
  'spec: words': (text) => [quote(text), readCron(text), parseDuration(text), didYouMean(text, ['account'])],
  'spec: a glob': folderGlobProblem,
  'spec: a path and globs': createFolderMatcher(['*a*a*a*a*b', '**/a/**/a/**/b', '{a,*b}{c,*d}*', '**/*.doc']),
  'secrets: a log line': redactText,
  'secrets: an error': (text) => createRedactor().error(new Error(text)),
};

function replied(text: string): void {
  try {
    readReply([text]);
  } catch {
    // Most of them are no replies.
  }
}
const replied1 = (parts: readonly unknown[]): void => {
  for (const part of parts) if (typeof part === 'string') replied(part);
};

/** Processor time of one call, in milliseconds: other programs on the machine do not count. */
async function cost(read: (text: string) => unknown, text: string, tries = 1): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let left = tries; left > 0; left--) {
    const before = process.cpuUsage();
    try {
      await read(text);
    } catch {
      // What it makes of the text is not asked here.
    }
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1000);
  }
  return least;
}

/** Characters of the shorter text. A tenth of a second for it is suspicious, and no proof on a slow machine. */
const SHORT = 20_000;
const SUSPICIOUS_MS = 40;

describe('time grows with the text, and no faster:', () => {
  it.each(Object.keys(READERS))('%s', async (name) => {
    const read = READERS[name] as (text: string) => unknown;
    const held: string[] = [];
    for (const piece of PIECES) {
      const text = (length: number) => piece.repeat(length / piece.length);
      // A first taste: what grows like the square shows before it holds the test itself.
      if ((await cost(read, text(SHORT / 8))) < SUSPICIOUS_MS && (await cost(read, text(SHORT))) < SUSPICIOUS_MS)
        continue;
      const [some, more] = [await cost(read, text(SHORT / 4), 3), await cost(read, text(SHORT), 3)];
      // Four times the text: four times the work, or sixteen times.
      if (more > SUSPICIOUS_MS && more > 9 * some)
        held.push(`${JSON.stringify(piece)}: ${Math.round(some)} ms, then ${Math.round(more)} ms`);
    }
    expect(held).toEqual([]);
  });
});
