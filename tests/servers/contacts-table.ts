/** A real PostgreSQL with tables of contacts, as a test opens them. */
import pg from 'pg';
import type { Source, Target } from '../../connectors/contract.js';
import { Database } from '../../connectors/postgres/database.js';
import type { PostgresOptions } from '../../connectors/postgres/manifest.js';
import { createPostgresSource } from '../../connectors/postgres/source.js';
import { createPostgresTarget } from '../../connectors/postgres/target.js';
import { startPostgres } from './postgres.js';
// In a worker, too, the ledger decides how the driver reads 64-bit numbers.
import '../../ledger/ledger.js';

export interface ContactsServer {
  /** Runs statements as the owner of the database, which is empty but for what a test makes in it, and answers the rows of the last. */
  sql<R = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<R[]>;
  readonly pool: pg.Pool;
  source(options?: Options): Source<Buffer>;
  target(options?: Options): Target<Buffer>;
  stop(): Promise<void>;
}

/** Without `columns` and `table` the documented table. */
export type Options = Partial<PostgresOptions> & { readonly account?: string; readonly password?: string };

export async function startContactsServer(): Promise<ContactsServer> {
  // Not the one of all ledgers: tests of tables make roles, and end sessions.
  const server = await startPostgres();
  const url = new URL(server.url);
  const owner = new pg.Client({ connectionString: url.href });
  await owner.connect();
  await owner.query('create database people');
  await owner.end();
  url.pathname = '/people';
  const pool = new pg.Pool({ connectionString: url.href });
  // An idle connection may be cut by a test, or by the end of the server: the next statement takes another.
  pool.on('error', () => {});
  const open = ({ account = 'anna', password, ...more }: Options = {}): Database => {
    const options: PostgresOptions = {
      host: url.hostname,
      port: Number(url.port),
      database: url.pathname.slice(1),
      tls: 'none',
      auth: { username: decodeURIComponent(url.username), password: { env: 'X' } },
      ...more,
    };
    const secret = async () => password ?? decodeURIComponent(url.password);
    return new Database(options, { account, kind: 'contacts', secret });
  };
  return {
    pool,
    async sql<R>(text: string, values: readonly unknown[] = []) {
      return (await pool.query(text, [...values])).rows as R[];
    },
    source: (options) => createPostgresSource(open(options)),
    target: (options) => createPostgresTarget(open(options)),
    async stop() {
      await pool.end();
      await server.stop();
    },
  };
}
