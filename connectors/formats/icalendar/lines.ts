/**
 * Content lines of iCalendar (RFC 5545, 3.1) and vCard (RFC 6350, 3.3), read tolerantly and without copying more than
 * needed. Text is kept as *byte text*: one character for each byte (latin1), because a line may be folded between the
 * bytes of one letter, and because a canonical form has to survive bytes that are not UTF-8.
 */
import { utf8Bytes } from './charset.js';

export interface Parameter {
  /** In upper case. */
  readonly name: string;
  /** Without their quotes. Empty for the bare parameters of vCard 2.1 (`TEL;WORK:`), whose `name` is the value. */
  readonly values: readonly string[];
}

export interface ContentLine {
  /** In upper case, without a group. */
  readonly name: string;
  /** The vCard group (`item1` in `item1.TEL`), as written; absent in calendars. */
  readonly group?: string;
  readonly params: readonly Parameter[];
  readonly value: string;
}

const BYTE_ORDER_MARK = '\xef\xbb\xbf';
const NO_PARAMS: readonly Parameter[] = [];

/**
 * The body as byte text with LF line ends only. A line ends with CRLF, LF, the CR of old Macintoshes, or the CR CR LF of a
 * text-mode copy; a byte order mark where a line begins is what is left of a file that was appended.
 */
export function byteText(body: Buffer): string {
  let text = utf8Bytes(body).toString('latin1');
  if (text.includes('\r'))
    text = text.replace(/\r+\n?/g, (ends) => (ends.endsWith('\n') || ends.length === 1 ? '\n' : '\n\n'));
  return text.includes(BYTE_ORDER_MARK) ? text.replace(/^\xef\xbb\xbf/gm, '') : text;
}

/** The unfolded lines of byte text with LF line ends, blank ones left out. */
export function unfoldedLines(text: string): string[] {
  const unfolded = text.includes('\n ') || text.includes('\n\t') ? text.replace(/\n[ \t]/g, '') : text;
  return unfolded.split('\n').filter((line) => line !== '');
}

/** One unfolded line, or undefined for a line that is none: without a colon or a name. */
export function parsedLine(line: string): ContentLine | undefined {
  const colon = line.indexOf(':');
  if (colon < 1) return undefined;
  const semicolon = line.indexOf(';');
  if (semicolon === -1 || colon < semicolon) return named(line.slice(0, colon), NO_PARAMS, line.slice(colon + 1));
  if (semicolon === 0) return undefined;
  const params: Parameter[] = [];
  let at = semicolon;
  while (line[at] === ';') {
    const from = at + 1;
    at = endOf(line, from, '=;:');
    const name = line.slice(from, at).trim().toUpperCase();
    const values: string[] = [];
    if (line[at] === '=') {
      do {
        const end = endOfValue(line, at + 1);
        values.push(withoutQuotes(line.slice(at + 1, end)));
        at = end;
      } while (line[at] === ',');
    }
    // What holds a blank is a text whose line was broken, not a parameter.
    if (/[\s\x80-\xff]/.test(name)) return undefined;
    if (name !== '') params.push({ name, values });
  }
  if (line[at] !== ':') return undefined;
  return named(line.slice(0, semicolon), params, line.slice(at + 1));
}

/** Names as RFC 5545 has them, and X-names with whatever their makers put in. `See there: …` is a text whose line was broken. */
const PLAIN = /^[A-Za-z][\w-]*$/;
const NAME = /^(?:[\w-]+\.)?(?:[A-Za-z0-9][\w.-]*|[Xx]-[^\s\x80-\xff]*)$/;

function named(written: string, params: readonly Parameter[], value: string): ContentLine | undefined {
  const whole = written.trim();
  if (!PLAIN.test(whole) && !NAME.test(whole)) return undefined;
  // The rest of a text: an address.
  if (value.startsWith('//') && /^(?:https?|ftp)$/i.test(whole)) return undefined;
  const dot = whole.indexOf('.');
  if (dot === -1) return { name: whole.toUpperCase(), params, value };
  return { group: whole.slice(0, dot), name: whole.slice(dot + 1).toUpperCase(), params, value };
}

function endOf(line: string, from: number, stops: string): number {
  let at = from;
  while (at < line.length && !stops.includes(line[at] as string)) at++;
  return at;
}

/** A quoted part may hold anything but quotes; a quote that is never closed is a letter like any other. */
function endOfValue(line: string, from: number): number {
  let at = from;
  if (line[at] === '"') {
    const closing = line.indexOf('"', at + 1);
    if (closing !== -1) at = closing + 1;
  }
  return endOf(line, at, ',;:');
}

function withoutQuotes(value: string): string {
  const quoted = value.length > 1 && value[0] === '"' && value.endsWith('"');
  return quoted ? value.slice(1, -1) : value;
}

/** Splits at a separator that no backslash precedes; the parts stay escaped. */
export function splitAt(value: string, separator: ',' | ';'): string[] {
  if (!value.includes(separator)) return [value];
  if (!value.includes('\\')) return value.split(separator);
  const parts: string[] = [];
  let from = 0;
  for (let at = 0; at < value.length; at++) {
    const character = value[at];
    if (character === '\\') at++;
    else if (character === separator) {
      parts.push(value.slice(from, at));
      from = at + 1;
    }
  }
  parts.push(value.slice(from));
  return parts;
}

/**
 * Takes the escapes of a TEXT value away (RFC 5545, 3.3.11; RFC 6350, 3.4), and that of quotes, which Apple writes and
 * vobject reads. A backslash before any other character is itself, as vobject and ical.js read it.
 */
export function unescaped(value: string): string {
  if (!value.includes('\\')) return value;
  return value.replace(/\\([\\;,"nN])/g, (_, character: string) =>
    character === 'n' || character === 'N' ? '\n' : character,
  );
}

/** Folds one line at 75 octets (RFC 5545, 3.1), never within a UTF-8 letter. `line` is byte text. */
export function foldedLine(line: string): string {
  if (line.length <= 75) return line;
  let out = '';
  let from = 0;
  while (line.length - from > (from === 0 ? 75 : 74)) {
    let to = from + (from === 0 ? 75 : 74);
    while (to > from + 1 && (line.charCodeAt(to) & 0xc0) === 0x80) to--;
    out += `${line.slice(from, to)}\r\n `;
    from = to;
  }
  return out + line.slice(from);
}
