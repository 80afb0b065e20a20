/** Units that have nothing to do: which to look at together, and how they end. */
import type { Counters } from '../words/counters.js';
import type { Ledger, Sql } from './ledger.js';

/**
 * Units called to the run of which nothing is known to be left: everything has arrived and is proven, nothing failed, and
 * they go one way. Most of them have nothing to do; that is for their survey to tell.
 */
export async function settledUnits(sql: Sql, migration: string, run: number): Promise<number[]> {
  const { rows } = await sql.query<{ n: number }>(
    `select n from unit where migration = $1 and run = $2 and state = 'waiting' and pairing is not null and back is null
       and reason is null and counters @> '{"pending": 0, "arrived": 0, "failures": 0}' order by n`,
    [migration, run],
  );
  return rows.map(({ n }) => n);
}

/**
 * Units that had nothing to do end as done in their run, each with its event. Safe to repeat: those that are done already
 * stay as they are, and those that have begun in a workflow of their own, for a look that slept.
 */
export async function endIdleUnits(
  { pool }: Ledger,
  { migration, run }: { readonly migration: string; readonly run: number },
  units: readonly { readonly n: number; readonly counters: Counters }[],
): Promise<void> {
  if (units.length === 0) return;
  await pool.query(
    `with ended as (
       update unit u set state = 'done', phase = 'survey', gate = null, reason = null, next = null, retry_at = null,
         approved = '{}', counters = t.counters, idle_slices = 0, changed_at = now()
       from unnest($3::int[], $4::jsonb[]) as t (n, counters)
       where u.migration = $1 and u.n = t.n and u.run = $2 and u.state = 'waiting' returning u.n)
     insert into event (migration, run, unit, level, message) select $1, $2, n, 'info', 'unit done' from ended order by n`,
    [migration, run, units.map(({ n }) => n), units.map(({ counters }) => JSON.stringify(counters))],
  );
}
