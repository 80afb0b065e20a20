/** The line that begins each message: `From sender Thu Jan  1 00:00:00 1970` (RFC 4155, appendix A). */
import { dateAtEnd, dateOfHeader } from '../formats/written-date.js';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/**
 * The date of the line. RFC 4155 has it in UTC; Google Takeout and some others add a zone, which is kept.
 * Undefined when there is no date, or none that exists.
 */
export function dateOfFromLine(line: string): string | undefined {
  return dateAtEnd(line);
}

/**
 * The internal date: of the line, unless that has none, or one that exporters write when they know none (the beginning
 * of a year, a time before there was mail). Then that of the headers, where they tell one.
 */
export function internalDate(line: string, header: string): string | undefined {
  const date = dateOfFromLine(line);
  if (date !== undefined && !isPlaceholder(date)) return date;
  return dateOfHeader(header) ?? date;
}

function isPlaceholder(date: string): boolean {
  return date < '1971' || date.slice(4, 19) === '-01-01T00:00:00';
}

/** How our own lines begin; the number is the length of what follows the line, so that a torn message shows. */
export const OURS = 'From drover.';

/** Our own line for a message that takes `bytes` bytes after it. */
export function ourFromLine(bytes: number, date: Date): string {
  const two = (part: number) => String(part).padStart(2, '0');
  const day = `${DAYS[date.getUTCDay()]} ${MONTHS[date.getUTCMonth()]} ${String(date.getUTCDate()).padStart(2)}`;
  const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
  return `${OURS}${bytes} ${day} ${time} ${String(date.getUTCFullYear()).padStart(4, '0')}\n`;
}

/** The length that a line of ours tells; undefined for others' lines. */
export function ourLength(line: string): number | undefined {
  const length = /^From drover\.(\d{1,15}) /.exec(line)?.[1];
  return length === undefined ? undefined : Number(length);
}
