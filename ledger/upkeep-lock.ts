/** One worker at a time prunes or forgets. */
import type pg from 'pg';
import { faultOf } from './faults.js';
import type { Ledger } from './ledger.js';

/** Any number that no other lock has (migrate.ts), the same in all versions. */
const LOCK = 7_340_982;

/**
 * Runs `work` while this connection holds the lock; undefined at once when another has it. A connection that breaks
 * lets another begin meanwhile: what both remove is the same.
 */
export async function alone<T>(ledger: Ledger, work: () => Promise<T>): Promise<{ readonly done: T } | undefined> {
  const client: pg.PoolClient = await ledger.pool.connect().catch((error: unknown) => {
    throw faultOf(error);
  });
  let broken: Error | undefined;
  const onError = (error: Error): void => {
    broken = error;
  };
  client.on('error', onError);
  try {
    const { rows } = await client.query<{ held: boolean }>('select pg_try_advisory_lock($1) as held', [LOCK]);
    if (!rows[0]?.held) return undefined;
    try {
      return { done: await work() };
    } finally {
      await client.query('select pg_advisory_unlock($1)', [LOCK]).catch((error: Error) => onError(error));
    }
  } finally {
    client.off('error', onError);
    client.release(broken);
  }
}
