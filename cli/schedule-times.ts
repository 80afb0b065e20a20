/** Whether Temporal starts a schedule at the times that the spec says. The server rewrites cron into calendars. */
import type { CalendarSpecDescription, ScheduleDescription, ScheduleOptions } from '@temporalio/client';
import { readCron } from '../schemas/cron.js';

// biome-ignore format: the order of the calendar
const MONTHS = ['JANUARY', 'FEBRUARY', 'MARCH', 'APRIL', 'MAY', 'JUNE', 'JULY', 'AUGUST', 'SEPTEMBER', 'OCTOBER', 'NOVEMBER', 'DECEMBER'];
const WEEKDAYS = ['SUNDAY', 'MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY'];

/** Interval, cron, time zone and jitter; nothing else may be there. */
export function sameTimes(wanted: ScheduleOptions['spec'], found: ScheduleDescription['spec']): boolean {
  const every = (spec: ScheduleOptions['spec'] | ScheduleDescription['spec']): string =>
    (spec.intervals ?? []).map((interval) => interval.every).join();
  const calendars = found.calendars ?? [];
  const crons = wanted.cronExpressions ?? [];
  return (
    every(wanted) === every(found) &&
    (wanted.jitter ?? 0) === (found.jitter ?? 0) &&
    (wanted.timezone ?? 'UTC') === (found.timezone || 'UTC') &&
    (found.skip ?? []).length === 0 &&
    calendars.length === crons.length &&
    crons.every((cron, index) => isCron(cron, calendars[index] as CalendarSpecDescription))
  );
}

function isCron(cron: string, calendar: CalendarSpecDescription): boolean {
  const times = readCron(cron);
  if (typeof times === 'string') return false;
  return (
    spread(calendar.second) === '0' &&
    spread(calendar.minute) === times.minutes.join() &&
    spread(calendar.hour) === times.hours.join() &&
    spread(calendar.dayOfMonth) === times.days.join() &&
    spread(calendar.month, MONTHS, 1) === times.months.join() &&
    spread(calendar.dayOfWeek, WEEKDAYS, 0) === times.weekdays.join() &&
    (calendar.year ?? []).length === 0
  );
}

interface Stretch {
  readonly start: number | string;
  readonly end: number | string;
  readonly step: number;
}

/** All values of a calendar's ranges, ascending; names count from `first`. */
function spread(ranges: readonly Stretch[], names: readonly string[] = [], first = 0): string {
  const value = (word: number | string): number => (typeof word === 'number' ? word : names.indexOf(word) + first);
  const values = new Set<number>();
  for (const { start, end, step } of ranges) {
    for (let at = value(start); at <= Math.max(value(start), value(end)); at += Math.max(1, step)) values.add(at);
  }
  return [...values].sort((a, b) => a - b).join();
}
