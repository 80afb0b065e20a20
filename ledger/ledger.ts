/** The ledger's connection pool and its transactions. */
import pg from 'pg';
import { Fault } from '../connectors/errors.js';

export type Sql = pg.Pool | pg.PoolClient;

export interface Ledger {
  readonly pool: pg.Pool;
  /** Runs `work` in one transaction; rolls back when it throws. */
  transaction<T>(work: (sql: pg.PoolClient) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

// int8 as a number: ids, byte counts and totals stay below 2^53.
pg.types.setTypeParser(20, Number);

/** Opens a pool. Connects at the first query; `migrateLedger` is called once by the worker. */
export function openLedger(url: string, options: { readonly max?: number } = {}): Ledger {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.max ?? 10,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
  });
  // A connection that breaks while idle is replaced by the pool; the query that needs one reports the failure.
  pool.on('error', () => {});
  return {
    pool,
    async transaction(work) {
      const client = await connect(pool);
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
        throw asFault(error);
      } finally {
        client.off('error', onError);
        client.release(broken);
      }
    },
    close: () => pool.end(),
  };
}

async function connect(pool: pg.Pool): Promise<pg.PoolClient> {
  try {
    return await pool.connect();
  } catch (error) {
    throw asFault(error);
  }
}

/** PostgreSQL's error classes that mean "not now": connection, resources, operator intervention, serialization. */
const PASSING = /^(08|40|53|57)/;

/** A lost or restarting server is `unavailable`; what else PostgreSQL says is ours to mend. */
export function asFault(error: unknown): unknown {
  if (error instanceof Fault) return error;
  const code = (error as { code?: unknown } | undefined)?.code;
  const passing =
    typeof code === 'string'
      ? PASSING.test(code) || !/^[0-9A-Z]{5}$/.test(code)
      : error instanceof Error && /terminat|timeout|ECONN|Connection/.test(error.message);
  if (!passing) return error;
  return new Fault('unavailable', `the ledger did not answer: ${(error as Error).message}`, {
    next: 'check that PostgreSQL runs and that DROVER_LEDGER_URL names it',
    cause: error,
  });
}
