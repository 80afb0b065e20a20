/**
 * Content lines of iCalendar (RFC 5545, 3.1) and vCard (RFC 6350, 3.3), read tolerantly and without copying more than
 * needed. Text is kept as *byte text*: one character for each byte (latin1), because a line may be folded between the
 * bytes of one letter, and because a canonical form has to survive bytes that are no UTF-8.
 */

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

/** The body as byte text with LF line ends only. A body without any LF is taken to have the CR of old Macintoshes. */
export function byteText(body: Buffer): string {
  let text = body.toString('latin1');
  if (text.startsWith(BYTE_ORDER_MARK)) text = text.slice(BYTE_ORDER_MARK.length);
  if (!text.includes('\r')) return text;
  return text.includes('\n') ? text.replaceAll('\r\n', '\n') : text.replaceAll('\r', '\n');
}

/** The unfolded lines of byte text with LF line ends, blank ones left out. */
export function unfoldedLines(text: string): string[] {
  const unfolded = text.includes('\n ') || text.includes('\n\t') ? text.replace(/\n[ \t]/g, '') : text;
  return unfolded.split('\n').filter((line) => line !== '' && line !== '\r');
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
    if (name !== '') params.push({ name, values });
  }
  if (line[at] !== ':') return undefined;
  return named(line.slice(0, semicolon), params, line.slice(at + 1));
}

function named(written: string, params: readonly Parameter[], value: string): ContentLine | undefined {
  // `See there: …` is a text whose line was broken, not a property.
  if (written.trim() === '' || written.trim().includes(' ')) return undefined;
  const dot = written.indexOf('.');
  if (dot === -1) return { name: written.trim().toUpperCase(), params, value };
  return {
    group: written.slice(0, dot).trim(),
    name: written
      .slice(dot + 1)
      .trim()
      .toUpperCase(),
    params,
    value,
  };
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
 * Takes the escapes of a TEXT value away (RFC 5545, 3.3.11; RFC 6350, 3.4). A backslash before any other character is
 * itself, as vobject and ical.js read it.
 */
export function unescaped(value: string): string {
  if (!value.includes('\\')) return value;
  return value.replace(/\\([\\;,nN])/g, (_, character: string) =>
    character === 'n' || character === 'N' ? '\n' : character,
  );
}

/** Text in one spelling, without line ends of its own: the same letters, however they were escaped. */
export function canonicalText(value: string): string {
  if (!value.includes('\\')) return value;
  return unescaped(value).replace(/[\\\n]/g, (character) => (character === '\n' ? '\\n' : '\\\\'));
}
