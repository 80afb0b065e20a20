/** The ledger's connection pools and its transactions. */
import pg from 'pg';
import { faultOf } from './faults.js';

export type Sql = pg.Pool | pg.PoolClient;

export interface Ledger {
  readonly pool: pg.Pool;
  /**
   * Connections of their own for what must not wait behind the work: taking, renewing and releasing leases and slots.
   * Work that holds all of the pool's connections would else lose the lease it works under.
   */
  readonly renewals: pg.Pool;
  /** Runs `work` in one transaction; rolls back when it throws. */
  transaction<T>(work: (sql: pg.PoolClient) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

// int8 as a number: ids, byte counts and totals stay below 2^53.
pg.types.setTypeParser(20, Number);

/** A second one takes over when the first hangs on a connection that died unnoticed. */
export const RENEWAL_CONNECTIONS = 2;
/** A renewal that takes longer comes too late: its connection is given up, and the next one has another. In milliseconds. */
const RENEWAL_TIMEOUT_MS = 5_000;

/**
 * Opens the pools: at most `max` connections (10 if not given) and RENEWAL_CONNECTIONS more. Connects at the first query;
 * `migrateLedger` is called once by the worker. What the driver throws leaves here as `Fault('unavailable')` where
 * the server is lost, restarting or overwhelmed, and as it is where PostgreSQL refuses the statement.
 */
export function openLedger(url: string, options: { readonly max?: number; readonly connectMs?: number } = {}): Ledger {
  const shared = {
    connectionString: url,
    ...(options.connectMs !== undefined && { connectionTimeoutMillis: options.connectMs }),
  };
  const pool = openPool({ ...shared, max: options.max ?? 10 });
  const renewals = openPool({
    ...shared,
    max: RENEWAL_CONNECTIONS,
    query_timeout: RENEWAL_TIMEOUT_MS,
  });
  return {
    pool,
    renewals,
    async transaction(work) {
      const client = await pool.connect().catch(rethrown);
      let broken: Error | undefined;
      // A server that goes away between two statements must not end the process: the next statement reports it.
      const onError = (error: Error): void => {
        broken = error;
      };
      client.on('error', onError);
      try {
        await client.query('begin');
        const result = await work(client);
        await client.query('commit');
        return result;
      } catch (error) {
        await client.query('rollback').catch((failure: Error) => {
          broken = failure;
        });
        throw error;
      } finally {
        client.off('error', onError);
        client.release(broken);
      }
    },
    async close() {
      await Promise.all([pool.end(), renewals.end()]);
    },
  };
}

function openPool(config: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool({
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    ...config,
  });
  // A connection that breaks while idle is replaced by the pool; the query that needs one reports the failure.
  pool.on('error', () => {});
  // A pool's own query goes through callbacks of its clients: both are watched, each once.
  pool.on('connect', watch);
  watch(pool);
  return pool;
}

/** What its queries throw from now on are faults, where they are faults. */
function watch(queried: { query: unknown }): void {
  const plain = queried.query as (...args: unknown[]) => unknown;
  queried.query = (...args: unknown[]): unknown => {
    const answer = plain.apply(queried, args);
    return answer instanceof Promise ? answer.catch(rethrown) : answer;
  };
}

function rethrown(error: unknown): never {
  throw faultOf(error);
}
