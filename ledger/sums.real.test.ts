/** The sum of a run: whatever is repeated or overtaken, it is what its units count. */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { LedgerServer } from '../tests/engine/ledger.js';
import { startLedger } from '../tests/engine/ledger.js';
import { addToSum, sumUnits } from './sums.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());

const RUN = { migration: 'acme', run: 1 };

beforeEach(async () => {
  await server.clear();
  await server.ledger.pool.query(
    `insert into spec (hash, name, body) values ('h', 'acme', '{}');
     insert into migration (name, spec) values ('acme', 'h');
     insert into run (migration, number, reason, request, spec) values ('acme', 1, 'apply', 'a', 'h'), ('acme', 2, 'apply', 'b', 'h')`,
  );
  await server.ledger.pool.query(
    `insert into unit (migration, n, selection, account_from, account_to, run, counters)
     select 'acme', n, 'mail', n::text, n::text, 1, '{"items": 10, "verified": 4}' from generate_series(1, 3) n`,
  );
});

const count = (n: number, counters: object): Promise<unknown> =>
  server.ledger.pool.query(`update unit set counters = $2 where n = $1`, [n, JSON.stringify(counters)]);

it('has what units counted before, what they count when they end, and each once', async () => {
  const { pool } = server.ledger;
  expect(await sumUnits(pool, RUN)).toMatchObject({ totals: { items: 30, verified: 12, failures: 0 } });
  await count(1, { items: 12, verified: 11, failures: 1 });

  const first = await addToSum(pool, RUN, [1]);
  const again = await addToSum(pool, RUN, [1]);

  expect(first).toMatchObject({ totals: { items: 32, verified: 19, failures: 1 } });
  expect(again).toEqual({ totals: first.totals, sums: first.sums + 1 });
  expect(await sumUnits(pool, RUN)).toEqual({ totals: first.totals, sums: first.sums + 2 });
});

it('loses nothing when several end at once', async () => {
  const { pool } = server.ledger;
  await sumUnits(pool, RUN);
  for (const n of [1, 2, 3]) await count(n, { items: 10 + n, verified: 10 });

  const sums = await Promise.all([[1], [2, 3], [3], [1, 2]].map((units) => addToSum(pool, RUN, units)));

  const last = sums.reduce((a, b) => (a.sums > b.sums ? a : b));
  expect(last.totals).toMatchObject({ items: 36, verified: 30 });
});

it('leaves alone what a later run has called', async () => {
  const { pool } = server.ledger;
  const { totals } = await sumUnits(pool, RUN);
  await pool.query('update unit set run = 2 where n = 1');
  await count(1, { items: 99 });

  expect((await addToSum(pool, RUN, [1])).totals).toEqual(totals);
});

it('loses nothing when it is added up anew while units end and are counted', async () => {
  const { ledger } = server;
  await sumUnits(ledger.pool, RUN);
  await count(1, { items: 12, verified: 12 });
  await count(2, { items: 15, verified: 15 });
  let anew: Promise<unknown> | undefined;
  await ledger.transaction(async (sql) => {
    // One ends, and a slice counts the other: both are under way when another execution opens the run.
    await addToSum(sql, RUN, [1]);
    await sql.query(`update unit set counters = '{"items": 20, "verified": 20}' where n = 2`);
    anew = sumUnits(ledger.pool, RUN);
    await untilOneWaits();
  });
  await anew;

  const { totals } = await addToSum(ledger.pool, RUN, [1, 2, 3]);

  expect(totals).toMatchObject({ items: 42, verified: 36 });
});

/** Waits for a lock of another transaction. */
async function untilOneWaits(): Promise<void> {
  const waits = `select from pg_locks l join pg_stat_activity a using (pid) where a.datname = current_database() and not granted`;
  while ((await server.ledger.pool.query(waits)).rowCount === 0);
}
