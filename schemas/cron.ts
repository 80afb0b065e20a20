const FIELDS = [
  { name: 'minute', min: 0, max: 59, words: [] },
  { name: 'hour', min: 0, max: 23, words: [] },
  { name: 'day of month', min: 1, max: 31, words: [] },
  {
    name: 'month',
    min: 1,
    max: 12,
    words: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  },
  { name: 'day of week', min: 0, max: 7, words: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
] as const;
type Field = (typeof FIELDS)[number];

/** Days of the longest month, so that 30 February is found. */
const LONGEST = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * What is wrong with a cron expression, or nothing. Five fields as in crontab(5): `*`, numbers, names of
 * months and days, ranges, lists, steps. Without `@daily`, seconds, years, `L`, `W`, `#` and CRON_TZ, which
 * schedulers read differently.
 */
export function cronProblem(text: string): string | undefined {
  const read = readCron(text);
  return typeof read === 'string' ? read : undefined;
}

/** When a cron expression comes true: at times that fit every field. */
export interface CronTimes {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly days: readonly number[];
  readonly months: readonly number[];
  /** 0 to 6, Sunday first. */
  readonly weekdays: readonly number[];
  /** Both the day of month and the day of week are limited: crontab(5) takes either, Temporal only what fits both. */
  readonly bothDays: boolean;
}

/** The values of each field, ascending; a sentence when the expression is wrong. */
export function readCron(text: string): CronTimes | string {
  const parts = text.trim().split(/\s+/);
  if (parts.length !== FIELDS.length) {
    return `cron needs five fields (minute, hour, day of month, month, day of week), not ${parts[0] === '' ? 0 : parts.length}`;
  }
  const values: number[][] = [];
  for (const [index, field] of FIELDS.entries()) {
    const read = readField(parts[index] as string, field);
    if (typeof read === 'string') return read;
    values.push(read);
  }
  const [minutes, hours, days, months, weekdays] = values.map(ascending) as [
    number[],
    number[],
    number[],
    number[],
    number[],
  ];
  if (!months.some((month) => days.some((day) => day <= (LONGEST[month - 1] as number)))) {
    return 'cron never comes true: no such day in these months';
  }
  return {
    minutes,
    hours,
    days,
    months,
    weekdays: ascending(weekdays.map((day) => day % 7)),
    bothDays: parts[2] !== '*' && parts[4] !== '*',
  };
}

const ascending = (values: readonly number[]): number[] => [...new Set(values)].sort((a, b) => a - b);

const DAY_MS = 86_400_000;
/** After so many years the calendar repeats, weekdays included. */
const CYCLE_DAYS = 28 * 366;

/** The longest time between two starts, in milliseconds, in days of 24 hours; Infinity when it is years. */
export function longestGapMs({ minutes, hours, days, months, weekdays }: CronTimes): number {
  const starts = hours.flatMap((hour) => minutes.map((minute) => (hour * 60 + minute) * 60_000));
  const [first, last] = [starts[0] as number, starts.at(-1) as number];
  let longest = Math.max(0, ...starts.slice(1).map((at, index) => at - (starts[index] as number)));
  let before: number | undefined;
  let matched = 0;
  for (let day = 0; day < CYCLE_DAYS; day++) {
    const date = new Date(Date.UTC(2024, 0, 1) + day * DAY_MS);
    if (!months.includes(date.getUTCMonth() + 1) || !days.includes(date.getUTCDate())) continue;
    if (!weekdays.includes(date.getUTCDay())) continue;
    if (before !== undefined) longest = Math.max(longest, (day - before) * DAY_MS + first - last);
    before = day;
    matched++;
  }
  return matched < 2 ? Number.POSITIVE_INFINITY : longest;
}

function readField(text: string, field: Field): number[] | string {
  const values: number[] = [];
  for (const part of text.split(',')) {
    const [range = '', step, ...rest] = part.split('/');
    const wrong = `cron has ${JSON.stringify(part)} as ${field.name}; use ${field.min} to ${field.max}, *, lists, ranges or steps`;
    if (rest.length > 0) return wrong;
    const every = step === undefined ? 1 : readNumber(step);
    if (every === undefined || every < 1 || every > field.max) return wrong;
    const ends = range === '*' ? [field.min, field.max] : range.split('-').map((end) => readValue(end, field));
    const [from, to = step === undefined ? from : field.max] = ends;
    if (ends.length > 2 || from === undefined || to === undefined || ends.includes(undefined)) return wrong;
    if (from > to) return `cron has the range ${JSON.stringify(range)} as ${field.name}, which runs backwards`;
    for (let value = from; value <= to; value += every) values.push(value);
  }
  return values;
}

function readValue(text: string, field: Field): number | undefined {
  const word = (field.words as readonly string[]).indexOf(text.toLowerCase());
  const value = word === -1 ? readNumber(text) : word + field.min;
  return value !== undefined && value >= field.min && value <= field.max ? value : undefined;
}

function readNumber(text: string): number | undefined {
  return /^[0-9]{1,3}$/.test(text) ? Number(text) : undefined;
}
