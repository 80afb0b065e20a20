/** A run that is open while its ledger is brought up to date: its workflow goes on, and does not open it again. */
import { randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Ledger } from '../../ledger/ledger.js';
import { openLedger } from '../../ledger/ledger.js';
import { migrateLedger } from '../../ledger/migrate.js';
import { addToSum } from '../../ledger/sums.js';
import { assertCountsKept } from './kept-counts.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';

const FOLDER = new URL('../../ledger/migrations/', import.meta.url);
/** The last migration before the sums. */
const BEFORE = 16;
let server: LedgerServer;
let old: Ledger;
let name: string;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());
beforeEach(async () => {
  name = `old_${randomUUID().replaceAll('-', '')}`;
  await server.ledger.pool.query(`create database ${name}`);
  const url = new URL(server.url);
  url.pathname = `/${name}`;
  old = openLedger(url.href);
  await old.pool.query(
    'create table ledger_version (version int primary key, name text, applied_at timestamptz default now())',
  );
  for (const file of (await readdir(fileURLToPath(FOLDER))).sort().slice(0, BEFORE)) {
    await old.pool.query(await readFile(new URL(file, FOLDER), 'utf8'));
    const version = Number(file.slice(0, 4));
    await old.pool.query('insert into ledger_version (version, name) values ($1, $2)', [version, file]);
  }
  await old.pool.query(`
    insert into spec (hash, name, body) values ('h', 'acme', '{}');
    insert into migration (name, spec, last_run) values ('acme', 'h', 2);
    insert into run (migration, number, reason, request, spec, state) values
      ('acme', 1, 'apply', 'a', 'h', 'done'), ('acme', 2, 'apply', 'b', 'h', 'running');`);
});
afterEach(async () => {
  await old.close();
  await server.ledger.pool.query(`drop database ${name} with (force)`);
});

it('has all its units in the sum when the first of them ends', async () => {
  await old.pool.query(`
    insert into unit (migration, n, selection, account_from, account_to, run, counters) values
      ('acme', 1, 's', 'a', 'a', 2, '{"items": 10, "verified": 4}'), ('acme', 2, 's', 'b', 'b', 2, '{"items": 20, "verified": 20}'),
      ('acme', 3, 's', 'c', 'c', 1, '{"items": 99}'), ('acme', 4, 's', 'd', 'd', 2, '{}');`);

  await migrateLedger(old);
  await old.pool.query(`update unit set counters = '{"items": 10, "verified": 10}' where n = 1`);

  const sum = await addToSum(old.pool, { migration: 'acme', run: 2 }, [1]);
  expect(sum).toMatchObject({ totals: { items: 30, verified: 30 } });
});

it('counts right what an older worker writes down meanwhile', async () => {
  await old.pool.query(`
    insert into place (proof, system) values ('memory://a', 'a'), ('memory://b', 'b');
    insert into pairing (source, target, kind) values (1, 2, 'mail');
    insert into unit (migration, n, selection, account_from, account_to, run, pairing) values ('acme', 1, 's', 'a', 'b', 2, 1);
    insert into container (pairing, key, path, validity) values (1, 'k', '{INBOX}', '1');
    insert into survey (container, migration, unit, run) values (1, 'acme', 1, 2);
    insert into item (container, key, version, meta, bytes, run, outcome, proof, target_ref) values (1, 'x', '1', '{}', 10, 2, 'verified', 'readback', '1');`);
  let migrated: Promise<unknown> | undefined;

  await old.transaction(async (sql) => {
    await sql.query(`update item set todo = 'verify'`);
    migrated = migrateLedger(old);
    await Promise.race([migrated, untilOneWaits(old)]);
  });
  await migrated;

  await assertCountsKept(old);
});

/** Waits for a lock of another transaction. */
async function untilOneWaits({ pool }: Ledger): Promise<void> {
  const waits = `select from pg_locks l join pg_stat_activity a using (pid) where a.datname = current_database() and not granted`;
  while ((await pool.query(waits)).rowCount === 0);
}
