/** A real ledger for a test file: an empty database of its own, on the one PostgreSQL of all test files. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import type { Ledger } from '../../ledger/ledger.js';
import { openLedger } from '../../ledger/ledger.js';
import '../tiers/one-postgres.js';

export interface LedgerServer {
  readonly url: string;
  readonly ledger: Ledger;
  /** Empties every table. */
  clear(): Promise<void>;
  stop(): Promise<void>;
}

/** Roles, sessions and settings belong to all test files: who changes those starts a server (`startPostgres`). */
export async function startLedger(): Promise<LedgerServer> {
  const migrated = inject('migratedLedgerUrl');
  if (migrated === undefined) {
    throw new Error('this test file is in the tier `quick`, which has no ledger: name it `….real.test.ts`');
  }
  const url = new URL(migrated);
  const template = url.pathname.slice(1);
  const name = `ledger_${randomUUID().replaceAll('-', '')}`;
  url.pathname = `/${name}`;
  await onServer(migrated, `create database ${name} template ${template}`);
  const ledger = openLedger(url.href);
  return {
    url: url.href,
    ledger,
    async clear() {
      const { rows } = await ledger.pool.query<{ name: string }>(
        `select tablename as name from pg_tables where schemaname = 'public' and tablename <> 'ledger_version'`,
      );
      await ledger.pool.query(`truncate ${rows.map((row) => row.name).join(', ')} restart identity cascade`);
    },
    async stop() {
      await ledger.close();
      await onServer(migrated, `drop database ${name} with (force)`);
    },
  };
}

/** Runs a statement beside all databases that are copied or dropped. */
async function onServer(anyUrl: string, statement: string): Promise<void> {
  const url = new URL(anyUrl);
  url.pathname = '/postgres';
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
