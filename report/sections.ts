/** The page's sections, each a string of HTML; empty when there is nothing to say. */

import { count, size } from '../words/numbers.js';
import type { UnitState } from '../words/units.js';
import { causesOf } from './causes.js';
import { outcomeChart, progressChart } from './charts.js';
import type { Gathered } from './gather.js';
import type { AccountSums, FolderSums } from './sums.js';
import { unproven } from './sums.js';
import { containerWord, foldedTable, rest, section, sumColumns, tableOf } from './tables.js';
import { accountName, escapeHtml, pathWords, stateWords } from './text.js';

/** Rows of one table; beyond them the page points to the files. */
const MAX_ROWS = 3_000;

export function outcomes(report: Gathered): string {
  return section('Outcomes', outcomeChart(report.total) || '<p>No items are known to this run.</p>');
}

/** What the spec names and the source does not have: mostly a name that is spelt otherwise. */
export function filters(report: Gathered): string {
  if (report.filters.length === 0) return '';
  const rows = report.filters.map(
    ({ said, units }) => `<td>${escapeHtml(said)}</td><td class="n">${count(units)}</td>`,
  );
  return section(
    'Filters that fit nothing',
    `<p>Look whether the names are spelt as in the source: what they were to choose, or to leave out, was not found.</p>${foldedTable(['what the spec says', 'accounts'], rows, 'filter', ['accounts'])}`,
  );
}

export function progress(report: Gathered): string {
  const { run, slices, changes } = report;
  const chart = progressChart(run.startedAt, slices);
  const changed = changes.map(({ what, count: items }) => `${count(items)} ${escapeHtml(what)}`).join(', ');
  return section(
    `Run ${run.number} over time`,
    (chart || '<p>The ledger holds no slices of work of this run: it had nothing to do, or it has not begun.</p>') +
      (changed === '' ? '' : `<p class="soft">Exceptions and changes this run wrote down: ${changed}.</p>`),
  );
}

/** One alone has the numbers of the whole. */
export function selections(report: Gathered): string {
  if (report.selections.size < 2) return '';
  const columns = sumColumns(report.total);
  const rows = [...report.selections].map(([name, sums]) =>
    [`<td>${escapeHtml(name)}</td>`, ...columns.cells(sums)].join(''),
  );
  return section('Selections', tableOf(['selection', ...columns.heads], rows));
}

/** The worst first: who is not done, then who has most that is not proven. */
export function accounts(report: Gathered): string {
  const columns = sumColumns(report.total);
  const several = report.selections.size > 1;
  const sorted = report.accounts.toSorted(
    (a, b) => badness(b) - badness(a) || unproven(b.sums) - unproven(a.sums) || a.unit.n - b.unit.n,
  );
  const shared = new Set(
    causesOf(report.accounts).flatMap((cause) => (cause.accounts.length > SHARED ? cause.accounts : [])),
  );
  const rows = sorted
    .slice(0, MAX_ROWS)
    .map((account) =>
      [
        `<td class="n">${account.unit.n}</td><td>${accountName(account.unit)}</td>${several ? `<td>${escapeHtml(account.unit.selection)}</td>` : ''}<td>${unitState(account, shared.has(account))}</td>`,
        ...(account.unit.pairing === null ? columns.unknown : columns.cells(account.sums)),
      ].join(''),
    );
  const heads = ['unit', 'account', ...(several ? ['selection'] : []), 'state', ...columns.heads];
  return section(
    'Accounts',
    `<p class="soft">Who is not done first; – where the items are not known. The number of the unit is what <code>--unit</code> takes.</p>${foldedTable(heads, rows, 'account', ['unit'])}${rest(sorted.length - rows.length, 'account')}`,
  );
}

/** A cause of more accounts than these is not said again in each of their rows. */
const SHARED = 3;

const BADNESS: Readonly<Record<UnitState, number>> = {
  failed: 5,
  parked: 4,
  cancelled: 3,
  waiting: 2,
  running: 1,
  done: 0,
};
const badness = ({ unit }: AccountSums): number => BADNESS[unit.state];

export function folders(report: Gathered): string {
  const names = new Map(report.accounts.map(({ unit }) => [unit.n, unit.from]));
  const [shown, hidden] = worstFirst(
    report.folders,
    (folder) => unproven(folder.sums) > 0 || folder.sums.duplicates > 0,
  );
  const several = report.accounts.length > 1;
  const twoWay = report.folders.some((folder) => folder.back);
  const columns = sumColumns(report.total);
  const word = containerWord(report);
  const rows = shown.map((folder) =>
    [
      several ? `<td>${escapeHtml(names.get(folder.unit) ?? '')}</td>` : '',
      twoWay ? `<td>${folder.back ? '← back' : '→ forth'}</td>` : '',
      `<td>${pathWords(folder.path)}</td><td>${targetName(folder)}</td>`,
      ...columns.cells(folder.sums),
    ].join(''),
  );
  const heads = [
    ...(several ? ['account'] : []),
    ...(twoWay ? ['direction', word, 'on the other side'] : [word, 'in the target']),
    ...columns.heads,
  ];
  const how =
    '<p class="soft">Both directions of what is kept in step: an item counts in the one that carried it last. <i>Forth</i> is from source to target, as the spec calls them.</p>';
  return section(
    word === 'folder' ? 'Folders' : 'Collections',
    rows.length === 0
      ? `<p>No ${word} has been seen.</p>`
      : (twoWay ? how : '') + foldedTable(heads, rows, word) + rest(hidden, word),
  );
}

export function notes(report: Gathered): string {
  const noted = report.folders.filter((folder) => folder.notes.length > 0);
  if (noted.length === 0) return '';
  const word = containerWord(report);
  const names = new Map(report.accounts.map(({ unit }) => [unit.n, unit.from]));
  const rows = noted
    .slice(0, MAX_ROWS)
    .map(
      (folder) =>
        `<td>${escapeHtml(names.get(folder.unit) ?? '')}</td><td>${pathWords(folder.path)}</td><td>${folder.notes.map(escapeHtml).join('<br>')}</td>`,
    );
  return section(
    `Notes on ${word}s`,
    `<p class="soft">What the target made differently: names it refuses, properties it does not keep.</p>${foldedTable(['account', word, 'note'], rows, word)}${rest(noted.length - rows.length, word)}`,
  );
}

/** Every decision about a name, so that it can be undone. */
export function renames(report: Gathered): string {
  const { count: all, first } = report.renames;
  if (all === 0) return '';
  const several = report.accounts.length > 1;
  const rows = first.map(
    ({ account, from, to, reason }) =>
      `${several ? `<td>${escapeHtml(account)}</td>` : ''}<td><code>${escapeHtml(from)}</code></td><td><code>${escapeHtml(to)}</code></td><td>${escapeHtml(reason ?? '')}</td>`,
  );
  const heads = [...(several ? ['account'] : []), 'old path', 'new path', 'why'];
  return section(
    'Names that were changed',
    `<p>${all === 1 ? '1 file or folder stands' : `${count(all)} files and folders stand`} in the target under another path than in the source, beside what the spec's map moves: from the old path to the new. All of them are in renamed.csv.</p>${foldedTable(heads, rows, 'name')}${rest(all - rows.length, 'name', ' They are in renamed.csv.')}`,
  );
}

export function duplicates(report: Gathered): string {
  if (report.total.duplicates === 0) return '';
  const rows = report.duplicates.map(
    (copy) =>
      `<td>${escapeHtml(copy.account)}</td><td>${copy.targetPath === null ? '' : pathWords(copy.targetPath)}</td><td><code>${escapeHtml(copy.ref)}</code></td><td class="n">${size(copy.bytes)}</td><td><code>${copy.digest.slice(0, 16)}…</code></td>`,
  );
  return section(
    'Duplicates',
    `<p>${report.total.duplicates === 1 ? '1 copy' : `${count(report.total.duplicates)} copies`} in the target with the same content as an item that is there already. They were not written by this migration, and nothing was removed.</p>${foldedTable(['account', `${containerWord(report)} in the target`, 'reference', 'size', 'digest'], rows, 'copy')}${rest(report.total.duplicates - rows.length, 'duplicate', '')}`,
  );
}

/** In a word or two: the cause stands above, with all who share it. */
function unitState({ unit, sameAs }: AccountSums, shared: boolean): string {
  if (sameAs !== undefined) return `the same accounts as unit ${sameAs}, which has the numbers`;
  if (unit.state === 'done') return 'done';
  const reason =
    shared || unit.reason === null ? '' : `<br><span class="soft">${escapeHtml(shortened(unit.reason))}</span>`;
  return `<span class="warn">${stateWords(unit.state, unit.gate)}</span>${reason}`;
}

const shortened = (text: string): string => (text.length > 80 ? `${text.slice(0, 79)}…` : text);

function targetName(folder: FolderSums): string {
  if (folder.targetPath === null) return '<span class="soft">not made</span>';
  const name = pathWords(folder.targetPath);
  return name === pathWords(folder.path) ? '<span class="soft">same</span>' : name;
}

/** What needs a look before what is well, each in its own order; then how many are left out. */
function worstFirst<T>(entries: readonly T[], bad: (entry: T) => boolean): [T[], number] {
  const sorted = [...entries.filter(bad), ...entries.filter((entry) => !bad(entry))];
  return [sorted.slice(0, MAX_ROWS), Math.max(0, entries.length - MAX_ROWS)];
}
