/** The page's sections, each a string of HTML; empty when there is nothing to say. */
import { outcomeChart, progressChart } from './charts.js';
import type { AccountSums, FolderSums, Gathered } from './gather.js';
import type { Sums } from './standing.js';
import { unproven } from './standing.js';
import { count, duration, escapeHtml, plural, share, size, time } from './text.js';

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
  const rows = [...report.selections].map(([name, sums]) =>
    [`<td>${escapeHtml(name)}</td>`, ...sumCells(sums)].join(''),
  );
  return section('Selections', tableOf(['selection', ...SUM_HEADS], rows));
}

export function accounts(report: Gathered): string {
  const [shown, hidden] = worstFirst(
    report.accounts,
    (account) => account.unit.state !== 'done' || unproven(account.sums) > 0,
  );
  const rows = shown.map((account) =>
    [
      `<td class="n">${account.unit.n}</td><td>${escapeHtml(account.unit.selection)}</td><td>${accountNames(account)}</td><td>${unitState(account)}</td>`,
      ...sumCells(account.sums),
    ].join(''),
  );
  return section(
    'Accounts',
    `<p class="soft">One unit each: the number is what <code>--unit</code> takes.</p>${tableOf(['unit', 'selection', 'account', 'state', ...SUM_HEADS], rows, ['unit'])}${rest(hidden, 'account')}`,
  );
}

export function folders(report: Gathered): string {
  const names = new Map(report.accounts.map(({ unit }) => [unit.n, unit.from]));
  const [shown, hidden] = worstFirst(
    report.folders,
    (folder) => unproven(folder.sums) > 0 || folder.sums.duplicates > 0,
  );
  const several = report.accounts.length > 1;
  const rows = shown.map((folder) =>
    [
      several ? `<td>${escapeHtml(names.get(folder.unit) ?? '')}</td>` : '',
      `<td>${escapeHtml(folder.path.join(' / '))}</td><td>${targetName(folder)}</td>`,
      ...sumCells(folder.sums),
    ].join(''),
  );
  const heads = [...(several ? ['account'] : []), 'folder', 'in the target', ...SUM_HEADS];
  return section(
    'Folders',
    rows.length === 0 ? '<p>No folder has been seen.</p>' : tableOf(heads, rows) + rest(hidden, 'folder'),
  );
}

export function notes(report: Gathered): string {
  const noted = report.folders.filter((folder) => folder.notes.length > 0);
  if (noted.length === 0) return '';
  const names = new Map(report.accounts.map(({ unit }) => [unit.n, unit.from]));
  const rows = noted
    .slice(0, MAX_ROWS)
    .map(
      (folder) =>
        `<td>${escapeHtml(names.get(folder.unit) ?? '')}</td><td>${escapeHtml(folder.path.join(' / '))}</td><td>${folder.notes.map(escapeHtml).join('<br>')}</td>`,
    );
  return section(
    'Notes on folders',
    `<p class="soft">What the target made differently: names it refuses, flags it does not keep.</p>${tableOf(['account', 'folder', 'note'], rows)}${rest(noted.length - rows.length, 'folder')}`,
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
    `<p>${plural(report.total.duplicates, 'copy').replace('copys', 'copies')} in the target with the same content as an item that is there already. They were not written by this migration, and nothing was removed.</p>${tableOf(['account', 'folder in the target', 'reference', 'size', 'digest'], rows, ['size'])}${rest(report.total.duplicates - rows.length, 'duplicate', '')}`,
  );
}

export function gates(report: Gathered): string {
  if (report.gates.length === 0) return '';
  const rows = report.gates.map(
    (gate) =>
      `<td class="n">${gate.unit}</td><td>${escapeHtml(gate.gate)}</td><td>${escapeHtml(gate.reason)}${gate.next ? `<br><span class="soft">${escapeHtml(gate.next)}</span>` : ''}</td><td>${time(gate.openedAt)}</td><td>${gate.closedAt ? `after ${duration(gate.closedAt.getTime() - gate.openedAt.getTime())}, by ${escapeHtml(gate.closedBy ?? 'nobody named')}` : '<span class="warn">still waiting</span>'}</td>`,
  );
  return section(
    'Gates',
    `<p class="soft">Reasons this run waited for instead of failing.</p>${tableOf(['unit', 'gate', 'reason', 'since', 'opened'], rows, ['unit'])}`,
  );
}

export function history(report: Gathered): string {
  const runs = report.runs.slice(-200);
  const rows = runs.toReversed().map((run) => {
    const took = run.endedAt ? duration(run.endedAt.getTime() - run.startedAt.getTime()) : '';
    const changed = typeof run.totals?.changed === 'number' ? count(run.totals.changed) : '';
    return `<td class="n">${run.number}</td><td>${escapeHtml(run.reason)}</td><td>${escapeHtml(run.state)}</td><td>${time(run.startedAt)}</td><td class="n">${took}</td><td class="n">${changed}</td><td><code>${escapeHtml(run.specHash.slice(0, 12))}</code></td>`;
  });
  return section(
    'Runs',
    tableOf(['run', 'reason', 'state', 'began', 'took', 'items written', 'spec'], rows, [
      'run',
      'took',
      'items written',
    ]),
  );
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

function rest(hidden: number, word: string, where = ' They are in summary.json.'): string {
  return hidden > 0 ? `<p class="soft">${plural(hidden, `more ${word}`)} not shown here.${where}</p>` : '';
}

const RIGHT = new Set(['items', 'size', 'verified', 'not proven', 'duplicates']);

export function tableOf(heads: readonly string[], rows: readonly string[], right: readonly string[] = []): string {
  const head = heads.map((text) => `<th${RIGHT.has(text) || right.includes(text) ? ' class="n"' : ''}>${text}</th>`);
  return `<div class="wide"><table><thead><tr>${head.join('')}</tr></thead><tbody>${rows.map((row) => `<tr>${row}</tr>`).join('')}</tbody></table></div>`;
}

export function section(title: string, body: string): string {
  return `<section><h2>${title}</h2>${body}</section>`;
}
