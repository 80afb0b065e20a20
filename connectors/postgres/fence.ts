/**
 * What became of a batch whose answer was lost? A COMMIT that a dead worker sent may still be on its way, or wait for a
 * replica. So each batch holds a shared advisory lock from its first statement to its end, and whoever must know waits
 * until nobody holds it: then every batch is there, or never will be.
 */
import { createHash } from 'node:crypto';
import { Fault } from '../errors.js';
import type { Database } from './database.js';
import { ABANDONED_SECONDS } from './database.js';
import type { Table } from './table.js';

/** To be sent with the BEGIN of a batch. */
export function holding(table: Table): string {
  return `select pg_advisory_xact_lock_shared(${lockOf(table)})`;
}

/** Returns once no batch of an earlier session is open. The server ends abandoned ones itself. */
export async function settled(database: Database, table: Table, signal: AbortSignal): Promise<void> {
  const wait = `set local lock_timeout = '${ABANDONED_SECONDS * 2}s'; select pg_advisory_xact_lock(${lockOf(table)})`;
  try {
    await database.transaction(signal, wait, async () => {});
  } catch (error) {
    if (!(error instanceof Fault) || (error.cause as { code?: string } | undefined)?.code !== LOCK_TIMEOUT) throw error;
    throw new Fault('unavailable', `${database.system}: a batch of an earlier session is still open`, {
      next: 'end the sessions named drover in pg_stat_activity, or wait until the server does',
      cause: error,
    });
  }
}

const LOCK_TIMEOUT = '55P03';

/** One for the rows of one account in one table; advisory locks are those of a database. */
function lockOf({ sql, owner }: Table): string {
  const name = JSON.stringify(['drover contacts', sql, owner?.value ?? null]);
  return createHash('sha256').update(name).digest().readBigInt64BE(0).toString();
}
