/** The line that begins each message: `From sender Thu Jan  1 00:00:00 1970` (RFC 4155, appendix A). */

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

const DATE = new RegExp(
  `(${MONTHS.join('|')}) +(\\d{1,2}) +(\\d{1,2}):(\\d\\d)(?::(\\d\\d))? +(?:([+-]\\d{4}|[A-Z]{1,5}) +)?(\\d{4})(?: +([+-]\\d{4}))?\\s*$`,
);

/**
 * The internal date. RFC 4155 has it in UTC; Google Takeout and some others add a zone, which is kept.
 * Undefined when there is no date, or none that exists.
 */
export function dateOfFromLine(line: string): string | undefined {
  const match = DATE.exec(line);
  if (!match) return undefined;
  const [, month = '', day = '', hour = '', minute = '', second = '00', zoneBefore, year = '', zoneAfter] = match;
  const zone = [zoneAfter, zoneBefore].find((one) => one !== undefined && /^[+-]/.test(one)) ?? '+0000';
  const two = (part: string | number) => String(part).padStart(2, '0');
  const local = `${year}-${two(MONTHS.indexOf(month) + 1)}-${two(day)}T${two(hour)}:${minute}:${second}`;
  const date = `${local}${zone.slice(0, 3)}:${zone.slice(3)}`;
  return Number.isNaN(Date.parse(date)) || !new Date(`${local}Z`).toISOString().startsWith(local) ? undefined : date;
}

/** A line that looks like the beginning of a message by itself: it tells a time. */
export function tellsTime(line: string): boolean {
  return /\d:\d\d/.test(line);
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
