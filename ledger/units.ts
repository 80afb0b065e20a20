/** Units: one pairing within a migration, its state, its gate and its counters. */
import { Fault } from '../connectors/errors.js';
import type { Account } from '../schemas/spec.js';
import type { Counters } from '../words/counters.js';
import type { Gate, UnitState } from '../words/units.js';
import type { Ledger, Sql } from './ledger.js';

export interface UnitRow {
  readonly migration: string;
  readonly n: number;
  readonly selection: string;
  readonly from: string;
  readonly to: string;
  readonly pairing: number | null;
  /** The pairing of the other direction, of units that go both ways. */
  readonly back: number | null;
  readonly run: number;
  readonly state: UnitState;
  readonly gate: Gate | null;
  readonly reason: string | null;
  readonly next: string | null;
  /** Gates that a person let it pass in this run; of failures with how many these were: `failures:12`. */
  readonly approved: readonly string[];
  readonly counters: Counters;
  /** What the sum of its run has of it. */
  readonly summed: Partial<Counters>;
  /** Slices in a row, the last included, that asked to go on and had done nothing. */
  readonly idleSlices: number;
}

const COLUMNS = `migration, n, selection, account_from as "from", account_to as "to", pairing, back, run, state, gate, reason, next, approved, counters, idle_slices as "idleSlices", summed`;

/**
 * Allots each account of a selection its number, once and for ever, and calls it to this run; `only`: these units alone, or
 * those that have begun in an earlier run. Returns the numbers.
 */
export async function callUnits(
  ledger: Ledger,
  migration: string,
  run: number,
  selection: string,
  accounts: readonly Account[],
  only?: readonly number[] | 'begun',
): Promise<number[]> {
  return ledger.transaction(async (sql) => {
    await sql.query('select from migration where name = $1 for update', [migration]);
    const { rows } = await sql.query<{ n: number }>(
      `with wanted as (select f, t, row_number() over () as place from unnest($3::text[], $4::text[]) as a (f, t)),
        fresh as (
          select w.f, w.t, row_number() over (order by place) as step from wanted w
          where not exists (select from unit u where u.migration = $1 and u.selection = $2 and u.account_from = w.f and u.account_to = w.t)
            and $6::int[] is null and not $7),
        added as (
          insert into unit (migration, n, selection, account_from, account_to, run)
          select $1, (select coalesce(max(n), 0) from unit where migration = $1) + step, $2, f, t, $5 from fresh returning n),
        called as (
          update unit u set run = $5, state = case when u.run = $5 then u.state else 'waiting' end, gate = null,
            retry_at = null, phase = case when u.run = $5 then u.phase end,
            -- Where its items stand is known until it is counted anew; what a run did is nothing yet.
            counters = case when u.run = $5 or u.counters = '{}' then u.counters
              else u.counters || '{"changed": 0, "created": 0, "updated": 0, "moved": 0, "removed": 0}' end,
            -- What a person let pass was of that run.
            approved = case when u.run = $5 then u.approved else '{}' end
          from wanted w where u.migration = $1 and u.selection = $2 and u.account_from = w.f and u.account_to = w.t
            and ($6::int[] is null or u.n = any ($6)) returning u.n)
       select n from added union all select n from called order by n`,
      [migration, selection, accounts.map((a) => a.from), accounts.map((a) => a.to), run, ...onlyOf(only)],
    );
    return rows.map((row) => row.n);
  });
}

const onlyOf = (only: readonly number[] | 'begun' | undefined): [readonly number[] | null, boolean] =>
  only === 'begun' ? [null, true] : [only ?? null, false];

/** A unit as a run has called it. */
export interface CalledUnit extends UnitRow {
  /** What items and surveys remember the run by. */
  readonly runId: number;
  /** No other unit was called to the run. */
  readonly alone: boolean;
  /** The first of the run's units over its pairing, which may be itself. */
  readonly firstOfPairing: number;
}

/** The units of these numbers that a migration has, in their order. Throws where it has no such run. */
export async function readCalledUnits(
  sql: Sql,
  { migration, run }: { readonly migration: string; readonly run: number },
  numbers: readonly number[],
): Promise<CalledUnit[]> {
  const { rows } = await sql.query<CalledUnit & { runId: number | null }>({
    name: 'called-units',
    text: `with called as (select ${COLUMNS} from unit where migration = $1 and n = any($3)),
       firsts as (
         select pairing, min(n) as first from unit
         where migration = $1 and run = $2 and pairing in (select pairing from called) group by pairing)
     select called.*, (select id from run where migration = $1 and number = $2) as "runId",
       (select count(*) from (select from unit where migration = $1 and run = $2 limit 2) two) < 2 as alone,
       coalesce(firsts.first, n) as "firstOfPairing"
     from called left join firsts using (pairing) order by n`,
    values: [migration, run, numbers],
  });
  if (rows[0]?.runId === null) throw new Fault('internal', `the ledger knows no run ${run} of "${migration}"`);
  return rows;
}

export async function listUnits(sql: Sql, migration: string): Promise<UnitRow[]> {
  const { rows } = await sql.query<UnitRow>(`select ${COLUMNS} from unit where migration = $1 order by n`, [migration]);
  return rows;
}

/** Notes the pairing of a unit, or that of its other direction. */
export async function bindUnit(
  sql: Sql,
  migration: string,
  n: number,
  pairing: number,
  direction: 'forward' | 'reverse' = 'forward',
): Promise<void> {
  const column = direction === 'reverse' ? 'back' : 'pairing';
  await sql.query(`update unit set ${column} = $3 where migration = $1 and n = $2`, [migration, n, pairing]);
}

/** That of each direction which has been opened, the first one first; empty before. */
export const pairingsOf = ({ pairing, back }: Pick<UnitRow, 'pairing' | 'back'>): number[] =>
  [pairing, back].filter((one) => one !== null);

/** Of a unit by its number. */
export async function readPairings(sql: Sql, migration: string, n: number): Promise<readonly number[]> {
  const { rows } = await sql.query<Pick<UnitRow, 'pairing' | 'back'>>(
    'select pairing, back from unit where migration = $1 and n = $2',
    [migration, n],
  );
  return rows.flatMap(pairingsOf);
}

/** Units that had not ended when their run was do not wait any more, for a person or for their turn. */
export async function endOpenUnits(ledger: Ledger, migration: string, run: number): Promise<void> {
  await ledger.pool.query(
    `update unit set state = 'cancelled', gate = null, next = null, retry_at = null, changed_at = now()
     where migration = $1 and run = $2 and state in ('waiting', 'running', 'parked')`,
    [migration, run],
  );
}

export interface UnitStanding {
  readonly n: number;
  readonly selection: string;
  readonly from: string;
  readonly to: string;
  readonly state: UnitState;
  readonly gate: Gate | null;
  readonly reason: string | null;
  readonly next: string | null;
  /** In milliseconds since the epoch. */
  readonly retryAt: number | null;
}

/** Where the units stand that were called to a run. */
export async function unitsOfRun(sql: Sql, migration: string, run: number): Promise<UnitStanding[]> {
  const { rows } = await sql.query<UnitStanding>(
    `select n, selection, account_from as "from", account_to as "to", state, gate, reason, next, (extract(epoch from retry_at) * 1000)::bigint as "retryAt"
     from unit where migration = $1 and run = $2 order by n`,
    [migration, run],
  );
  return rows;
}

/** Another unit of this run over the same pairing: an overlap nobody could see before the places were proven. */
export async function overlappingUnit(
  sql: Sql,
  migration: string,
  n: number,
  run: number,
  pairing: number,
): Promise<number | undefined> {
  const { rows } = await sql.query<{ n: number }>(
    'select n from unit where migration = $1 and run = $2 and pairing = $3 and n < $4 order by n limit 1',
    [migration, run, pairing, n],
  );
  return rows[0]?.n;
}

/** Lets units start again; for those that are `approved` the gate that each waits at counts as passed. */
export async function reopen(
  sql: Sql,
  migration: string,
  units: readonly number[],
  approved: readonly number[],
): Promise<void> {
  await sql.query(
    `update unit set state = 'waiting', phase = null, gate = null, reason = null, next = null, retry_at = null,
       changed_at = now(),
       approved = case when not n = any($3) or gate is null then approved
         when gate <> 'failures' then approved || gate
         else approved || ('failures:' || coalesce((counters->>'failures')::int, 0) - coalesce((counters->>'conflicts')::int, 0)) end
     where migration = $1 and n = any($2)`,
    [migration, units, approved],
  );
}

/** How many failures a person has let pass; any number where an earlier version wrote that down. */
export function failuresPassed({ approved }: Pick<UnitRow, 'approved'>): number {
  return approved.reduce((most, gate) => {
    const [name, count = Infinity] = gate.split(':');
    return name === 'failures' ? Math.max(most, Number(count)) : most;
  }, 0);
}

export interface UnitChange {
  readonly state?: UnitState;
  readonly phase?: string;
  readonly gate?: Gate | null;
  readonly reason?: string | null;
  readonly next?: string | null;
  readonly approved?: readonly string[];
  readonly counters?: Counters;
  readonly idleSlices?: number;
  /** In milliseconds since the epoch. */
  readonly retryAt?: number | null;
}

/** False: a later run has called the unit, and it is none of this one's business any more. */
export async function changeUnit(
  sql: Sql,
  { migration, run, unit: n }: { readonly migration: string; readonly run: number; readonly unit: number },
  change: UnitChange,
): Promise<boolean> {
  const { rowCount } = await sql.query(
    // A slice that outlives its workflow, or is done once more because somebody reset that, opens no unit that has ended.
    `update unit set state = case when $3 = 'running' and state not in ('waiting', 'running') then state
         else coalesce($3, state) end, phase = coalesce($4, phase),
       gate = case when $5 then $6 else gate end, reason = case when $7 then $8 else reason end,
       next = case when $9 then $10 else next end, approved = coalesce($11::text[], approved),
       counters = coalesce($12, counters), idle_slices = coalesce($13, idle_slices),
       retry_at = case when $14 then to_timestamp($15::float8 / 1000) else retry_at end, changed_at = now()
     where migration = $1 and n = $2 and run = $16`,
    [
      migration,
      n,
      change.state ?? null,
      change.phase ?? null,
      change.gate !== undefined,
      change.gate ?? null,
      change.reason !== undefined,
      change.reason ?? null,
      change.next !== undefined,
      change.next ?? null,
      change.approved ?? null,
      change.counters === undefined ? null : JSON.stringify(change.counters),
      change.idleSlices ?? null,
      change.retryAt !== undefined,
      change.retryAt ?? null,
      run,
    ],
  );
  return rowCount === 1;
}
