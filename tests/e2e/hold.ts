/** Holds rows or tables of the ledger, so that an activity hangs at a known place until the test lets it go. */
import type { Ledger } from '../../ledger/ledger.js';

export interface Held {
  /** Resolves when somebody waits for what is held. */
  waitedFor(): Promise<void>;
  release(): Promise<void>;
}

export async function hold(ledger: Ledger, statement: string, values: readonly unknown[] = []): Promise<Held> {
  const client = await ledger.pool.connect();
  await client.query('begin');
  await client.query(statement, [...values]);
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  const blocked = 'select from pg_stat_activity where $1 = any (pg_blocking_pids(pid))';
  return {
    async waitedFor() {
      while ((await ledger.pool.query(blocked, [rows[0]?.pid])).rowCount === 0)
        await new Promise((go) => setTimeout(go, 20));
    },
    async release() {
      await client.query('rollback');
      client.release();
    },
  };
}

/** The run cannot be opened: for migrations that have had a run. */
export const holdPrepare = (ledger: Ledger, name: string): Promise<Held> =>
  hold(ledger, 'select from migration where name = $1 for update', [name]);

/** The run cannot be closed. */
export const holdFinish = (ledger: Ledger, name: string): Promise<Held> =>
  hold(ledger, "select from run where migration = $1 and state = 'running' for update", [name]);

/** The gates that are open now cannot be closed. */
export const holdGates = (ledger: Ledger, name: string): Promise<Held> =>
  hold(ledger, 'select from gate where migration = $1 and closed_at is null for update', [name]);

/** What became of the unit cannot be written down. */
export const holdUnit = (ledger: Ledger, name: string, n: number): Promise<Held> =>
  hold(ledger, 'select from unit where migration = $1 and n = $2 for update', [name, n]);

/** Reports cannot be written, of no migration. */
export const holdReports = (ledger: Ledger): Promise<Held> =>
  hold(ledger, 'lock table outcome in access exclusive mode');
