/** A ledger of 0.3, whose containers knew what was surveyed: each unit has that as its own afterwards. */
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Ledger } from '../../ledger/ledger.js';
import { openLedger } from '../../ledger/ledger.js';
import { migrateLedger } from '../../ledger/migrate.js';
import { openRun } from '../../ledger/runs.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';

const FOLDER = new URL('../../ledger/migrations/', import.meta.url);
let server: LedgerServer;
let old: Ledger;
beforeAll(async () => {
  server = await startLedger();
  await server.ledger.pool.query('create database old');
  const url = new URL(server.url);
  url.pathname = '/old';
  old = openLedger(url.href);
});
afterAll(async () => {
  await old.close();
  await server.stop();
});

/** The tables of 0.3. */
async function makeOld(): Promise<void> {
  await old.pool.query(
    'create table ledger_version (version int primary key, name text, applied_at timestamptz default now())',
  );
  for (const name of (await readdir(fileURLToPath(FOLDER))).sort().slice(0, 3)) {
    await old.pool.query(await readFile(new URL(name, FOLDER), 'utf8'));
    await old.pool.query('insert into ledger_version (version, name) values ($1, $2)', [
      Number(name.slice(0, 4)),
      name,
    ]);
  }
}

it('gives every unit of a pairing, in both directions, what its containers knew', async () => {
  await makeOld();
  await old.pool.query(`
    insert into place (proof, system) values ('memory://a', 'a'), ('memory://b', 'b'), ('memory://c', 'c');
    insert into pairing (source, target, kind) values (1, 2, 'contacts'), (2, 1, 'contacts'), (1, 3, 'mail');
    insert into spec (hash, name, body) values ('h', 'n', '{}');
    insert into migration (name, spec, last_run) values ('sync', 'h', 7), ('pilot', 'h', 2), ('real', 'h', 2);
    insert into run (migration, number, reason, request, spec) values
      ('sync', 7, 'apply', 'a', 'h'), ('pilot', 2, 'apply', 'b', 'h'), ('real', 2, 'apply', 'c', 'h');
    insert into unit (migration, n, selection, account_from, account_to, run, pairing, back) values
      ('sync', 1, 's', 'a', 'b', 7, 1, 2), ('pilot', 1, 's', 'a', 'c', 2, 3, null), ('real', 4, 's', 'a', 'c', 2, 3, null);
    insert into container (pairing, key, path, validity, token, filter, excluded, surveyed_run, listing_token, listing_after)
    values (1, 'k', '{Book}', '1', 't1', 'f1', 5, 7, null, null), (2, 'k', '{Book}', '1', 't2', 'f2', 0, 7, null, null),
      (3, 'k', '{INBOX}', '1', 't3', 'f3', 0, 2, 'later', '0100');
    insert into item (container, key, version, meta, bytes, run) values (1, 'x', '1', '{}', 10, 7);`);

  await migrateLedger(old);

  const { rows } = await old.pool.query(
    'select container, migration, unit, token, filter, excluded, run, listing_run, listing_after from survey order by 1, 2',
  );
  const listing = { listing_run: null, listing_after: null };
  expect(rows).toEqual([
    { container: 1, migration: 'sync', unit: 1, token: 't1', filter: 'f1', excluded: 5, run: 7, ...listing },
    { container: 2, migration: 'sync', unit: 1, token: 't2', filter: 'f2', excluded: 0, run: 7, ...listing },
    // Which of the two surveyed it is not known.
    { container: 3, migration: 'pilot', unit: 1, token: 't3', filter: 'f3', excluded: 0, run: 0, ...listing },
    { container: 3, migration: 'real', unit: 4, token: 't3', filter: 'f3', excluded: 0, run: 0, ...listing },
  ]);
  // Runs of before keep their number; those to come share theirs with nobody.
  const next = await openRun(old, { migration: 'pilot', request: 'd', reason: 'apply', spec: 'h' });
  const runs = await old.pool.query('select migration, number, id from run order by id, migration');
  expect(next).toEqual({ number: 3, isPrepared: false });
  expect(runs.rows).toEqual([
    { migration: 'pilot', number: 2, id: 2 },
    { migration: 'real', number: 2, id: 2 },
    { migration: 'sync', number: 7, id: 7 },
    { migration: 'pilot', number: 3, id: 8 },
  ]);
});
