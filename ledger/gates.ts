/** Gates: reasons to wait instead of fail, which a person or time opens. */

import type { Gate } from '../words/units.js';
import type { Ledger, Sql } from './ledger.js';

export async function openGate(
  ledger: Ledger,
  at: { readonly migration: string; readonly unit: number; readonly run: number },
  gate: { readonly gate: Gate; readonly reason: string; readonly next: string | undefined },
): Promise<void> {
  await ledger.pool.query(
    `insert into gate (migration, unit, run, gate, reason, next)
     select $1, $2, $3, $4, $5, $6
     where not exists (
       select from gate where migration = $1 and unit = $2 and run = $3 and gate = $4 and closed_at is null)`,
    [at.migration, at.unit, at.run, gate.gate, gate.reason, gate.next ?? null],
  );
}

/** No unit waits at the gates of runs up to this one any more. `by`: how the run ended, or which run came after it. */
export async function endGates(ledger: Ledger, migration: string, run: number, by: string): Promise<void> {
  await ledger.pool.query(
    'update gate set closed_at = now(), closed_by = $3 where migration = $1 and run <= $2 and closed_at is null',
    [migration, run, by],
  );
}

/** `by`: the signal that opened them, or `time`. */
export async function closeGates(sql: Sql, migration: string, units: readonly number[], by: string): Promise<void> {
  await sql.query(
    'update gate set closed_at = now(), closed_by = $3 where migration = $1 and unit = any($2) and closed_at is null',
    [migration, units, by],
  );
}
