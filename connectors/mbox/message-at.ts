/** Finds messages in an mbox file: where each begins and ends, and what stands around it. */
import { createHash } from 'node:crypto';
import { Fault } from '../errors.js';
import type { FileWindow } from './file-window.js';
import { dateOfFromLine, OURS, ourLength, tellsTime } from './from-line.js';
import { headerFlags } from './header-flags.js';
import { unquoted } from './quoting.js';

export type Dialect = 'mboxrd' | 'mboxo' | 'mboxcl2';

export interface FoundMessage {
  /** Offset and a digest of the line there: names this message or none, also when the file was rewritten. */
  readonly key: string;
  readonly ours: boolean;
  /** Content as it stands in the file. */
  readonly start: number;
  readonly end: number;
  /** Where the next message begins, or the end of the file. */
  readonly next: number;
  readonly flags: readonly string[];
  readonly expunged: boolean;
  readonly date: string | undefined;
}

const LF = 10;
const CR = 13;
const LINE_END = Buffer.from('\n');
const FROM = Buffer.from('From ');
const NEXT_FROM = Buffer.from('\nFrom ');
const LONGEST_LINE = 8192;
const LONGEST_HEADER = 256 * 1024;
/** Where our own messages keep their flags; written and taken away by us, never part of the message. */
const OUR_LINES = /^Status: ([RO]*)\nX-Status: ([AFT]*)\nX-Keywords: ([^\n]*)\n/;

export function offsetOf(key: string): number {
  return Number(/^\d{13}/.exec(key)?.[0] ?? Number.NaN);
}

export function ourLines(flags: readonly string[]): string {
  const has = (flag: string, letter: string) => (flags.includes(flag) ? letter : '');
  const keywords = flags.filter((flag) => !flag.startsWith('\\'));
  const status = `Status: ${has('\\Seen', 'R')}O\n`;
  return `${status}X-Status: ${has('\\Answered', 'A')}${has('\\Flagged', 'F')}${has('\\Draft', 'T')}\nX-Keywords: ${keywords.join(' ')}\n`;
}

/** The message that begins at `at`. Throws `Fault('refused')` when none does. */
export async function messageAt(file: FileWindow, at: number, dialect: Dialect): Promise<FoundMessage> {
  const head = await file.bytes(at, LONGEST_LINE);
  if (!head.subarray(0, FROM.length).equals(FROM)) {
    throw new Fault('refused', `no "From " line at byte ${at}: this is not an mbox file, or it is damaged there`, {
      next: 'export the folder again, or take the file out of the tree',
    });
  }
  const lineEnd = head.indexOf(LF);
  const line = head.toString('latin1', 0, lineEnd === -1 ? head.length : lineEnd).replace(/\r$/, '');
  const start = at + (lineEnd === -1 ? head.length : lineEnd + 1);
  const key = `${String(at).padStart(13, '0')}-${createHash('sha256').update(line).digest('hex').slice(0, 8)}`;
  const length = ourLength(line);
  const ours =
    length === undefined ? undefined : OUR_LINES.exec((await file.bytes(start, LONGEST_LINE)).toString('latin1'))?.[0];
  const header = await headerAt(file, start);
  const { end, next } = await endOf(file, start, header, length, dialect);
  const date = dateOfFromLine(line);
  const shown = headerFlags(ours ?? header);
  return { key, ours: ours !== undefined, start: start + (ours?.length ?? 0), end, next, ...shown, date };
}

/** All messages from `at` on, which must be where one begins, or the end. */
export async function* messagesFrom(file: FileWindow, at: number, dialect: Dialect): AsyncIterable<FoundMessage> {
  for (let from = at; from < file.size; ) {
    const message = await messageAt(file, from, dialect);
    yield message;
    from = message.next;
  }
}

/** The message as it was before it came into the file. */
export async function contentOf(file: FileWindow, message: FoundMessage, dialect: Dialect): Promise<Buffer> {
  const bytes = await file.bytes(message.start, message.end - message.start);
  const spoken = message.ours ? 'mboxrd' : dialect;
  return spoken === 'mboxcl2' ? bytes : unquoted(bytes, spoken);
}

/** Most headers are short: a long look at each message would cost more than all else. */
async function headerAt(file: FileWindow, start: number): Promise<string> {
  for (const length of [LONGEST_LINE, LONGEST_HEADER]) {
    const text = (await file.bytes(start, length)).toString('latin1');
    const end = /^\r?\n|\n\r?\n/.exec(text);
    if (end) return text.slice(0, end.index + (end[0].startsWith('\n') && end.index > 0 ? 1 : 0));
    if (text.length < length || length === LONGEST_HEADER) return text;
  }
  return '';
}

interface Ends {
  readonly end: number;
  readonly next: number;
}

async function endOf(
  file: FileWindow,
  start: number,
  header: string,
  length: number | undefined,
  dialect: Dialect,
): Promise<Ends> {
  if (length !== undefined && (await beginsAt(file, start + length)))
    return { end: start + length - 1, next: start + length };
  if (dialect === 'mboxcl2') {
    const told = /^content-length:[ \t]*(\d+)/im.exec(header)?.[1];
    const body = start + header.length + ((await file.bytes(start + header.length, 1))[0] === CR ? 2 : 1);
    const ends = told === undefined ? undefined : await toldEnd(file, body + Number(told));
    if (ends) return ends;
  }
  return nextBoundary(file, start);
}

/** The blank line and the next message where Content-Length says, if they are there. */
async function toldEnd(file: FileWindow, end: number): Promise<Ends | undefined> {
  if (end > file.size) return undefined;
  const after = await file.bytes(end, 4 + FROM.length);
  const blank = /^(?:\r?\n)?(?:\r?\n)?(?=From |$)/.exec(after.toString('latin1'));
  return blank ? { end, next: end + blank[0].length } : undefined;
}

async function beginsAt(file: FileWindow, at: number): Promise<boolean> {
  if (at >= file.size) return at === file.size;
  return (await file.bytes(at, FROM.length)).equals(FROM);
}

/** The next "From " line after a blank one. A line that tells no time counts only before a header. */
async function nextBoundary(file: FileWindow, start: number): Promise<Ends> {
  for (let from = Math.max(start - 1, 0); ; ) {
    const found = await file.indexOf(NEXT_FROM, from);
    if (found === -1) return lastEnd(file, start);
    const blank = await blankLineBefore(file, found, start);
    if (blank > 0 && (await isFromLine(file, found + 1))) return { end: found + 1 - blank, next: found + 1 };
    from = found + 1;
  }
}

async function isFromLine(file: FileWindow, at: number): Promise<boolean> {
  const text = (await file.bytes(at, LONGEST_LINE)).toString('latin1');
  const [line = '', following = ''] = text.split('\n', 2);
  return line.startsWith(OURS) || tellsTime(line) || /^[!-9;-~]+:/.test(following);
}

/** Bytes of the blank line that ends with the line feed at `at`; 0 when that line is not blank. */
async function blankLineBefore(file: FileWindow, at: number, start: number): Promise<number> {
  if (at < start) return 0;
  const before = await file.bytes(Math.max(at - 2, 0), Math.min(at, 2));
  const last = before[before.length - 1];
  if (at === start || last === LF) return 1;
  if (last !== CR) return 0;
  return at - 1 === start || before[before.length - 2] === LF ? 2 : 0;
}

async function lastEnd(file: FileWindow, start: number): Promise<Ends> {
  const next = file.size;
  if (next <= start) return { end: next, next };
  const endsInLine = (await file.bytes(next - 1, 1)).equals(LINE_END);
  const blank = endsInLine ? await blankLineBefore(file, next - 1, start) : 0;
  return { end: next - blank, next };
}
