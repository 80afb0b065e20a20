/** The table of a plan: signs and numbers in columns, names cut to what is left. */
import { count, size } from '../words/numbers.js';
import type { PlanCounts, PlanResult, PlanTotals } from '../words/plan.js';
import type { Style } from './output.js';
import { fittedMiddle, padded, printable, widest } from './output.js';

export interface PlanRow {
  readonly name: string;
  /** Where it goes, where that is called otherwise. */
  readonly to?: string;
  /** From the target to the source. */
  readonly back?: true;
  readonly mark?: string;
  readonly counts: PlanCounts;
  /** What stands above rows of its own, and what stands below it. */
  readonly head?: true;
  readonly below?: true;
}

type Paint = 'green' | 'yellow' | 'cyan' | 'red';

/** In the order of the columns. */
const SIGNS: readonly {
  readonly sign: string;
  readonly said: string;
  readonly paint: Paint;
  of(counts: PlanCounts): number;
}[] = [
  { sign: '+', said: 'create', paint: 'green', of: ({ create }) => create },
  { sign: '~', said: 'update', paint: 'yellow', of: ({ update }) => update },
  { sign: '→', said: 'move or rename', paint: 'cyan', of: ({ moved }) => moved },
  { sign: '-', said: 'remove', paint: 'red', of: ({ remove }) => remove },
  { sign: '?', said: 'compare', paint: 'yellow', of: ({ compare }) => compare },
  { sign: '!', said: 'in conflict or refused', paint: 'red', of: ({ conflict, refuse }) => conflict + refuse },
];

export const changesIn = (counts: PlanCounts & { readonly make?: number | boolean }): number =>
  SIGNS.reduce((sum, { of }) => sum + of(counts), Number(counts.make ?? 0));

/** What the signs mean, as far as they are there. */
export function legend({ totals, folders }: Pick<PlanResult, 'totals' | 'folders'>, style: Style): string {
  return [
    ...SIGNS.filter(({ of }) => of(totals) > 0).map(({ sign, said, paint }) => `${style[paint](sign)} ${said}`),
    ...(folders.some((one) => one.back && changesIn(one) > 0) ? ['← back to the source'] : []),
  ].join('   ');
}

/** The same columns for all blocks. A name never pushes a number out: it is cut in its middle. */
export function rowLines(
  blocks: readonly (readonly PlanRow[])[],
  { columns, style, totals }: { readonly columns: number; readonly style: Style; readonly totals: PlanTotals },
): string[][] {
  const signs = SIGNS.filter(({ of }) => of(totals) > 0);
  const all = blocks.flat();
  /** How much is to be created stands beside how many. */
  const columnsOf = signs.flatMap(({ sign, paint, of }): Column[] => [
    { paint, cell: ({ counts }) => (of(counts) > 0 ? `${sign}${count(of(counts))}` : '') },
    ...(sign === '+' ? [{ cell: ({ counts }: PlanRow) => (counts.create > 0 ? size(counts.bytes) : '') }] : []),
  ]);
  const table = all.map((row) => columnsOf.map(({ cell }) => cell(row)));
  const widths = columnsOf.map((_, at) => widest(table.map((row) => row[at] ?? '')));
  const numbers = widths.reduce((sum, wide) => sum + (wide > 0 ? wide + 2 : 0), 0);
  const room = Math.max(MIN_NAME, columns - numbers - 1);
  const named = all.map((row) => nameOf(row, room));
  const wide = Math.min(room, widest(named));
  const lines = all.map((row, at) => {
    const name = padded(named[at] as string, wide);
    const line = (table[at] as string[])
      .flatMap((cell, column) => {
        if (widths[column] === 0) return [];
        const blanks = ' '.repeat((widths[column] as number) - widest([cell]));
        const paint = columnsOf[column]?.paint;
        return [blanks + (paint ? style[paint](cell) : cell)];
      })
      .join('  ');
    return `${row.head ? style.bold(name) : name}  ${line}`.trimEnd();
  });
  const ends = blocks.map((_, block) => blocks.slice(0, block + 1).flat().length);
  return blocks.map((block, at) => lines.slice((ends[at] as number) - block.length, ends[at]));
}

interface Column {
  readonly paint?: Paint;
  cell(row: PlanRow): string;
}

/** However narrow. */
const MIN_NAME = 12;

function nameOf({ name, to, back, mark, below }: PlanRow, room: number): string {
  const indent = `${below ? '    ' : '  '}${back ? '← ' : ''}`;
  const end = mark === undefined ? '' : ` (${mark})`;
  const left = Math.max(MIN_NAME - 4, room - indent.length - end.length);
  const [first, second] = [printable(name), to === undefined ? undefined : printable(to)];
  if (second === undefined) return indent + fittedMiddle(first, left) + end;
  const arrow = ' as ';
  const half = (left - arrow.length) / 2;
  const ours = widest([first]) <= half ? widest([first]) : Math.floor(half);
  const theirs = Math.min(widest([second]), left - arrow.length - ours);
  return `${indent}${fittedMiddle(first, left - arrow.length - theirs)}${arrow}${fittedMiddle(second, theirs)}${end}`;
}
