/** The numbers of the report, which adds up items, beside the counters, which console and Web UI show. */
import { deepStrictEqual } from 'node:assert';
import { countUnit } from '../../ledger/counts.js';
import type { Ledger } from '../../ledger/ledger.js';
import { readRuns, readSnapshot } from '../../ledger/report.js';
import { gather } from '../../report/gather.js';
import { countersOf } from '../../report/sums.js';

const NOWHERE = { write: async () => {}, finish: async () => {}, close: async () => {} };

/** Throws where an account's items in the report of the last run add up to other numbers than the ledger's counters. */
export async function assertOneCount(ledger: Ledger, migration: string): Promise<void> {
  const run = (await readRuns(ledger.pool, migration)).at(-1)?.number;
  if (run === undefined) return;
  await readSnapshot(ledger, async (sql) => {
    const report = await gather(sql, migration, run, NOWHERE);
    for (const { unit, sums, sameAs } of report?.accounts ?? []) {
      if (unit.pairing === null || sameAs !== undefined) continue;
      const pairings = [unit.pairing, ...(unit.back === null ? [] : [unit.back])];
      const { items, bytes, verified, arrived, failures, pending, skipped, conflicts, duplicates } = await countUnit(
        sql,
        { migration, n: unit.n, pairings },
        run,
      );
      const counted = { items, bytes, verified, arrived, failures, pending, skipped, conflicts, duplicates };
      deepStrictEqual(countersOf(sums), counted, `the report of unit ${unit.n} has other numbers than its counters`);
      deepStrictEqual(items, verified + arrived + failures + pending + skipped, `unit ${unit.n} counts an item twice`);
    }
  });
}
