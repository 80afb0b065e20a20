/** Which version of the workflows' code everything open belongs to: worker/cut.ts. */
import type { JsonObject } from '../connectors/contract.js';
import type { RunReason } from '../words/runs.js';
import type { Ledger, Sql } from './ledger.js';

/** Any number, the same in all versions: workers that start together take turns. */
const LOCK = 7_340_983;

export interface Cut {
  /** What is to be started again, as it was written down before anything was ended. */
  readonly open: readonly JsonObject[];
  readonly isMade: boolean;
}

/** Runs `work` while no other worker makes a cut. */
export async function whileCutting<T>(ledger: Ledger, work: () => Promise<T>): Promise<T> {
  return ledger.transaction(async (sql) => {
    await sql.query('select pg_advisory_xact_lock($1)', [LOCK]);
    return work();
  });
}

/** Which cut: of what workers of one queue have open. */
export interface CutOf {
  readonly version: number;
  readonly queue: string;
}

export async function readCut(sql: Sql, { version, queue }: CutOf): Promise<Cut | undefined> {
  const { rows } = await sql.query<Cut>(
    'select open, made_at is not null as "isMade" from workflow_cut where version = $1 and queue = $2',
    [version, queue],
  );
  return rows[0];
}

export async function noteCut(
  sql: Sql,
  { version, queue }: CutOf,
  open: readonly JsonObject[],
  isMade: boolean,
): Promise<void> {
  await sql.query(
    `insert into workflow_cut (version, queue, open, made_at) values ($1, $2, $3, case when $4 then now() end)
     on conflict (version, queue) do update set open = excluded.open, made_at = excluded.made_at`,
    [version, queue, JSON.stringify(open), isMade],
  );
}

export interface OpenRun {
  readonly migration: string;
  readonly request: string;
  readonly reason: RunReason;
  readonly spec: string;
  readonly schedule: string | null;
}

/** Runs that have not ended, of one migration each: of several the latest. */
export async function openRuns(sql: Sql): Promise<OpenRun[]> {
  const { rows } = await sql.query<OpenRun>(
    `select distinct on (migration) migration, request, reason, spec, schedule from run
     where state = 'running' order by migration, number desc`,
  );
  return rows;
}

/** Which of these requests have led to a run already. */
export async function knownRequests(sql: Sql, migration: string, requests: readonly string[]): Promise<Set<string>> {
  const { rows } = await sql.query<{ request: string }>(
    'select request from run where migration = $1 and request = any($2)',
    [migration, requests],
  );
  return new Set(rows.map(({ request }) => request));
}
