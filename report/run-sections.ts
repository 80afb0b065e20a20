/** Sections about the run itself: conflicts it met, gates it waited at, the runs before it. */
import type { ReportRun } from '../ledger/report.js';
import { count, duration, plural } from '../words/numbers.js';
import type { Gathered } from './gather.js';
import { containerWord, pathWords, rest, section, tableOf } from './tables.js';
import { escapeHtml, reasonWords, time } from './text.js';

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
    `<p>${plural(all, 'item')} met a copy that had been changed, or another of the same identity, in this run.${next}</p>${tableOf(heads, rows, ['unit'])}${rest(all - shown.length, 'conflict')}`,
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
  const counters = countersOf(runs);
  const rows = runs.toReversed().map((run) => {
    const took = run.endedAt ? duration(run.endedAt.getTime() - run.startedAt.getTime()) : '';
    const done = counters.map((counter) => `<td class="n">${total(run, counter)}</td>`).join('');
    return `<td class="n">${run.number}</td><td>${escapeHtml(reasonWords(run))}</td><td>${escapeHtml(run.state)}</td><td>${time(run.startedAt)}</td><td class="n">${took}</td>${done}<td><code>${escapeHtml(run.specHash.slice(0, 12))}</code></td>`;
  });
  const heads = counters.map((counter) => RUN_COUNTERS[counter]);
  return section(
    'Runs',
    tableOf(['run', 'reason', 'state', 'began', 'took', ...heads, 'spec'], rows, ['run', 'took', ...heads]),
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
