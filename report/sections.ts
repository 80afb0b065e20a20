/** The page's sections, each a string of HTML; empty when there is nothing to say. */

import { count, plural, size } from '../words/numbers.js';
import { outcomeChart, progressChart } from './charts.js';
import type { AccountSums, FolderSums, Gathered } from './gather.js';
import { unproven } from './sums.js';
import { containerWord, pathWords, rest, section, sumColumns, tableOf } from './tables.js';
import { escapeHtml } from './text.js';

/** Rows of one table; beyond them the page points to the files. */
const MAX_ROWS = 3_000;

export function outcomes(report: Gathered): string {
  const chart = outcomeChart(report.total);
  const excluded = report.total.excluded;
  return section(
    'Outcomes',
    (chart || '<p>No items are known to this run.</p>') +
      (excluded > 0
        ? `<p class="soft" style="margin-top:10px">${plural(excluded, 'more item')} in the source ${excluded === 1 ? 'is' : 'are'} left out by the spec's include and exclude, and in no number here.</p>`
        : ''),
  );
}

/** What the spec names and the source does not have: mostly a name that is spelt otherwise. */
export function filters(report: Gathered): string {
  if (report.filters.length === 0) return '';
  const rows = report.filters.map(
    ({ said, units }) => `<td>${escapeHtml(said)}</td><td class="n">${count(units)}</td>`,
  );
  return section(
    'Filters that fit nothing',
    `<p>Look whether the names are spelt as in the source: what they were to choose, or to leave out, was not found.</p>${tableOf(['what the spec says', 'accounts'], rows, ['accounts'])}`,
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

export function selections(report: Gathered): string {
  const columns = sumColumns(report.total);
  const rows = [...report.selections].map(([name, sums]) =>
    [`<td>${escapeHtml(name)}</td>`, ...columns.cells(sums)].join(''),
  );
  return section('Selections', tableOf(['selection', ...columns.heads], rows));
}

export function accounts(report: Gathered): string {
  const columns = sumColumns(report.total);
  const [shown, hidden] = worstFirst(
    report.accounts,
    (account) => account.unit.state !== 'done' || unproven(account.sums) > 0,
  );
  const rows = shown.map((account) =>
    [
      `<td class="n">${account.unit.n}</td><td>${escapeHtml(account.unit.selection)}</td><td>${accountNames(account)}</td><td>${unitState(account)}</td>`,
      ...columns.cells(account.sums),
    ].join(''),
  );
  return section(
    'Accounts',
    `<p class="soft">One unit each: the number is what <code>--unit</code> takes.</p>${tableOf(['unit', 'selection', 'account', 'state', ...columns.heads], rows, ['unit'])}${rest(hidden, 'account')}`,
  );
}

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
      : (twoWay ? how : '') + tableOf(heads, rows) + rest(hidden, word),
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
    `<p class="soft">What the target made differently: names it refuses, properties it does not keep.</p>${tableOf(['account', word, 'note'], rows)}${rest(noted.length - rows.length, word)}`,
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
    `<p>${all === 1 ? '1 file or folder stands' : `${count(all)} files and folders stand`} in the target under another path than in the source, beside what the spec's map moves: from the old path to the new. All of them are in renamed.csv.</p>${tableOf(heads, rows)}${rest(all - rows.length, 'name', ' They are in renamed.csv.')}`,
  );
}

export function duplicates(report: Gathered): string {
  if (report.total.duplicates === 0) return '';
  const rows = report.duplicates.map(
    (copy) =>
      `<td>${escapeHtml(copy.account)}</td><td>${escapeHtml(copy.targetPath?.join(' / ') ?? '')}</td><td><code>${escapeHtml(copy.ref)}</code></td><td class="n">${size(copy.bytes)}</td><td><code>${copy.digest.slice(0, 16)}…</code></td>`,
  );
  return section(
    'Duplicates',
    `<p>${plural(report.total.duplicates, 'copy').replace('copys', 'copies')} in the target with the same content as an item that is there already. They were not written by this migration, and nothing was removed.</p>${tableOf(['account', `${containerWord(report)} in the target`, 'reference', 'size', 'digest'], rows, ['size'])}${rest(report.total.duplicates - rows.length, 'duplicate', '')}`,
  );
}

function accountNames({ unit }: AccountSums): string {
  return unit.from === unit.to ? escapeHtml(unit.from) : `${escapeHtml(unit.from)} → ${escapeHtml(unit.to)}`;
}

function unitState({ unit, sameAs }: AccountSums): string {
  if (sameAs !== undefined) return `the same accounts as unit ${sameAs}, which has the numbers`;
  if (unit.state === 'done') return 'done';
  const why = unit.gate ? `waits: ${unit.gate}` : unit.state;
  const unknown = unit.pairing === null ? '<br><span class="soft">its items are not known</span>' : '';
  return `<span class="warn">${escapeHtml(why)}</span>${unit.reason ? `<br><span class="soft">${escapeHtml(unit.reason)}</span>` : ''}${unit.next ? `<br><span class="soft">${escapeHtml(unit.next)}</span>` : ''}${unknown}`;
}

function targetName(folder: FolderSums): string {
  if (folder.targetPath === null) return '<span class="soft">not made</span>';
  const name = folder.targetPath.join(' / ');
  return name === folder.path.join(' / ') ? '<span class="soft">same</span>' : escapeHtml(name);
}

/** What needs a look before what is well, each in its own order; then how many are left out. */
function worstFirst<T>(entries: readonly T[], bad: (entry: T) => boolean): [T[], number] {
  if (entries.length <= MAX_ROWS) return [[...entries], 0];
  const sorted = [...entries.filter(bad), ...entries.filter((entry) => !bad(entry))];
  return [sorted.slice(0, MAX_ROWS), entries.length - MAX_ROWS];
}
