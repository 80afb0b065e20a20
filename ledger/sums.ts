/** What the units of a run count, added up: each unit is in the sum with what it counted when it ended last. */
import type { Counters } from '../words/counters.js';
import { addCounters, NO_COUNTERS } from '../words/counters.js';
import type { RunSum } from '../words/runs.js';
import type { Sql } from './ledger.js';

interface Run {
  readonly migration: string;
  readonly run: number;
}

interface Sum {
  readonly counters: Partial<Counters>;
  readonly sums: number;
}

const answer = (row: Sum | undefined): RunSum => ({
  totals: addCounters(NO_COUNTERS, row?.counters ?? {}),
  sums: row?.sums ?? 0,
});

/** Adds up all units of a run anew, as it is opened, or taken up by another workflow execution. */
export async function sumUnits(sql: Sql, { migration, run }: Run): Promise<RunSum> {
  const { rows } = await sql.query<Sum>(
    // Locked, they are read as they are now: slices count them meanwhile, and others bring them into the sum.
    `with now as (
       select n, counters from unit where migration = $1 and run = $2 order by n for update),
     summed as (
       update unit u set summed = now.counters from now where u.migration = $1 and u.n = now.n and u.summed <> now.counters),
     total as (
       select coalesce(jsonb_object_agg(name, value), '{}') as counters from (
         select key as name, sum(value::bigint) as value from now, jsonb_each_text(counters) group by key) t)
     update run set counters = total.counters, sums = sums + 1 from total where migration = $1 and number = $2 returning run.counters, sums`,
    [migration, run],
  );
  return answer(rows[0]);
}

/**
 * Brings what these units count now into the sum of their run. Returns the sum; safe to repeat. Units that a later run has
 * called are in that one's sum.
 */
export async function addToSum(sql: Sql, { migration, run }: Run, units: readonly number[]): Promise<RunSum> {
  const { rows } = await sql.query<Sum>(
    `with old as (
       select n, summed from unit where migration = $1 and run = $2 and n = any($3) order by n for update),
     ended as (
       update unit u set summed = u.counters from old where u.migration = $1 and u.n = old.n
       returning u.counters as now, old.summed as before),
     more as (
       select key, sum(value) as value from (
         select key, value::bigint as value from ended, jsonb_each_text(now)
         union all select key, -value::bigint from ended, jsonb_each_text(before)) both_ways group by key)
     update run set counters = counters || coalesce((
       select jsonb_object_agg(key, coalesce((counters->>key)::bigint, 0) + value) from more), '{}'), sums = sums + 1
     where migration = $1 and number = $2 returning counters, sums`,
    [migration, run, units],
  );
  return answer(rows[0]);
}
