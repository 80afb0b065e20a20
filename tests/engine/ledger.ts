/** A real ledger for a test file: PostgreSQL in a temporary folder, migrated. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Ledger } from '../../ledger/ledger.js';
import { openLedger } from '../../ledger/ledger.js';
import { migrateLedger } from '../../ledger/migrate.js';
import { preparePostgresHome } from '../../worker/stack/postgres-home.js';
import { startPostgresServer } from '../../worker/stack/postgres-server.js';

export interface LedgerServer {
  readonly url: string;
  readonly ledger: Ledger;
  /** Empties every table. */
  clear(): Promise<void>;
  stop(): Promise<void>;
}

export async function startLedger(): Promise<LedgerServer> {
  const dir = await mkdtemp(join(tmpdir(), 'drover-ledger-'));
  const home = await preparePostgresHome({ dir, log: () => {} });
  const postgres = await startPostgresServer({ home, dir, env: process.env, signal: new AbortController().signal });
  const ledger = openLedger(postgres.url);
  await migrateLedger(ledger);
  return {
    url: postgres.url,
    ledger,
    async clear() {
      const { rows } = await ledger.pool.query<{ name: string }>(
        `select tablename as name from pg_tables where schemaname = 'public' and tablename <> 'ledger_version'`,
      );
      await ledger.pool.query(`truncate ${rows.map((row) => row.name).join(', ')} restart identity cascade`);
    },
    async stop() {
      await ledger.close();
      await postgres.server.stop();
      await rm(home.data, { recursive: true, force: true });
      await rm(dir, { recursive: true, force: true });
    },
  };
}
