/** Durations, ends and rules in one spelling. All text is byte text. */
import type { ContentLine } from './lines.js';

const DURATION = /^([+-]?)P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/i;

interface Duration {
  readonly negative: boolean;
  readonly days: number;
  readonly seconds: number;
}

function durationOf(text: string): Duration | undefined {
  const match = DURATION.exec(text.trim());
  if (!match) return undefined;
  const [weeks, days, hours, minutes, seconds] = match.slice(2).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
  ];
  return { negative: match[1] === '-', days: weeks * 7 + days, seconds: hours * 3600 + minutes * 60 + seconds };
}

/** `P1W` and `P7D`, `PT60M` and `PT1H` alike; days stay days, as they may have 23 hours (RFC 5545, 3.3.6). */
export function canonicalDuration(text: string): string {
  const duration = durationOf(text);
  return duration ? signed(duration, `P${duration.days}DT${duration.seconds}S`) : text;
}

/** The same with days of 24 hours: how long before or after an alarm goes off. */
export function canonicalSpan(text: string): string {
  const duration = durationOf(text);
  return duration ? signed(duration, `PT${duration.days * 86_400 + duration.seconds}S`) : text;
}

function signed(duration: Duration, text: string): string {
  return duration.negative && (duration.days > 0 || duration.seconds > 0) ? `-${text}` : text;
}

export function isZeroDuration(text: string): boolean {
  const duration = durationOf(text);
  return duration !== undefined && duration.days === 0 && duration.seconds === 0;
}

const TIME = /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?$/;

/** Milliseconds of the digits, as if they were in UTC; undefined for what is not a date or time. */
export function clockOf(value: string): number | undefined {
  const match = TIME.exec(value);
  if (!match) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** The digits of a clock, in the form of `like`: a date, a time, a time in UTC. */
export function clockText(at: number, like: string): string {
  const text = new Date(at).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  if (!like.includes('T')) return text.slice(0, 8);
  return like.endsWith('Z') ? text : text.slice(0, 15);
}

/** The last day that four digits can name. */
const LAST_CLOCK = Date.UTC(9999, 11, 31);

/**
 * Where DTSTART and DURATION end, as the value of a DTEND in the same zone. Undefined where only the rules of the zone
 * could tell: for hours in a zone that is not UTC.
 */
export function endAfter(start: ContentLine, duration: string): string | undefined {
  const length = durationOf(duration);
  const from = clockOf(start.value);
  if (!length || from === undefined || length.negative) return undefined;
  const zoned = start.params.some((param) => param.name === 'TZID') && !start.value.endsWith('Z');
  if (zoned && length.seconds > 0) return undefined;
  const end = from + length.days * 86_400_000 + length.seconds * 1000;
  return end < LAST_CLOCK ? clockText(end, start.value) : undefined;
}

/** The end that RFC 5545 (3.6.1) gives to what says none: the next day for a date, the same instant for a time. */
export function impliedEnd(start: string): string | undefined {
  const from = clockOf(start);
  if (from === undefined || from >= LAST_CLOCK) return undefined;
  return start.includes('T') ? start : clockText(from + 86_400_000, start);
}

const LISTS = new Set([
  'BYDAY',
  'BYHOUR',
  'BYMINUTE',
  'BYMONTH',
  'BYMONTHDAY',
  'BYSECOND',
  'BYSETPOS',
  'BYWEEKNO',
  'BYYEARDAY',
]);

/** A RRULE with its parts and lists sorted, and without what is the default. */
export function canonicalRule(value: string): string {
  const parts: string[] = [];
  for (const part of value.toUpperCase().split(';')) {
    const [name = '', text = ''] = part.split('=', 2).map((piece) => piece.trim());
    if (name === '' || (name === 'INTERVAL' && /^\+?0*1$/.test(text)) || (name === 'WKST' && text === 'MO')) continue;
    const canonical = LISTS.has(name)
      ? text
          .split(',')
          .map((item) =>
            item
              .trim()
              .replace(/^\+/, '')
              .replace(/^(-?)0+(?=\d)/, '$1'),
          )
          .sort()
          .join(',')
      : text;
    parts.push(`${name}=${canonical}`);
  }
  return parts.sort().join(';');
}
