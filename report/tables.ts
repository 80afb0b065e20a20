/** What the page's tables are made of. On a phone each row is a card, with the column's name before each cell. */
import type { Kind } from '../connectors/contract.js';
import { count, plural, share, size } from '../words/numbers.js';
import type { Gathered } from './gather.js';
import type { Sums } from './sums.js';
import { unproven } from './sums.js';

interface SumColumns {
  readonly heads: readonly string[];
  cells(sums: Sums): string[];
  /** For what was never looked into: nothing is not the same as none. */
  readonly unknown: readonly string[];
}

/** The columns of every table of sums; what this run did is among them where it did more than create. */
export function sumColumns(all: Sums): SumColumns {
  const results = (['created', 'updated', 'moved', 'skipped', 'conflict'] as const).filter(
    (result) => all.results[result] > 0,
  );
  const told = results.some((result) => result !== 'created') ? results : [];
  const copies = all.duplicates > 0;
  const heads = [
    ...SUM_HEADS,
    ...(copies ? ['duplicates'] : []),
    ...told.map((result) => (result === 'conflict' ? 'in conflict' : result)),
  ];
  return {
    heads,
    unknown: heads.map(() => '<td class="n zero">–</td>'),
    cells: (sums) => [
      ...sumCells(sums),
      ...(copies ? [warning(sums.duplicates)] : []),
      ...told.map((result) => `<td class="n">${count(sums.results[result])}</td>`),
    ],
  };
}

const SUM_HEADS = ['items', 'size', 'verified', 'not verified'];

function sumCells(sums: Sums): string[] {
  const { items, bytes } = sums;
  const verified = sums.standings.verified;
  const width = items === 0 ? 0 : (100 * verified) / items;
  const meter =
    items === 0
      ? ''
      : `<span class="meter"><i style="width:${width.toFixed(1)}%"></i></span><small>${share(verified, items)}</small>`;
  return [
    `<td class="n">${count(items)}</td><td class="n">${size(bytes)}</td><td class="n">${count(verified)}${meter}</td>`,
    warning(unproven(sums)),
  ];
}

const warning = (value: number): string => `<td class="n ${value === 0 ? 'zero' : 'warn'}">${count(value)}</td>`;

/** What the kinds' containers are called; folders, where some are. */
export const containerWord = ({ kinds }: Pick<Gathered, 'kinds'>): string =>
  kinds.size === 0 || [...kinds].some((kind) => CONTAINER_WORDS[kind] === 'folder') ? 'folder' : 'collection';

const CONTAINER_WORDS = {
  mail: 'folder',
  calendar: 'collection',
  contacts: 'collection',
  files: 'folder',
} satisfies Record<Kind, string>;

/** `2 more accounts`, `2 more copies`. */
const more = (n: number, word: string): string => plural(n, `more ${word}`).replace(/copys$/, 'copies');

export function rest(hidden: number, word: string, where = ' They are in summary.json.'): string {
  return hidden > 0 ? `<p class="soft">${more(hidden, word)} not shown here.${where}</p>` : '';
}

const RIGHT = new Set([
  ...['items', 'size', 'verified', 'not verified', 'duplicates'],
  ...['created', 'updated', 'moved', 'skipped', 'in conflict'],
]);

export function tableOf(heads: readonly string[], rows: readonly string[], right: readonly string[] = []): string {
  const head = heads.map(
    (text) => `<th scope="col"${RIGHT.has(text) || right.includes(text) ? ' class="n"' : ''}>${text}</th>`,
  );
  // Once for the table, not for each cell: the style knows so many columns (style.ts).
  const labels = heads.slice(0, MAX_LABELS).map((text, at) => `--h${at + 1}:'${text}'`);
  return `<table class="rows" style="${labels.join(';')}"><thead><tr>${head.join('')}</tr></thead><tbody>${rows.map((row) => `<tr>${row}</tr>`).join('')}</tbody></table>`;
}

/** Columns of the widest table. */
export const MAX_LABELS = 16;

/** Rows in sight; what comes behind them is folded. */
const IN_SIGHT = 25;

/** A table whose first rows are in sight, and whose others are folded under their number. */
export function foldedTable(
  heads: readonly string[],
  rows: readonly string[],
  word: string,
  right: readonly string[] = [],
): string {
  if (rows.length <= IN_SIGHT + 5) return tableOf(heads, rows, right);
  const folded = rows.slice(IN_SIGHT);
  return `${tableOf(heads, rows.slice(0, IN_SIGHT), right)}<details><summary>${more(folded.length, word)}</summary><div>${tableOf(heads, folded, right)}</div></details>`;
}

export function section(title: string, body: string): string {
  return `<section><h2>${title}</h2>${body}</section>`;
}
