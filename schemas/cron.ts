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
  const [, , days = [], months = []] = values;
  const everyWeekday = parts[4] === '*';
  if (everyWeekday && !months.some((month) => days.some((day) => day <= (LONGEST[month - 1] as number)))) {
    return 'cron never comes true: no such day in these months';
  }
  return undefined;
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
