/** Dates of people in the spellings of vCard: basic and extended (ISO 8601), in part, and without a year as Apple has it. */

/**
 * Basic form: `19700401`, `--0229`, `2009-08`, `19700401T233000-0500`. `omitted` is Apple's X-APPLE-OMIT-YEAR: a date in
 * that year has none. What is not a date stays as it is.
 */
export function canonicalDate(value: string, omitted?: string): string {
  const text = value.trim();
  const full = /^(\d{4})-?(\d\d)-?(\d\d)(?:T(.*))?$/i.exec(text);
  if (full) {
    const [, year, month, day, time] = full as unknown as [string, string, string, string, string | undefined];
    const date = year === omitted ? `--${month}${day}` : `${year}${month}${day}`;
    // Midnight beside a date is what programs add that know no dates without a time.
    return time === undefined || /^00:?00:?00(?:\.0+)?Z?$/.test(time) ? date : `${date}T${canonicalClock(time)}`;
  }
  const yearless = /^--(\d\d)-?(\d\d)$/.exec(text);
  return yearless ? `--${yearless[1]}${yearless[2]}` : text;
}

function canonicalClock(time: string): string {
  return time
    .toUpperCase()
    .replace(/^(\d\d):?(\d\d):?(\d\d)(?:\.0+)?/, '$1$2$3')
    .replace(/([+-]\d\d):(\d\d)$/, '$1$2');
}

const REV = /^(\d{4})-?(\d\d)-?(\d\d)(?:T(\d\d):?(\d\d)(?::?(\d\d)(?:[.,]\d+)?)?(Z|[+-]\d\d(?::?\d\d)?)?)?$/i;

/** A timestamp as in REV, in any spelling, as milliseconds since the epoch; without a zone it is taken as UTC. */
export function timestamp(value: string): number | undefined {
  const match = REV.exec(value.trim());
  if (!match) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const zone = /^([+-])(\d\d):?(\d\d)?$/.exec(match[7] ?? '');
  const offset = zone ? (Number(zone[2]) * 60 + Number(zone[3] ?? 0)) * (zone[1] === '-' ? -60_000 : 60_000) : 0;
  return Date.UTC(year, month - 1, day, hour, minute, second) - offset;
}

/** Whether a value is a date of vCard, whole or in part, with a time or without. */
export function isDate(value: string): boolean {
  return /^(?:\d{4}(?:-?\d\d(?:-?\d\d)?)?|--\d\d(?:-?\d\d)?|---\d\d)(?:T.*)?$/.test(value.trim());
}
