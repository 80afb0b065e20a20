/** summary.json: the page's sums for programs. */
import type { Gathered } from './gather.js';
import { headline } from './headline.js';
import type { Sums } from './sums.js';

export function summary(report: Gathered): object {
  const { run } = report;
  return {
    version: 1,
    migration: report.migration,
    run: run.number,
    reason: run.reason,
    ...(run.schedule !== null && { schedule: run.schedule }),
    state: run.state,
    ...(run.part !== null && { part: run.part }),
    ...(run.confirms !== null && { confirms: run.confirms }),
    ...(run.prunedAt !== null && { prunedAt: run.prunedAt }),
    confirmedBy: report.runs.filter(({ confirms }) => confirms === run.number).map(({ number }) => number),
    spec: run.specHash,
    startedAt: run.startedAt,
    endedAt: run.endedAt,
    writtenAt: report.writtenAt,
    headline: headline(report),
    ...(report.unfinished && { unfinished: report.unfinished.sentence }),
    verdict: report.verdict,
    totals: sums(report.total),
    selections: Object.fromEntries([...report.selections].map(([name, total]) => [name, sums(total)])),
    accounts: report.accounts.map(({ unit, sums: total, sameAs }) => ({
      unit: unit.n,
      selection: unit.selection,
      from: unit.from,
      to: unit.to,
      state: unit.state,
      gate: unit.gate,
      reason: unit.reason,
      known: unit.pairing !== null,
      ...(sameAs !== undefined && { sameAs }),
      ...sums(total),
    })),
    folders: report.folders.map((folder) => ({
      unit: folder.unit,
      direction: folder.back ? 'back' : 'forth',
      folder: folder.path,
      target: folder.targetPath,
      notes: folder.notes,
      ...sums(folder.sums),
    })),
    notProven: report.exceptions.map(({ standing, reason, count, bytes }) => ({
      outcome: standing,
      reason,
      count,
      bytes,
    })),
    conflicts: report.conflicts,
    renamed: report.renames.count,
    filters: report.filters,
    leftOut: report.leftOut,
    gates: report.gates,
    approvals: report.approvals.map(({ unit, gate, covers: { token, ...covers } }) => ({
      unit: unit.n,
      gate,
      ...covers,
    })),
    changes: report.changes,
    runs: report.runs,
  };
}

function sums(total: Sums): object {
  return {
    items: total.items,
    bytes: total.bytes,
    outcomes: total.standings,
    proofs: total.proofs,
    results: total.results,
    excluded: total.excluded,
    duplicates: total.duplicates,
  };
}
