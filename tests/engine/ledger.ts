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
    clear: () => empty(ledger),
    async stop() {
      await ledger.close();
      await onServer(migrated, `drop database ${name} with (force)`);
    },
  };
}

/** Row by row: `truncate` makes new files for each table and index, which takes twenty times as long. */
async function empty(ledger: Ledger): Promise<void> {
  const { rows } = await ledger.pool.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public' and tablename <> 'ledger_version'`,
  );
  await ledger.transaction(async (sql) => {
    // Foreign keys are not checked meanwhile, so that the order does not matter.
    await sql.query('set local session_replication_role = replica');
    await sql.query(rows.map(({ name }) => `delete from ${name}`).join('; '));
    await sql.query(
      `select setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false) from pg_sequences where schemaname = 'public'`,
    );
  });
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
