/** Counters are right whatever the ledger's operations do, in whatever order. */
import { readdir, readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { assertCountsKept } from '../tests/engine/kept-counts.js';
import type { LedgerServer } from '../tests/engine/ledger.js';
import { startLedger } from '../tests/engine/ledger.js';
import type { Step } from '../tests/engine/ledger-steps.js';
import { anyStep, coverSmallUnit, OPERATIONS, writeSmallUnit } from '../tests/engine/ledger-steps.js';
import { foldCounts } from './counts.js';
import { forgetItems, settleItems, stageItems } from './items.js';
import type { Ledger, Sql } from './ledger.js';
import { openLedger } from './ledger.js';
import { migrateLedger } from './migrate.js';

let server: LedgerServer;
let ledger: Ledger;
beforeAll(async () => {
  server = await startLedger();
  ledger = server.ledger;
});
afterAll(() => server.stop());
beforeEach(async () => {
  await server.clear();
  await writeSmallUnit(ledger.pool);
  await coverSmallUnit(ledger.pool);
});

/** What the ledger refuses, e.g. two items with one copy, is rolled back with all it did. */
const REFUSED = ['21000', '23505'];

async function take(step: Step): Promise<void> {
  try {
    await ledger.transaction(async (sql) => OPERATIONS[step.name]?.(sql, step));
  } catch (error) {
    if (!REFUSED.includes((error as { code: string }).code)) throw error;
  }
}

it('keeps counters through any sequence of operations', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { minLength: 5, maxLength: 30 }), async (steps) => {
      await server.clear();
      await writeSmallUnit(ledger.pool);
      await coverSmallUnit(ledger.pool);
      for (const step of steps) {
        await take(step);
        await assertCountsKept(ledger);
      }
    }),
    { numRuns: 40 },
  );
});

it('keeps counters when one statement deletes some items and updates others', async () => {
  const step = { name: 'stage', keys: ['A'], container: 1, run: 1, pick: 0 };
  await take(step);
  await settle(ledger.pool, 1, ['A']);
  await ledger.pool.query(`update item set gone = true`);
  await take({ ...step, keys: ['a'] });

  await take({ ...step, name: 'take over' });

  const { rows } = await ledger.pool.query('select key, todo from item');
  expect(rows).toEqual([{ key: 'a', todo: 'move' }]);
  await assertCountsKept(ledger);
});

it('lets connections that change the same containers in opposite order both go on', async () => {
  for (const container of [1, 2]) await stage(container, ['x', 'y']);
  const [one, two] = [await ledger.pool.connect(), await ledger.pool.connect()];

  await one.query('begin');
  await two.query('begin');
  await settle(one, 1, ['x']);
  await settle(two, 2, ['y']);
  await settle(one, 2, ['x']);
  await settle(two, 1, ['y']);
  await one.query('commit');
  await two.query('commit');

  one.release();
  two.release();
  await assertCountsKept(ledger);
});

it('keeps counters while connections settle, fold and remove at once', async () => {
  const keys = Array.from({ length: 300 }, (_, i) => String(i));
  for (const container of [1, 2]) await stage(container, keys);

  await Promise.all([
    ...[1, 2].map(async (container) => {
      for (const key of keys) await settle(ledger.pool, container, [key]);
    }),
    (async () => {
      for (const key of keys.slice(0, 100)) await forgetItems(ledger.pool, 2, [key]);
    })(),
    ...[1, 2].map(async () => {
      for (let n = 0; n < 100; n++) await foldCounts(ledger.pool, [1, 2], 0);
    }),
  ]);
  await assertCountsKept(ledger);

  await foldCounts(ledger.pool, [1, 2], 0);
  const { rows } = await ledger.pool.query('select count(*) as n from item_count');
  expect(rows).toEqual([{ n: 2 }]);
  await assertCountsKept(ledger);
});

it('counts what a ledger of an earlier version holds', async () => {
  await ledger.pool.query('drop schema if exists old cascade; create schema old');
  const old = openLedger(`${server.url}?options=-csearch_path%3Dold`);
  const folder = new URL('./migrations/', import.meta.url);
  const files = (await readdir(folder)).filter((name) => name < '0004').sort();
  await old.pool.query(
    'create table ledger_version (version int primary key, name text not null, applied_at timestamptz not null default now())',
  );
  for (const [at, name] of files.entries()) {
    await old.pool.query(await readFile(new URL(name, folder), 'utf8'));
    await old.pool.query('insert into ledger_version (version, name) values ($1, $2)', [at + 1, name]);
  }
  await writeSmallUnit(old.pool);
  await old.pool.query(
    `insert into item (container, key, version, meta, bytes, todo, outcome, target_ref, run)
     values (1, 'a', '1', '{}', 10, 'verify', 'arrived', '1', 1), (1, 'b', '1', '{}', 20, null, 'verified', '2', 1),
       (1, 'c', '1', '{}', 30, 'create', null, null, 1), (1, 'd', '1', '{}', 40, 'verify', 'verified', '4', 1)`,
  );

  await migrateLedger(old);

  await assertCountsKept(old);
  await settle(old.pool, 1, ['c']);
  await assertCountsKept(old);
  await old.close();
});

async function stage(container: number, keys: readonly string[]): Promise<void> {
  const items = keys.map((key) => ({ key, rank: 0, version: '1', bytes: 10, meta: {} }));
  await stageItems(ledger.pool, container, items, 1, 'meta');
}

function settle(sql: Sql, container: number, keys: readonly string[]): Promise<void> {
  const settled = keys.map((key) => ({
    key,
    todo: null,
    outcome: 'verified' as const,
    digest: '00',
    ref: `${container}-${key}`,
  }));
  return settleItems(sql, container, settled, 2);
}
