/** Sections about the run itself: conflicts it met, gates it waited at, the runs before it. */
import type { ReportGate, ReportRun } from '../ledger/report.js';
import { count, duration, plural } from '../words/numbers.js';
import type { Gathered } from './gather.js';
import { grouped } from './grouped.js';
import { containerWord, foldedTable, rest, section } from './tables.js';
import { accountName, escapeHtml, nextWords, pathWords, reasonWords, time } from './text.js';

/** Rows shown; beyond them the page points to the files. */
const MAX_CONFLICTS = 500;

/** Whoever won: each conflict is told, because somebody's edit may not be where they look for it. */
export function conflicts(report: Gathered): string {
  const { count: all, first } = report.conflicts;
  if (all === 0) return '';
  const shown = first.slice(0, MAX_CONFLICTS);
  const twoWay = report.folders.some((folder) => folder.back);
  const rows = shown.map(
    (met) =>
      `<td class="n">${met.unit}</td><td>${escapeHtml(met.account)}</td>${twoWay ? `<td>${met.direction === 'back' ? '← back' : '→ forth'}</td>` : ''}<td>${pathWords(met.path)}</td><td><code>${escapeHtml(met.key)}</code></td><td>${met.targetRef === null ? '' : `<code>${escapeHtml(met.targetRef)}</code>`}</td><td>${escapeHtml(met.what)}</td><td>${escapeHtml(met.end)}</td><td>${time(met.at)}</td>`,
  );
  const heads = [
    'unit',
    'account',
    ...(twoWay ? ['direction'] : []),
    containerWord(report),
    'key',
    'copy',
    'what happened',
    'who won',
    'when',
  ];
  const open = report.total.standings.conflict;
  const next =
    open > 0
      ? ` ${plural(open, 'item')} ${open === 1 ? 'is' : 'are'} open: make both sides say the same, or let one win with <code>onConflict</code> (source, target, newest or both); each run looks again.`
      : ' None is open.';
  return section(
    'Conflicts',
    `<p>${plural(all, 'item')} met a copy that had been changed, or another of the same identity, in this run.${next}</p>${foldedTable(heads, rows, 'conflict', ['unit'])}${rest(all - shown.length, 'conflict')}`,
  );
}

/** Those with one cause and one end are one row: a secret that thousands wait for is one. */
export function gates(report: Gathered): string {
  if (report.gates.length === 0) return '';
  const names = new Map(report.accounts.map(({ unit }) => [unit.n, unit]));
  const alike = grouped(report.gates, (met) =>
    [met.gate, met.reason, met.next, met.closedAt === null ? 'open' : met.closedBy].join('\n'),
  );
  const rows = [...alike.values()].map((met) => {
    const [first] = met as [ReportGate];
    const unit = names.get(first.unit);
    const who = unit ? accountName(unit) : `unit ${first.unit}`;
    const others = met.length > 1 ? `<br><span class="soft">and ${count(met.length - 1)} more</span>` : '';
    return `<td class="n">${count(met.length)}</td><td>${who}${others}</td><td>${escapeHtml(first.gate)}</td><td>${escapeHtml(first.reason)}${first.next ? `<br><span class="soft">${nextWords(first.next)}</span>` : ''}</td><td>${time(first.openedAt)}</td><td>${opened(met)}</td>`;
  });
  return section(
    'Gates',
    `<p class="soft">Reasons this run waited for instead of failing.</p>${foldedTable(['times', 'account', 'gate', 'reason', 'since', 'opened'], rows, 'gate', ['times'])}`,
  );
}

function opened(met: readonly ReportGate[]): string {
  const [first] = met as [ReportGate];
  if (first.closedAt === null) return '<span class="warn">still waiting</span>';
  const longest = Math.max(...met.map(({ openedAt, closedAt }) => Number(closedAt) - Number(openedAt)));
  return `after ${met.length > 1 ? 'at most ' : ''}${duration(longest)}, by ${escapeHtml(first.closedBy ?? 'nobody named')}`;
}

export function history(report: Gathered): string {
  const runs = report.runs.slice(-200);
  const counters = countersOf(runs);
  const rows = runs.toReversed().map((run) => {
    const took = run.endedAt ? duration(run.endedAt.getTime() - run.startedAt.getTime()) : '';
    const done = counters.map((counter) => `<td class="n">${total(run, counter)}</td>`).join('');
    return `<td class="n">${run.number}</td><td>${escapeHtml(reasonWords(run))}</td><td>${escapeHtml(run.state)}</td><td>${time(run.startedAt)}</td><td class="n">${took}</td>${done}<td><code>${escapeHtml(run.specHash.slice(0, 12))}</code></td>`;
  });
  const heads = counters.map((counter) => RUN_COUNTERS[counter]);
  return section(
    'Runs',
    foldedTable(['run', 'reason', 'state', 'began', 'took', ...heads, 'spec'], rows, 'run', ['run', 'took', ...heads]),
  );
}

/** Of a run's totals, what its row shows. */
const RUN_COUNTERS = {
  created: 'created',
  updated: 'updated',
  moved: 'moved',
  removed: 'removed',
  changed: 'items written',
  skipped: 'skipped',
  conflicts: 'in conflict',
  failures: 'failed',
} as const;
type RunCounter = keyof typeof RUN_COUNTERS;

/** Three always, and those that say something of at least one run. */
function countersOf(runs: readonly ReportRun[]): RunCounter[] {
  const always: readonly RunCounter[] = ['created', 'changed', 'failures'];
  const all = Object.keys(RUN_COUNTERS) as RunCounter[];
  return all.filter(
    (counter) => always.includes(counter) || runs.some((run) => Number(run.totals?.[counter] ?? 0) > 0),
  );
}

const total = (run: ReportRun, counter: RunCounter): string => {
  const value = run.totals?.[counter];
  return typeof value === 'number' ? count(value) : '';
};
