/** Leases with fencing: one slice of work at a time writes to a target place, and only its results count. */

import type pg from 'pg';
import { Fault } from '../connectors/errors.js';
import type { Ledger, Sql } from './ledger.js';

export interface Lease {
  readonly place: number;
  readonly fence: number;
  /** Compared too: a server that was behind when it took over gives the same number out again. */
  readonly holder: string;
}

/** What a renewal brings back. */
export interface Control {
  readonly paused: boolean;
  readonly stopped: boolean;
  readonly tuning: Tuning;
}

export interface TakenLease extends Lease {
  /** Undefined where the migration is not known. */
  readonly control: Control | undefined;
}

/** What `migrate retune` may change while a migration runs. */
export interface Tuning {
  /** Units at once: only the workflow goes by it. */
  readonly lanes?: number;
  /** Open connections to each system, and for each account, over all workers. */
  readonly connections?: number;
  readonly connectionsPerAccount?: number;
  readonly itemsPerSecond?: number;
  readonly bytesPerSecond?: number;
}

/**
 * Takes the lease for `leaseMs`, by the database's clock, and reads what a person wants of the migration; undefined while
 * somebody else holds it.
 */
export async function takeLease(
  ledger: Ledger,
  place: number,
  holder: string,
  leaseMs: number,
  migration?: string,
): Promise<TakenLease | undefined> {
  const { rows } = await ledger.renewals.query<Control & { fence: number }>({
    name: 'take-lease',
    text: `with taken as (
       insert into lease (place, fence, holder, until)
       values ($1, 1, $2, clock_timestamp() + $3 * interval '1 ms')
       on conflict (place) do update
         set fence = lease.fence + 1, holder = excluded.holder, until = excluded.until
         where lease.until < clock_timestamp()
       returning fence)
     select fence, paused, stopped, tuning from taken left join migration on name = $4`,
    values: [place, holder, leaseMs, migration ?? null],
  });
  if (!rows[0]) return undefined;
  const { fence, ...control } = rows[0];
  return { place, fence, holder, control: control.tuning ? control : undefined };
}

/** Renews the lease for `leaseMs` from now, and reads what a person wants. Undefined: the lease is lost, stop at once. */
export async function renewLease(
  ledger: Ledger,
  lease: Lease,
  migration: string,
  leaseMs: number,
): Promise<Control | undefined> {
  const { rows } = await ledger.renewals.query<Control>({
    name: 'renew-lease',
    text: `with held as (
       update lease set until = clock_timestamp() + $4 * interval '1 ms'
       where place = $1 and fence = $2 and holder = $3 and until > clock_timestamp() returning 1)
     select paused, stopped, tuning from migration where name = $5 and exists (select from held)`,
    values: [lease.place, lease.fence, lease.holder, leaseMs, migration],
  });
  return rows[0];
}

/** Ends the lease so that the next slice need not wait. Harmless when it was lost. */
export async function releaseLease(ledger: Ledger, lease: Lease): Promise<void> {
  await ledger.renewals.query(
    'update lease set until = clock_timestamp() where place = $1 and fence = $2 and holder = $3',
    [lease.place, lease.fence, lease.holder],
  );
}

/** Runs `work` in a transaction that commits only while the lease is held: nobody can take it meanwhile. */
export function fenced<T>(ledger: Ledger, lease: Lease, work: (sql: pg.PoolClient) => Promise<T>): Promise<T> {
  return ledger.transaction(async (sql) => {
    await holdLease(sql, lease);
    return work(sql);
  });
}

/**
 * One statement that counts only while the lease is held, like a transaction of `fenced`, in one round trip. It changes
 * something where `exists (select from held)`; its values are numbered from $4 on.
 */
export async function fencedStatement(
  ledger: Ledger,
  lease: Lease,
  statement: { readonly name: string; readonly text: string; readonly values: readonly unknown[] },
): Promise<void> {
  const { rows } = await ledger.pool.query<{ held: boolean }>({
    name: statement.name,
    text: `with held as (select from lease ${IS_HELD}), done as (${statement.text}) select exists (select from held) as held`,
    values: [lease.place, lease.fence, lease.holder, ...statement.values],
  });
  if (!rows[0]?.held) throw lost();
}

/**
 * Who is stopped in the middle of the transaction, or lost its power, holds the row that others want to take over. So the
 * server ends a transaction that is silent for so long.
 */
const SILENT = '5s';

async function holdLease(sql: Sql, lease: Lease): Promise<void> {
  const { rowCount } = await sql.query({
    name: 'hold-lease',
    text: `select set_config('idle_in_transaction_session_timeout', '${SILENT}', true) from lease ${IS_HELD}`,
    values: [lease.place, lease.fence, lease.holder],
  });
  if (rowCount !== 1) throw lost();
}

const IS_HELD = 'where place = $1 and fence = $2 and holder = $3 and until > clock_timestamp() for share';

function lost(): Fault {
  return new Fault('unavailable', 'the lease on the target account was lost, so this result does not count', {
    next: 'another slice of work carries on; nothing to do',
  });
}
