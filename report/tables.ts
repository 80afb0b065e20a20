/** What the page's tables are made of. */
import type { Kind } from '../connectors/contract.js';
import { count, plural, share, size } from '../words/numbers.js';
import type { Gathered } from './gather.js';
import type { Sums } from './sums.js';
import { unproven } from './sums.js';
import { escapeHtml } from './text.js';

interface SumColumns {
  readonly heads: readonly string[];
  cells(sums: Sums): string[];
}

/** The columns of every table of sums; what this run did is among them where it did more than create. */
export function sumColumns(all: Sums): SumColumns {
  const results = (['created', 'updated', 'moved', 'skipped', 'conflict'] as const).filter(
    (result) => all.results[result] > 0,
  );
  const told = results.some((result) => result !== 'created') ? results : [];
  return {
    heads: [...SUM_HEADS, ...told.map((result) => (result === 'conflict' ? 'in conflict' : result))],
    cells: (sums) => [...sumCells(sums), ...told.map((result) => `<td class="n">${count(sums.results[result])}</td>`)],
  };
}

const SUM_HEADS = ['items', 'size', 'verified', '', 'not proven', 'duplicates'];

function sumCells(sums: Sums): string[] {
  const { items, bytes } = sums;
  const verified = sums.standings.verified;
  const width = items === 0 ? 0 : (100 * verified) / items;
  const cell = (value: number): string => `<td class="n${value === 0 ? ' zero' : ' warn'}">${count(value)}</td>`;
  return [
    `<td class="n">${count(items)}</td><td class="n">${size(bytes)}</td><td class="n">${count(verified)}</td>`,
    `<td style="white-space:nowrap"><span class="meter"><i style="width:${width.toFixed(1)}%"></i></span>${share(verified, items)}</td>`,
    cell(unproven(sums)),
    cell(sums.duplicates),
  ];
}

/** What the kinds' containers are called; folders, where some are. */
export const containerWord = ({ kinds }: Pick<Gathered, 'kinds'>): string =>
  kinds.size === 0 || [...kinds].some((kind) => CONTAINER_WORDS[kind] === 'folder') ? 'folder' : 'collection';

const CONTAINER_WORDS = {
  mail: 'folder',
  calendar: 'collection',
  contacts: 'collection',
  files: 'folder',
} satisfies Record<Kind, string>;

/** A container as people read it; that of a whole tree has no name of its own. */
export const pathWords = (path: readonly string[]): string => escapeHtml(path.join(' / ') || '/');

export function rest(hidden: number, word: string, where = ' They are in summary.json.'): string {
  return hidden > 0 ? `<p class="soft">${plural(hidden, `more ${word}`)} not shown here.${where}</p>` : '';
}

const RIGHT = new Set([
  ...['items', 'size', 'verified', 'not proven', 'duplicates'],
  ...['created', 'updated', 'moved', 'skipped', 'in conflict'],
]);

export function tableOf(heads: readonly string[], rows: readonly string[], right: readonly string[] = []): string {
  const head = heads.map((text) => `<th${RIGHT.has(text) || right.includes(text) ? ' class="n"' : ''}>${text}</th>`);
  return `<div class="wide"><table><thead><tr>${head.join('')}</tr></thead><tbody>${rows.map((row) => `<tr>${row}</tr>`).join('')}</tbody></table></div>`;
}

export function section(title: string, body: string): string {
  return `<section><h2>${title}</h2>${body}</section>`;
}
