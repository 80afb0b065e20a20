/** Looking for duplicates takes as long as there are unclaimed copies, however many items there are. */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { LedgerServer } from '../tests/engine/ledger.js';
import { startLedger } from '../tests/engine/ledger.js';
import { coverSmallUnit, writeSmallUnit } from '../tests/engine/ledger-steps.js';
import { countDuplicates, DUPLICATES } from './duplicates.js';

const ITEMS = 20_000;
const UNCLAIMED = 2_000;
const DUPLICATE = 5;

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
  for (const table of ['item', 'found', 'container'])
    await query(`alter table ${table} set (autovacuum_enabled = false)`);
});
afterAll(() => server.stop());
beforeEach(async () => {
  await server.clear();
  // Without the space of deleted rows: by that the planner would take an empty table for a large one.
  await query('truncate item, found, container restart identity cascade');
});

const query = (text: string) => server.ledger.pool.query(text);
const analyze = () => query('analyze item; analyze found; analyze container');

/** So many items in each of the first containers that are bound to "a". */
function fill(containers: number, items: number, settled = true): Promise<unknown> {
  return query(
    `insert into item (container, key, todo, version, meta, bytes, run, digest, target_ref, outcome)
     select c, i, 'verify', '1', '{}', 10, 1, ${settled ? `sha256((i + 30000 * (c - 1))::text::bytea), 'r' || i, 'arrived'` : 'null, null, null'}
     from generate_series(1, ${containers}) c, generate_series(1, ${items}) i`,
  );
}

/** What the planner knew before the items came. */
const statistics: Record<string, () => Promise<unknown>> = {
  'without any': async () => {},
  'of empty tables': analyze,
  'of items that had no digests': async () => {
    await fill(1, ITEMS, false);
    await analyze();
    await query('delete from item');
  },
  'of many small containers': async () => {
    await query(
      `insert into container (pairing, key, path, validity, target_key)
       select 1, i, '{}', '1', i from generate_series(3, 5000) i`,
    );
    await fill(5_000, 1);
    await analyze();
    await query('delete from item');
  },
};

for (const [name, gather] of Object.entries(statistics)) {
  it(`looks up each unclaimed copy by itself, with statistics ${name}`, async () => {
    await writeSmallUnit(server.ledger.pool);
    await coverSmallUnit(server.ledger.pool);
    await gather();
    await fill(1, ITEMS);
    await query(
      `insert into found (place, target_key, ref, digest, bytes, meta)
       select 2, 'a', 'x' || i, sha256((i + ${ITEMS - DUPLICATE})::text::bytea), 10, '{}' from generate_series(1, ${UNCLAIMED}) i`,
    );

    expect(await countDuplicates(server.ledger.pool, [1], { migration: 'acme', n: 1 })).toBe(DUPLICATE);

    const { rows } = await server.ledger.pool.query<{ 'QUERY PLAN': [{ Plan: Record<string, number> }] }>(
      `explain (analyze, buffers, format json) select count(*) ${DUPLICATES}`,
      [[1], 'acme', 1],
    );
    const plan = rows[0]?.['QUERY PLAN'][0].Plan ?? {};
    const blocks = (plan['Shared Hit Blocks'] ?? 0) + (plan['Shared Read Blocks'] ?? 0);
    // All items are some hundred blocks; an index is two or three high.
    expect(blocks).toBeLessThan(UNCLAIMED * 20);
  });
}
