/** A plan as people read it: a row for each container and direction, then what is said of items, then the sums. */
import { count, size } from '../report/text.js';
import type { PlanContainer, PlanResult, PlanTotals } from '../workflows/messages.js';
import { printable, table } from './output.js';

/** Columns that are shown only where there is something to show, with what the sums say of them. */
const WHERE_SEEN = [
  { key: 'adopt', header: 'there already', said: 'there already' },
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
    printable(row.path),
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
    '',
    `${made.name}: ${sums(totals)}`,
  ];
}

const NOT_LOOKED =
  'the target was not looked at where something is to create: what it holds already is counted as to create, and will not be written twice';

function destination({ path, target, make }: PlanContainer): string {
  const name = target === path ? '' : printable(target);
  return make ? `${name} (new)`.trimStart() : name;
}

function sums(totals: PlanTotals): string {
  const { make, create, update, remove, unchanged, bytes } = totals;
  const extras = WHERE_SEEN.filter(({ key }) => totals[key] > 0).map(
    ({ key, said }) => `${count(totals[key])} ${said}`,
  );
  const changes =
    make + create + update + remove === 0
      ? ['nothing to do']
      : [
          ...(make > 0 ? [`${count(make)} ${make === 1 ? 'container' : 'containers'} to make`] : []),
          `${count(create)} to create (${size(bytes)})`,
          `${count(update)} to update`,
          `${count(remove)} to remove`,
        ];
  return [...changes, `${count(unchanged)} unchanged`, ...extras].join(', ');
}
