/** A plan as people read it: a row for each container and direction, then what is said of items, then the sums. */
import { count, duration, plural, size } from '../words/numbers.js';
import type { PlanContainer, PlanForecast, PlanNames, PlanResult, PlanTotals, PlanVolume } from '../words/plan.js';
import { printable, table } from './output.js';

/** Columns that are shown only where there is something to show, with what the sums say of them. */
const WHERE_SEEN = [
  { key: 'moved', header: 'rename', said: 'to rename' },
  { key: 'adopt', header: 'there already', said: 'there already' },
  { key: 'compare', header: 'to compare', said: 'to compare' },
  { key: 'skip', header: 'skip', said: 'skipped' },
  { key: 'conflict', header: 'conflict', said: 'in conflict' },
  { key: 'refuse', header: 'refuse', said: 'refused' },
  { key: 'changedThere', header: 'changed there', said: 'changed in the target' },
] as const satisfies readonly { readonly key: keyof PlanTotals; readonly header: string; readonly said: string }[];

export function planLines(made: PlanResult): string[] {
  const { containers, notes, totals } = made;
  const shown = WHERE_SEEN.filter(({ key }) => totals[key] > 0);
  const twoWay = containers.some((row) => row.back);
  const header = [
    'selection',
    'unit',
    ...(twoWay ? ['way'] : []),
    'folder',
    'to',
    ...['create', 'update', 'remove', 'unchanged'],
    ...shown.map((column) => column.header),
    ...['excluded', 'size'],
  ];
  const rows = containers.map((row) => [
    row.selection,
    row.unit,
    ...(twoWay ? [row.back ? '<-' : '->'] : []),
    printable(row.path) || '/',
    destination(row),
    ...[row.create, row.update, row.remove, row.unchanged],
    ...shown.map(({ key }) => row[key]),
    ...[row.excluded, size(row.bytes)],
  ]);
  return [
    ...(rows.length === 0 ? [] : table(header, rows)),
    ...(made.truncated ? ['more accounts than are listed here; they are in the sums'] : []),
    ...notes.map(({ where, note, count: items }) => `${printable(where)}: ${count(items)} × ${printable(note)}`),
    ...(containers.some((row) => !row.looked) ? [NOT_LOOKED] : []),
    ...(made.names ? nameLines(made.names) : []),
    '',
    // What could not be looked at is no nothing to do.
    containers.length === 0 && made.problems.length > 0
      ? `${made.name}: nothing could be looked at`
      : `${made.name}: ${sums(totals)}`,
    ...(made.forecast ? [`forecast: ${forecastWords(made.forecast)}`] : []),
  ];
}

const NOT_LOOKED =
  'the target was not looked at where something is to create: what it holds already is counted as to create, and will not be written twice';

function destination({ path, target, make }: PlanContainer): string {
  const name = target === path ? '' : printable(target);
  return make ? `${name} (new)`.trimStart() : name;
}

/** Whether a run would write anything, or has to look into contents to tell. */
export function hasChanges({ make, create, update, remove, moved, compare }: PlanTotals): boolean {
  return make + create + update + remove + moved + compare > 0;
}

function sums(totals: PlanTotals): string {
  const { make, create, update, remove, unchanged, bytes, volume } = totals;
  const sized = (items: number, of: keyof PlanVolume, said: string): string =>
    volume && items > 0 ? `${count(items)} ${said} (${size(volume[of])})` : `${count(items)} ${said}`;
  const extras = WHERE_SEEN.filter(({ key }) => totals[key] > 0).map(({ key, said }) =>
    key === 'compare' || key === 'moved' ? sized(totals[key], key, said) : `${count(totals[key])} ${said}`,
  );
  const changes = !hasChanges(totals)
    ? ['nothing to do']
    : [
        ...(make > 0 ? [`${count(make)} ${make === 1 ? 'container' : 'containers'} to make`] : []),
        `${count(create)} to create (${size(bytes)})`,
        sized(update, 'update', 'to update'),
        sized(remove, 'remove', 'to remove'),
      ];
  return [...changes, sized(unchanged, 'unchanged', 'unchanged'), ...extras].join(', ');
}

/** Each decision with what it rests on: the first of them, then how many there are in all. */
function nameLines({ first, renamed, skipped, refused }: PlanNames): string[] {
  const all = renamed + skipped + refused;
  const more = all - first.length;
  return [
    `names that the target cannot keep: ${[
      ...(renamed > 0 ? [`${count(renamed)} renamed`] : []),
      ...(skipped > 0 ? [`${count(skipped)} skipped`] : []),
      ...(refused > 0 ? [`${count(refused)} refused`] : []),
    ].join(', ')}`,
    ...first.map(
      ({ where, path, to, becomes, reason }) =>
        `  ${printable(where)}: ${printable(path)} ${to === undefined ? `is ${becomes}` : `-> ${printable(to)}`} (${printable(reason)})`,
    ),
    ...(more > 0 ? [`  and ${count(more)} more, each named in the report of a run`] : []),
  ];
}

/** Never more exact than what it rests on. */
export function forecastWords({ items, bytes, atLeast, atMost, limit, unmeasured }: PlanForecast): string {
  const work = `${plural(items, 'item')}, ${size(bytes)}`;
  const limited = limit ? `the limits of ${printable(limit.system)} allow no less than ${time(limit.seconds)}` : '';
  if (atLeast === undefined)
    return `how long ${work} will take cannot be told before a run of some length, and no limits are set`;
  if (atMost === undefined) {
    const rest = `how fast ${unmeasured === 1 ? 'a unit is' : `${count(unmeasured)} units are`} otherwise cannot be told before a run of some length`;
    return `at least ${time(atLeast)} for ${work}: ${[limited, rest].filter(Boolean).join('; ')}`;
  }
  const span = atMost < atLeast * 1.2 ? `about ${time(atMost)}` : `between ${time(atLeast)} and ${time(atMost)}`;
  const reasons = ['as fast as earlier runs were', ...(limited === '' ? [] : [limited])];
  return `${span} for ${work}: ${reasons.join('; ')}`;
}

const time = (seconds: number): string => duration(seconds * 1000);
