/** Finds messages in an mbox file: where each begins and ends, and what stands around it. */
import { createHash } from 'node:crypto';
import { Fault } from '../errors.js';
import type { FileWindow } from './file-window.js';
import { dateOfFromLine, internalDate, ourLength } from './from-line.js';
import { headerFlags } from './header-flags.js';
import { knowsLabels } from './label-language.js';
import { unquoted } from './quoting.js';
import { readingOf } from './separator.js';

export type Dialect = 'mboxrd' | 'mboxo' | 'mboxcl' | 'mboxcl2';

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
  /** What could be read otherwise, or not at all: recorded with the message. */
  readonly notes: readonly string[];
  /** A message of ours whose end is missing: its first line tells more bytes than the file has. */
  readonly torn: boolean;
}

const LF = 10;
const CR = 13;
const LINE_END = Buffer.from('\n');
const FROM = Buffer.from('From ');
const NEXT_FROM = Buffer.from('\nFrom ');
const LONGEST_LINE = 8192;
const LONGEST_HEADER = 256 * 1024;
/** Enough of a beginning to tell it from text. */
const LOOK = 2048;
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
  if (lineEnd === -1 && head.includes(CR)) {
    throw new Fault('refused', `the lines from byte ${at} on end in a carriage return alone, as on old Macs`, {
      next: 'convert the line ends of the file, or export the folder again',
    });
  }
  const line = head.toString('latin1', 0, lineEnd === -1 ? head.length : lineEnd).replace(/\r$/, '');
  const start = at + (lineEnd === -1 ? head.length : lineEnd + 1);
  const key = `${String(at).padStart(13, '0')}-${createHash('sha256').update(line).digest('hex').slice(0, 8)}`;
  const ourBytes = ourLength(line);
  const ours =
    ourBytes === undefined
      ? undefined
      : OUR_LINES.exec((await file.bytes(start, LONGEST_LINE)).toString('latin1'))?.[0];
  const header = await headerAt(file, start);
  let shown = headerFlags(ours ?? header);
  if (shown.unknownLabels && (await knowsLabels(file))) shown = headerFlags(header, true);
  const bounds = await endOf(file, start, header, ourBytes, shown.length, dialect);
  const notes = [...bounds.notes];
  if (at > 0 && ours === undefined && HAS_NO_FIELDS.test(header)) notes.push(NO_HEADERS);
  const date = ours === undefined ? internalDate(line, header) : dateOfFromLine(line);
  if (date === undefined) notes.push(NO_DATE);
  if (shown.unknownLabels) notes.push(UNKNOWN_LABELS);
  const { end, next } = bounds;
  if (next === file.size && (await isCut(file, header, start, end))) notes.push(CUT);
  const torn = ours !== undefined && ourBytes !== undefined && start + ourBytes > file.size && next === file.size;
  return {
    key,
    ours: ours !== undefined,
    start: start + (ours?.length ?? 0),
    end,
    next,
    flags: shown.flags,
    expunged: shown.expunged,
    date,
    notes,
    torn,
  };
}

/** Text where the first field should be; nothing at all is a message without headers. */
const HAS_NO_FIELDS = /^(?!>+From |[!-9;-~]+[ \t]*:|$)/;
const NO_HEADERS = 'no headers follow its "From " line: it may be the rest of the message before it';
const NO_DATE = 'no date could be read, in its "From " line or its headers: the target gives it one';
const UNKNOWN_LABELS =
  'its Gmail labels are in a language that is not known here: whether it was read is not kept, it arrives as unread';

const LONGEST_TYPE = 2000;
const CUT = 'the file ends before the last MIME part of this message does: it may have been cut';

/** The last message of a file that was cut lacks the line that ends its parts. */
async function isCut(file: FileWindow, header: string, start: number, end: number): Promise<boolean> {
  const type = /^content-type:([^\n]*(?:\n[ \t][^\n]*)*)/im.exec(header)?.[1]?.slice(0, LONGEST_TYPE) ?? '';
  const [, quoted, plain] = /boundary=(?:"([^"\r\n]+)"|([^\s;"]+))/i.exec(type) ?? [];
  const boundary = /multipart\//i.test(type) ? (quoted ?? plain) : undefined;
  if (boundary === undefined) return false;
  return (await file.indexOf(Buffer.from(`\n--${boundary}--`, 'latin1'), start, end)) === -1;
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
  if (spoken === 'mboxcl2') return bytes;
  return unquoted(bytes, spoken === 'mboxcl' ? 'mboxo' : spoken);
}

/** Most headers are short: a long look at each message would cost more than all else. */
async function headerAt(file: FileWindow, start: number): Promise<string> {
  for (const length of [LONGEST_LINE, LONGEST_HEADER]) {
    const text = (await file.bytes(start, length)).toString('latin1');
    const end = /^\r?\n|\n\r?\n/.exec(text);
    if (end) return untilNext(text.slice(0, end.index + (end[0].startsWith('\n') && end.index > 0 ? 1 : 0)));
    if (text.length < length || length === LONGEST_HEADER) return untilNext(text);
  }
  return '';
}

/** A message that is nothing but headers, without a blank line, must not be given those of the next. */
function untilNext(header: string): string {
  const next = header.indexOf('\nFrom ');
  return next === -1 ? header : header.slice(0, next + 1);
}

interface Ends {
  readonly end: number;
  readonly next: number;
}

interface Bounds extends Ends {
  readonly notes: readonly string[];
}

/**
 * The end by the lengths that are told, where a message really begins behind them, else by the next separating line.
 * `ourBytes`: of our own first line; `length`: Content-Length.
 */
async function endOf(
  file: FileWindow,
  start: number,
  header: string,
  ourBytes: number | undefined,
  length: number | undefined,
  dialect: Dialect,
): Promise<Bounds> {
  if (ourBytes !== undefined && (await beginsAt(file, start + ourBytes)))
    return { end: start + ourBytes - 1, next: start + ourBytes, notes: [] };
  const counts = dialect === 'mboxcl' || dialect === 'mboxcl2';
  if (length === undefined) return nextBoundary(file, start);
  const body = start + header.length + ((await file.bytes(start + header.length, 1))[0] === CR ? 2 : 1);
  const told = await toldEnd(file, body + length);
  if (told && counts) return { ...told, notes: [] };
  const bounds = await nextBoundary(file, start);
  if (!told) return counts ? { ...bounds, notes: [...bounds.notes, NO_END] } : bounds;
  if (told.next === bounds.next) return bounds;
  // Both readings account for all bytes. A length that leads right to a beginning, or to the end, is no accident.
  return { ...told, notes: [lengthDecided(Math.min(told.next, bounds.next))] };
}

const NO_END = 'its Content-Length does not lead to the next message: it ends at the next "From " line';

function lengthDecided(at: number): string {
  return `Content-Length and the "From " line at byte ${at} tell two ends of it: Content-Length was followed`;
}

/** The blank line and the next message where Content-Length says, if they are there. */
async function toldEnd(file: FileWindow, end: number): Promise<Ends | undefined> {
  if (end > file.size) return undefined;
  const after = (await file.bytes(end, 4 + FROM.length)).toString('latin1');
  const blank = /^(?:\r?\n)?(?:\r?\n)?(?=From |$)/.exec(after)?.[0];
  if (blank === undefined) return undefined;
  const next = end + blank.length;
  // In the middle of a line "From " begins nothing.
  const isLine = blank !== '' || next === file.size || (await file.bytes(end - 1, 1))[0] === LF;
  return isLine ? { end, next } : undefined;
}

async function beginsAt(file: FileWindow, at: number): Promise<boolean> {
  if (at >= file.size) return at === file.size;
  return (await file.bytes(at, FROM.length)).equals(FROM);
}

/** The next line that separates messages. Lines that might as well are noted: they stay in the message. */
async function nextBoundary(file: FileWindow, start: number): Promise<Bounds> {
  const notes: string[] = [];
  for (let from = Math.max(start - 1, 0); ; ) {
    const found = await file.indexOf(NEXT_FROM, from);
    if (found === -1) return { ...(await lastEnd(file, start)), notes };
    const blank = await blankLineBefore(file, found, start);
    const text = (await file.bytes(found + 1, LOOK)).toString('latin1');
    const { separates, doubtful } = readingOf(text, blank > 0);
    if (separates) return { end: found + 1 - blank, next: found + 1, notes };
    if (doubtful && notes.length === 0)
      notes.push(`the line "From …" at byte ${found + 1} may begin another message: it was read as text of this one`);
    from = found + 1;
  }
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
