/** Many accounts are looked at in one activity: who has nothing to do ends there, everybody else gets a workflow. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { settledUnits } from '../../ledger/idle-units.js';
import { listUnits } from '../../ledger/units.js';
import { movedAccounts } from './idle.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import { listenTo } from './statements.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());

it('ends units that have nothing to do', async () => {
  const world = await movedAccounts(server.ledger, 12);
  const run = await world.open();

  const seen = await world.look(run);

  expect(seen.idle).toHaveLength(12);
  expect(seen.counters).toMatchObject({ items: 24, verified: 24, pending: 0, changed: 0 });
  const units = await listUnits(server.ledger.pool, world.spec.name);
  expect(new Set(units.map((unit) => `${unit.run} ${unit.state} ${unit.counters.verified}`))).toEqual(
    new Set([`${run} done 2`]),
  );
  expect(await world.finish(run)).toMatchObject({ state: 'done', totals: { units: 12, done: 12, items: 24 } });
  await world.close();
});

it('leaves what has changed to its workflow', async () => {
  const world = await movedAccounts(server.ledger, 4);
  world.source.account('a2').put(['INBOX'], { bytes: Buffer.from('new\r\n') });
  const run = await world.open();

  expect(await world.look(run)).toMatchObject({ idle: [1, 3, 4], changed: [2], left: [] });

  await world.close();
});

it('is asked for units that are known to have nothing left', async () => {
  const world = await movedAccounts(server.ledger, 3);
  const { pool } = server.ledger;
  const { name } = world.spec;
  // One whose item waits for its proof, and one that failed before anything of it was counted.
  await pool.query(`update unit set counters = counters || '{"pending": 1}' where migration = $1 and n = 2`, [name]);
  await pool.query(`update unit set reason = 'it failed' where migration = $1 and n = 3`, [name]);
  const run = await world.open();

  expect(await settledUnits(pool, name, run)).toEqual([1]);

  await world.look(run);
  expect(await settledUnits(pool, name, run)).toEqual([]);
  await world.close();
});

it('asks the ledger little for each unit', async () => {
  const { ledger, take } = listenTo(server.ledger);
  const world = await movedAccounts(ledger, 3);
  const run = await world.open();
  take();
  await world.look(run, { units: [1] });
  take();
  await world.look(run, { units: [2] });
  const two = take();
  await world.look(run, { units: [] });
  const none = take();
  console.log(two.length - none.length, two.map((t) => t.replace(/\s+/g, ' ').slice(0, 110)).join('\n'));
  await world.close();
});
