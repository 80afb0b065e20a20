/** Migrations, their runs, and what a person wants of them. */

import { Fault } from '../connectors/errors.js';
import type { Counters } from '../words/counters.js';
import type { RunReason, RunState } from '../words/runs.js';
import type { Control, Tuning } from './leases.js';
import type { Ledger, Sql } from './ledger.js';

/**
 * Opens a run, once for each request: the same request again, after a crash, gives the same number, until that run has
 * ended. Then it is asked for anew. Control left behind by an earlier run is reset, but for a pause.
 */
export async function openRun(
  ledger: Ledger,
  input: {
    readonly migration: string;
    readonly request: string;
    readonly reason: RunReason;
    readonly spec: string;
    readonly schedule?: string;
    /** Temporal's run id of whoever opens it. */
    readonly execution?: string;
  },
): Promise<{ readonly number: number; readonly isPrepared: boolean }> {
  return ledger.transaction(async (sql) => {
    await sql.query(`insert into migration (name, spec) values ($1, $2) on conflict (name) do nothing`, [
      input.migration,
      input.spec,
    ]);
    await sql.query('select from migration where name = $1 for update', [input.migration]);
    const execution = input.execution ?? null;
    const { rows: asked } = await sql.query<{
      number: number;
      state: RunState;
      isPrepared: boolean;
      execution: string | null;
    }>(
      `select number, state, prepared as "isPrepared", execution from run
       where migration = $1 and (request = $2 or starts_with(request, $2 || '#')) order by number desc`,
      [input.migration, input.request],
    );
    if (asked[0]?.state === 'running') {
      // Whoever was to stop it is gone: its workflow was terminated, or reset, before the run was closed.
      await sql.query('update migration set stopped = false where name = $1', [input.migration]);
      await sql.query('update run set execution = $3 where migration = $1 and number = $2', [
        input.migration,
        asked[0].number,
        execution,
      ]);
      return asked[0];
    }
    await refuseLate(sql, input.migration, execution, asked[0]?.execution ?? null);
    const { rows } = await sql.query<{ number: number }>(
      `update migration set spec = $2, stopped = false, last_run = last_run + 1 where name = $1 returning last_run as number`,
      [input.migration, input.spec],
    );
    const number = (rows[0] as { number: number }).number;
    const request = asked.length === 0 ? input.request : `${input.request}#${asked.length + 1}`;
    await sql.query(
      `insert into run (migration, number, reason, request, spec, schedule, execution, prepared)
       values ($1, $2, $3, $4, $5, $6, $7, false)`,
      [input.migration, number, input.reason, request, input.spec, input.schedule ?? null, execution],
    );
    return { number, isPrepared: false };
  });
}

/** Runs of the migration that nobody has closed, older than this one. */
export async function openRunsBefore(sql: Sql, migration: string, run: number): Promise<number[]> {
  const { rows } = await sql.query<{ number: number }>(
    "select number from run where migration = $1 and number < $2 and state = 'running' order by number",
    [migration, run],
  );
  return rows.map(({ number }) => number);
}

/**
 * An execution makes one run after the other. A call of its that comes when the run has ended, or while another is open,
 * was asleep meanwhile: it would take the units from the run that is at work.
 */
async function refuseLate(sql: Sql, migration: string, execution: string | null, ended: string | null): Promise<void> {
  if (execution === null) return;
  const { rowCount } = await sql.query(
    "select from run where migration = $1 and state = 'running' and execution = $2 limit 1",
    [migration, execution],
  );
  if (ended !== execution && rowCount === 0) return;
  throw new Fault('conflict', `this call to open a run of "${migration}" came too late: others have been made since`);
}

/**
 * The run's units are called, and what is asked of them is written down: from now on the ledger knows where it stands. `part`:
 * they are what somebody asked for; null: they are the whole.
 */
export async function markPrepared(
  sql: Sql,
  migration: string,
  run: number,
  part: readonly number[] | null,
): Promise<void> {
  await sql.query('update run set prepared = true, part = $3 where migration = $1 and number = $2', [
    migration,
    run,
    part,
  ]);
}

/** Whether the last `apply` was of a part of its spec. Then the rest of it waits for another. */
export async function isPartApplied(sql: Sql, migration: string): Promise<boolean> {
  const { rows } = await sql.query<{ part: boolean }>(
    `select part is not null as part from run where migration = $1 and reason = 'apply' and prepared order by number desc limit 1`,
    [migration],
  );
  return rows[0]?.part ?? false;
}

/** The latest run that a request has led to; undefined before it was opened. */
export async function runOfRequest(
  sql: Sql,
  migration: string,
  request: string,
): Promise<{ readonly number: number; readonly state: RunState; readonly totals: RunTotals | null } | undefined> {
  const { rows } = await sql.query<{ number: number; state: RunState; totals: RunTotals | null }>(
    `select number, state, totals from run
     where migration = $1 and (request = $2 or starts_with(request, $2 || '#')) order by number desc limit 1`,
    [migration, request],
  );
  return rows[0];
}

/** How a run ended, in numbers. Of ledgers before 0.7 it lacks `arrived`, `bytesArrived` and what is newer. */
export interface RunTotals extends Counters {
  readonly units: number;
  readonly done: number;
  readonly failed: number;
}

/** How a run ended that a later one has followed: its units are that one's now. Undefined where none has. */
export async function followedRun(
  sql: Sql,
  migration: string,
  run: number,
): Promise<{ readonly state: Exclude<RunState, 'running'>; readonly totals: RunTotals } | undefined> {
  const { rows } = await sql.query<{ state: Exclude<RunState, 'running'>; totals: RunTotals }>(
    `select state, totals from run where migration = $1 and number = $2 and state <> 'running' and totals is not null
       and exists (select from run later where later.migration = $1 and later.number > $2)`,
    [migration, run],
  );
  return rows[0];
}

export async function closeRun(
  ledger: Ledger,
  migration: string,
  run: number,
  state: RunState,
  totals: RunTotals,
): Promise<void> {
  await ledger.pool.query(
    `update run set state = $3, totals = $4, ended_at = coalesce(ended_at, now()) where migration = $1 and number = $2`,
    [migration, run, state, JSON.stringify(totals)],
  );
}

/** Sets what the next lease renewals will bring to the slices at work. */
export async function setControl(
  sql: Sql,
  migration: string,
  control: {
    readonly paused?: boolean;
    readonly stopped?: boolean;
    readonly tuning?: Tuning;
    /** Taken back before that. */
    readonly untuned?: readonly string[];
  },
): Promise<void> {
  await sql.query(
    `update migration set paused = coalesce($2, paused), stopped = coalesce($3, stopped), tuning = (tuning - $5::text[]) || $4
     where name = $1`,
    [
      migration,
      control.paused ?? null,
      control.stopped ?? null,
      JSON.stringify(control.tuning ?? {}),
      control.untuned ?? [],
    ],
  );
}

/** What a person wants of a migration now. */
export async function readControl(ledger: Ledger, migration: string): Promise<Control> {
  const { rows } = await ledger.pool.query<Control>('select paused, stopped, tuning from migration where name = $1', [
    migration,
  ]);
  return rows[0] ?? { paused: false, stopped: false, tuning: {} };
}
