/** Starts one PostgreSQL for all test files of a tier; each takes a copy of the migrated ledger (tests/engine/ledger.ts). */
import type { TestProject } from 'vitest/node';
import { openLedger } from '../../ledger/ledger.js';
import { migrateLedger } from '../../ledger/migrate.js';
import { startPostgres } from '../servers/postgres.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** The database that is copied. Nobody may be connected to it while it is. */
    migratedLedgerUrl: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const postgres = await startPostgres();
  const ledger = openLedger(postgres.url);
  await migrateLedger(ledger);
  await ledger.close();
  project.provide('migratedLedgerUrl', postgres.url);
  return () => postgres.stop();
}
