/** What waits for an approval at the moment of the report, with what that covers. */
import type { ApprovalGate } from '../ledger/covered.js';
import { waitingForApproval } from '../ledger/covered.js';
import { coversOf } from '../ledger/covers.js';
import type { Sql } from '../ledger/ledger.js';
import type { ReportRun, ReportUnit } from '../ledger/report.js';
import { readSpec } from '../ledger/specs.js';
import { deletedFrom } from '../schemas/system-words.js';
import type { Covers } from '../words/covers.js';

export interface Approval {
  readonly unit: ReportUnit;
  readonly gate: ApprovalGate;
  readonly covers: Covers;
}

/** Units whose approvals are named item by item. */
const APPROVALS_NAMED = 100;

export async function readApprovals(
  sql: Sql,
  migration: string,
  { number, specHash }: ReportRun,
  units: readonly ReportUnit[],
): Promise<Approval[]> {
  const at = { migration, run: number };
  const waiting = await waitingForApproval(sql, at);
  if (waiting.length === 0) return [];
  const spec = await readSpec(sql, specHash);
  const covers = await coversOf(sql, (row) => deletedFrom(spec, row), at, waiting, APPROVALS_NAMED);
  const unitAt = new Map(units.map((unit) => [unit.n, unit]));
  return waiting.flatMap(({ n, gate }) => {
    const unit = unitAt.get(n);
    const covered = covers.get(n);
    return unit && covered ? [{ unit, gate, covers: covered }] : [];
  });
}
