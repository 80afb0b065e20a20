/** Mending that iCalendar and vCard share: bytes, line ends, and texts whose commas nobody escaped. */
import { isUtf8 as isValid } from 'node:buffer';
import { unicode } from './charset.js';
import { byteText } from './lines.js';

/** One line as it stands (folded, with LF inside) and unfolded. Byte text. */
export interface LogicalLine {
  readonly written: string;
  readonly line: string;
}

/** Blank lines are left out. */
export function logicalLines(text: string): LogicalLine[] {
  const lines: LogicalLine[] = [];
  for (const written of text.split(/\n(?![ \t])/)) {
    const line = written.includes('\n') ? written.replace(/\n[ \t]/g, '') : written;
    if (line.trim() !== '') lines.push({ written, line });
  }
  return lines;
}

/** With CRLF line ends. */
export function rejoined(lines: readonly LogicalLine[]): Buffer {
  const text = lines.map(({ written }) => written).join('\n');
  return Buffer.from(`${text.replaceAll('\n', '\r\n')}\r\n`, 'latin1');
}

/** Control characters that RFC 5545 (3.1, CONTROL) allows nowhere, and that make a server's XML unreadable. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROLS = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/g;
/** U+FFFE and U+FFFF in UTF-8: XML 1.0 has no form for them either. */
const NONCHARACTERS = /\xef\xbf[\xbe\xbf]/g;
/** The same in Unicode, and halves of letters. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const FORMLESS = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]|\p{Cs}/gu;

export const TAKEN_OUT = 'control characters, which are not allowed, were taken out';

/** Unicode without what XML 1.0 cannot hold, and no line may. */
export function withoutFormless(text: string): string {
  return text.replace(FORMLESS, '');
}

export interface CleanText {
  readonly text: string;
  readonly notes: readonly string[];
}

/**
 * Byte text with LF line ends in which every line is UTF-8 once it is unfolded, and without characters that have no form
 * in XML 1.0. A line that is not UTF-8 is read as Windows-1252. Lines folded within a letter stay so. What `itself` says
 * of an unfolded line in another character set stays as it is.
 */
export function cleanText(body: Buffer, itself: (line: string) => boolean = () => false): CleanText {
  const text = byteText(body);
  const notes = new Set<string>();
  if (!OTHER.test(text)) return { text, notes: [] };
  const lines = text.split(/\n(?![ \t])/).map((written) => {
    if (!OTHER.test(written)) return written;
    const unfolded = written.includes('\n') ? written.replace(/\n[ \t]/g, '') : written;
    if (itself(unfolded)) return written;
    const bytes = unfolded.replace(CONTROLS, '');
    const isText = isUtf8(bytes);
    const recoded = isText ? bytes : Buffer.from(unicode(bytes)).toString('latin1');
    const clean = recoded.replace(NONCHARACTERS, '');
    if (bytes !== unfolded || clean !== recoded) notes.add(TAKEN_OUT);
    if (!isText) notes.add('text that was not UTF-8 was read as Windows-1252');
    return clean === unfolded && isUtf8(written) ? written : clean;
  });
  return { text: lines.join('\n'), notes: [...notes] };
}

/** Whatever is not plain ASCII. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const OTHER = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\xff]/;

function isUtf8(byteText: string): boolean {
  return !/[\x80-\xff]/.test(byteText) || isValid(Buffer.from(byteText, 'latin1'));
}

/** The value with a backslash before each comma and semicolon that has none. */
export function escapedText(value: string, characters: ',' | ',;' = ',;'): string {
  return value.replace(/\\.|[,;]/gs, (found) => (characters.includes(found) ? `\\${found}` : found));
}
