/** Mending that iCalendar and vCard share: bytes, line ends, and texts whose commas nobody escaped. */
import { unicode } from './charset.js';
import { byteText } from './lines.js';

/** One line as it stands (folded, with LF inside) and unfolded. Byte text. */
export interface LogicalLine {
  readonly written: string;
  readonly line: string;
}

/** Blank lines are left out; a lone CR at the end of a line goes with it. */
export function logicalLines(text: string): LogicalLine[] {
  const lines: LogicalLine[] = [];
  for (const written of text.split(/\n(?![ \t])/)) {
    const line = written.replace(/\n[ \t]/g, '').replace(/(?<!\r)\r+$/, '');
    if (line.trim() !== '') lines.push({ written: written.replace(/(?<![\r\n])[\r\n]+$/, ''), line });
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

export interface CleanText {
  readonly text: string;
  readonly notes: readonly string[];
}

/**
 * Byte text with LF line ends in which every line is UTF-8 once it is unfolded, and without control characters. A line
 * that is no UTF-8 is read as Windows-1252. Lines folded within a letter stay so.
 */
export function cleanText(body: Buffer): CleanText {
  const notes: string[] = [];
  let text = byteText(body);
  const withoutControls = text.replace(CONTROLS, (character) => (character === '\r' ? character : ''));
  if (withoutControls !== text) notes.push('control characters, which are not allowed, were taken out');
  text = withoutControls;
  if (/[\x80-\xff]/.test(text) && !isUtf8(text)) {
    let recoded = false;
    text = text
      .split(/\n(?![ \t])/)
      .map((line) => {
        if (isUtf8(line)) return line;
        const unfolded = line.replace(/\n[ \t]/g, '');
        if (!isUtf8(unfolded)) recoded = true;
        return Buffer.from(unicode(unfolded)).toString('latin1');
      })
      .join('\n');
    if (recoded) notes.push('text that was not UTF-8 was read as Windows-1252');
  }
  return { text, notes };
}

function isUtf8(byteText: string): boolean {
  if (!/[\x80-\xff]/.test(byteText)) return true;
  const bytes = Buffer.from(byteText, 'latin1');
  return Buffer.compare(Buffer.from(bytes.toString('utf8')), bytes) === 0;
}

/** The value with a backslash before each comma and semicolon that has none. */
export function escapedText(value: string, characters: ',' | ',;' = ',;'): string {
  return value.replace(/\\.|[,;]/gs, (found) => (characters.includes(found) ? `\\${found}` : found));
}
