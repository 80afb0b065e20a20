/** `limits.bandwidth`: rates by time of day, on the clocks of a time zone. */
import { Fault } from '../connectors/errors.js';
import { oneOfWords, quote } from './diagnostic.js';
import { didYouMean } from './suggest.js';
import { timeZoneProblem } from './time-zone.js';

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const DAY = 24 * 60;
const WEEK = 7 * DAY;

/** A span of time that returns each day, or on some days of the week. */
export interface Span {
  /** Monday first: the days on which it begins. */
  readonly days: readonly boolean[];
  /** Minutes of the day. A span whose end does not come after its start ends on the next day. */
  readonly from: number;
  readonly to: number;
  readonly zone: string;
}

/**
 * Reads `08:00-18:00 Europe/Berlin`, `22:00-06:00 UTC`, `Mon-Fri 08:00-18:00 Europe/Berlin`, `Sat,Sun 00:00-24:00 UTC`.
 * The end does not belong to the span. Returns what is wrong as a sentence otherwise.
 */
export function readSpan(text: string): Span | string {
  const parts = /^(?:(\S+) )?(\d{1,2}:\d{2})-(\d{1,2}:\d{2})(?: (\S+))?$/.exec(text.slice(0, 200));
  const [, dayWords, start, end, zone] = parts ?? [];
  if (start === undefined || end === undefined) {
    return `${quote(text)} is not a span of time; write 08:00-18:00 Europe/Berlin or Mon-Fri 08:00-18:00 Europe/Berlin`;
  }
  if (zone === undefined) return `${quote(text)} needs a time zone, e.g. ${quote(`${text} Europe/Berlin`)}`;
  const wrongZone = timeZoneProblem(zone);
  if (wrongZone !== undefined) return wrongZone;
  const [from, to] = [minuteOf(start), minuteOf(end)];
  if (from === undefined || from === DAY) return `${start} is not a time at which a span begins; use 00:00 to 23:59`;
  if (to === undefined) return `${end} is not a time at which a span ends; use 00:00 to 24:00`;
  if (from === to) return `${quote(text)} is empty; a whole day is 00:00-24:00`;
  const days = readDays(dayWords);
  return typeof days === 'string' ? days : { days, from, to, zone };
}

/** Whether two spans of one time zone have a time in common. */
export function spansOverlap(a: Span, b: Span): boolean {
  return stretches(a).some(([from, to]) => stretches(b).some((other) => from < other[1] && other[0] < to));
}

interface Timetable {
  readonly rates: readonly { readonly span: Span; readonly rate: number }[];
  /** The answer holds for a minute: no zone's clocks are off by less. */
  minute: number;
  rate: number | undefined;
}

const timetables = new WeakMap<object, Timetable>();
const clocks = new Map<string, Intl.DateTimeFormat>();

/**
 * Bytes a second that a validated table allows at a moment (milliseconds since the epoch); undefined outside of all its
 * spans. What counts is what the clocks of the zone show: an hour that they repeat is in a span twice, one that they
 * skip is in none. Throws `Fault('spec')` for a table that validation refuses.
 */
export function bandwidthNow(table: Readonly<Record<string, number>>, nowMs: number): number | undefined {
  const known = timetables.get(table) ?? readTable(table);
  timetables.set(table, known);
  const minute = Math.floor(nowMs / 60_000);
  if (known.minute !== minute) {
    known.rate = known.rates.find(({ span }) => isWithin(span, nowMs))?.rate;
    known.minute = minute;
  }
  return known.rate;
}

function readTable(table: Readonly<Record<string, number>>): Timetable {
  const rates = Object.entries(table).map(([text, rate]) => {
    const span = readSpan(text);
    if (typeof span === 'string') throw new Fault('spec', `limits.bandwidth: ${span}`);
    return { span, rate };
  });
  return { rates, minute: Number.NaN, rate: undefined };
}

function isWithin({ days, from, to, zone }: Span, nowMs: number): boolean {
  const { day, minute } = clockOf(zone, nowMs);
  if (from < to) return days[day] === true && from <= minute && minute < to;
  return (days[day] === true && minute >= from) || (days[(day + 6) % 7] === true && minute < to);
}

/** What the clocks of a zone show: the day of the week, Monday 0, and the minute of the day. */
function clockOf(zone: string, nowMs: number): { readonly day: number; readonly minute: number } {
  const clock =
    clocks.get(zone) ??
    new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
  clocks.set(zone, clock);
  const shown = Object.fromEntries(clock.formatToParts(nowMs).map(({ type, value }) => [type, value]));
  return { day: DAYS.indexOf(shown.weekday as string), minute: Number(shown.hour) * 60 + Number(shown.minute) };
}

/** Minutes of the week that a span covers; what goes on beyond Sunday goes on at the beginning. */
function stretches({ days, from, to }: Span): (readonly [number, number])[] {
  return days.flatMap((on, day): (readonly [number, number])[] => {
    if (!on) return [];
    const begins = day * DAY + from;
    const ends = day * DAY + to + (to <= from ? DAY : 0);
    if (ends <= WEEK) return [[begins, ends]];
    return [
      [begins, WEEK],
      [0, ends - WEEK],
    ];
  });
}

/** All days where none are named. */
function readDays(words: string | undefined): readonly boolean[] | string {
  if (words === undefined) return DAYS.map(() => true);
  const days = DAYS.map(() => false);
  for (const word of words.split(',')) {
    const ends = word.split('-', 2);
    const numbers = ends.map((day) => DAYS.findIndex((known) => known.toLowerCase() === day.toLowerCase()));
    const unknown = ends[numbers.indexOf(-1)];
    if (unknown !== undefined) {
      return `unknown day ${quote(unknown)}${didYouMean(unknown, DAYS) || `; use ${oneOfWords(DAYS)}`}`;
    }
    const [first = 0, last = first] = numbers;
    for (let day = first; ; day = (day + 1) % 7) {
      days[day] = true;
      if (day === last) break;
    }
  }
  return days;
}

/** Minutes since midnight of `08:00`, up to those of `24:00`. */
function minuteOf(time: string): number | undefined {
  const [hour = 0, minute = 0] = time.split(':').map(Number);
  const total = hour * 60 + minute;
  return minute < 60 && total <= DAY ? total : undefined;
}
