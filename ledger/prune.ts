/**
 * Removes what runs left beside the items, once it is old. The answer for each item is in its row and stays; so does
 * whatever a report, a counter or a later run reads (docs/decisions/0038-what-is-kept.md). Works in batches that each
 * commit for themselves, on rows that no slice writes any more: nobody waits for it, and it may end anywhere.
 */
import type { Ledger, Sql } from './ledger.js';
import { MEASURED_SLICES } from './planned.js';

/** Rows of one statement. */
const BATCH = 5_000;

/** Which rows are old, in milliseconds, and whether they are only counted. */
export interface Pruning {
  readonly migration: string;
  readonly olderThanMs: number;
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
}

export async function migrationNames(sql: Sql): Promise<string[]> {
  const { rows } = await sql.query<{ name: string }>('select name from migration order by name');
  return rows.map(({ name }) => name);
}

/**
 * Runs whose events and outcomes are read for their report, whatever their age: the last one, the last with a whole report,
 * and those that have not ended or still wait at a gate.
 */
export async function runsReported(sql: Sql, migration: string): Promise<number[]> {
  const { rows } = await sql.query<{ number: number }>(
    `select number from run where migration = $1 and (ended_at is null
       or number = (select max(number) from run where migration = $1)
       or number = (select max(number) from run where migration = $1 and reported_at is not null)
       or number in (select run from gate where migration = $1 and closed_at is null))`,
    [migration],
  );
  return rows.map(({ number }) => number);
}

/** Ids of the runs that items stand by: those that changed or proved one last. */
export async function runsOfItems(sql: Sql): Promise<number[]> {
  const { rows } = await sql.query<{ run: number }>('select run from item_count group by run having sum(n) <> 0');
  return rows.map(({ run }) => run);
}

/** Removes old events, but for those of `reported` runs and the slices that `plan` goes by. How many. */
export async function pruneEvents({ pool }: Ledger, pruning: Pruning, reported: readonly number[]): Promise<number> {
  const { migration, olderThanMs, dryRun, signal } = pruning;
  const measured = await oldestMeasured(pool, migration);
  let removed = 0;
  for (let after = 0; ; ) {
    signal.throwIfAborted();
    const { rows } = await pool.query<{ last: number | null; old: number; removed: number }>(
      `with page as (
         select id, run, unit, message, at < now() - $3 * interval '1 ms' as old from event
         where migration = $1 and id > $2 order by id limit $4),
       spent as (
         select id from page left join unnest($6::int[], $7::bigint[]) as m (of, since) on m.of = page.unit
         where old and run <> all($5) and not (message = 'slice' and m.since is not null and id >= m.since)),
       gone as (${dryRun ? 'select id from spent' : 'delete from event where id in (select id from spent) returning id'})
       select (select max(id) from page) as last, (select count(*) from page where old) as old,
         (select count(*) from gone) as removed`,
      [migration, after, olderThanMs, BATCH, reported, [...measured.keys()], [...measured.values()]],
    );
    const { last, old, removed: here } = rows[0] as (typeof rows)[number];
    removed += here;
    // Events are numbered as they come: none that follows a page without an old one is old.
    if (last === null || old === 0) return removed;
    after = last;
  }
}

/** The oldest slice that `plan` measures each unit by. */
async function oldestMeasured(sql: Sql, migration: string): Promise<ReadonlyMap<number, number>> {
  const { rows } = await sql.query<{ unit: number; since: number }>(
    `select unit, min(id) as since from (
       select unit, id, row_number() over (partition by unit order by id desc) as place from event
       where migration = $1 and message = 'slice' and unit is not null) slice
     where place <= $2 group by unit`,
    [migration, MEASURED_SLICES],
  );
  return new Map(rows.map(({ unit, since }) => [unit, since]));
}

/** Removes the outcomes of old runs. How many. */
export async function pruneOutcomes(ledger: Ledger, pruning: Pruning, reported: readonly number[]): Promise<number> {
  const { pool } = ledger;
  const { migration, olderThanMs, dryRun, signal } = pruning;
  const { rows } = await pool.query<{ number: number }>(
    `select number from run where migration = $1 and ended_at < now() - $2 * interval '1 ms' and number <> all($3)
       and pruned_at is null order by number`,
    [migration, olderThanMs, reported],
  );
  const runs = rows.map(({ number }) => number);
  if (dryRun) return countOutcomes(pool, migration, runs);
  let removed = 0;
  for (const some of chunks(runs, 200)) {
    removed += await removeOutcomes(pool, migration, some, signal);
    await pool.query('update run set pruned_at = now() where migration = $1 and number = any($2)', [migration, some]);
  }
  return removed;
}

async function countOutcomes(sql: Sql, migration: string, runs: readonly number[]): Promise<number> {
  const { rows } = await sql.query<{ n: number }>(
    'select count(*) as n from outcome where migration = $1 and run = any($2)',
    [migration, runs],
  );
  return rows[0]?.n ?? 0;
}

async function removeOutcomes(
  sql: Sql,
  migration: string,
  runs: readonly number[],
  signal: AbortSignal,
): Promise<number> {
  for (let removed = 0; ; ) {
    signal.throwIfAborted();
    const { rowCount } = await sql.query(
      `delete from outcome where id in (select id from outcome where migration = $1 and run = any($2) limit $3)`,
      [migration, runs, BATCH],
    );
    removed += rowCount ?? 0;
    if ((rowCount ?? 0) < BATCH) return removed;
  }
}

/**
 * Removes old runs with their gates, but for `reported` ones, those that an item stands by (`ofItems`: ids), those that called
 * a unit last, those whose outcomes are kept longer, and for each that stays the last `apply` before it, which says whom its
 * report is about.
 */
export async function pruneRuns(
  ledger: Ledger,
  { migration, olderThanMs, dryRun, signal }: Pruning,
  outcomesMs: number | undefined,
  reported: readonly number[],
  ofItems: readonly number[],
): Promise<{ readonly runs: number; readonly gates: number }> {
  const { rows } = await ledger.pool.query<{ number: number }>(
    `with kept as (
       select number from run where migration = $1 and (ended_at is null or ended_at >= now() - $2 * interval '1 ms'
         or number = any($3) or id = any($4) or number in (select run from unit where migration = $1)
         or ended_at >= now() - $5::float8 * interval '1 ms'
         or $5 is null and exists (select from outcome o where o.migration = $1 and o.run = number))),
       based as (
         select number from kept union
         select confirms from run where migration = $1 and number in (select number from kept) and confirms is not null)
     select number from run where migration = $1 and number not in (select number from based)
       and number not in (
         select (select max(a.number) from run a where a.migration = $1 and a.reason = 'apply' and a.part is null and a.number <= based.number) as applied
         from based where exists (select from run a where a.migration = $1 and a.reason = 'apply' and a.part is null and a.number <= based.number))
     order by number`,
    [migration, olderThanMs, reported, ofItems, outcomesMs ?? null],
  );
  const removed = { runs: rows.length, gates: 0 };
  for (const some of chunks(
    rows.map(({ number }) => number),
    500,
  )) {
    signal.throwIfAborted();
    removed.gates += dryRun
      ? await countGates(ledger.pool, migration, some)
      : await ledger.transaction(async (sql) => {
          const gates = await sql.query('delete from gate where migration = $1 and run = any($2)', [migration, some]);
          await sql.query('delete from run where migration = $1 and number = any($2)', [migration, some]);
          return gates.rowCount ?? 0;
        });
  }
  return removed;
}

async function countGates(sql: Sql, migration: string, runs: readonly number[]): Promise<number> {
  const { rows } = await sql.query<{ n: number }>(
    'select count(*) as n from gate where migration = $1 and run = any($2)',
    [migration, runs],
  );
  return rows[0]?.n ?? 0;
}

/**
 * Removes old specs that no run or migration stands by any more. One that was just submitted is not old, and one of a
 * migration whose run has not ended may wait its turn behind that.
 */
export async function pruneSpecs(sql: Sql, olderThanMs: number, dryRun: boolean, name?: string): Promise<number> {
  const spent = `from spec where submitted_at < now() - greatest($1::float8, 86400000) * interval '1 ms'
    and ($2::text is null or name = $2)
    and not exists (select from run where spec = hash or migration = name and ended_at is null)
    and not exists (select from migration where spec = hash)`;
  const { rows } = await sql.query<{ n: number }>(
    dryRun
      ? `select count(*) as n ${spent}`
      : `with gone as (delete ${spent} returning 1) select count(*) as n from gone`,
    [olderThanMs, name ?? null],
  );
  return rows[0]?.n ?? 0;
}

function* chunks<T>(all: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += size) yield all.slice(at, at + size);
}
