/** A proof holds until it is contradicted: a verify that was interrupted takes none away. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { Fault } from '../../connectors/errors.js';
import { setBytes, setFlags } from '../../connectors/memory/store.js';
import { countUnit } from '../../ledger/counts.js';
import { listUnits } from '../../ledger/units.js';
import { assertCountsKept } from './kept-counts.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import { assertOneCount } from './one-count.js';
import { reportOf } from './report-of.js';
import type { World } from './world.js';
import { createWorld } from './world.js';

let server: LedgerServer;
let world: World;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());
beforeEach(async () => {
  // One folder a slice.
  world = createWorld(server.ledger, { settings: { sliceMs: 0 } });
  for (const folder of ['A', 'B', 'C'])
    for (let n = 0; n < 4; n++)
      world.from.put([folder], { bytes: Buffer.from(`Message-ID: <${folder}${n}@x>\r\n\r\n${n}\r\n`) });
  await world.run();
});
afterEach(() => world.close());

async function counted(): Promise<{ verified: number; arrived: number; failures: number }> {
  const [unit] = await listUnits(server.ledger.pool, world.spec.name);
  const of = { migration: world.spec.name, n: 1, pairings: [unit?.pairing as number] };
  const { verified, arrived, failures } = await countUnit(server.ledger.pool, of, unit?.run as number);
  return { verified, arrived, failures };
}

/** Goes on with a verify until it has proven something, and leaves it there. */
async function verifySome(): Promise<void> {
  for await (const result of world.slices({ reason: 'verify' })) {
    if (result.state === 'more' && result.counters.verified + result.counters.failures > 0) break;
  }
}

it('while everything is proven once more, and when that was broken off', async () => {
  await verifySome();

  expect(await counted()).toEqual({ verified: 12, arrived: 0, failures: 0 });
  expect((await reportOf(world, server.ledger)).verdict).toMatchObject({ items: 12, verified: 12 });
  await assertCountsKept(server.ledger, world.spec.name);
  await assertOneCount(server.ledger, world.spec.name);
});

it('is contradicted for what is found altered, and for nothing else', async () => {
  const folder = world.to.folder(['A']);
  for (const { uid } of folder.messages.values()) setBytes(folder, uid, Buffer.from('something else\r\n'));

  await verifySome();

  const { failures, verified, arrived } = await counted();
  expect([failures > 0, verified + failures, arrived]).toEqual([true, 12, 0]);
});

it('what was left of it is proven by the next run, whatever that is', async () => {
  await verifySome();

  await world.run();

  const { rows } = await server.ledger.pool.query(
    `select count(*)::int as n from item i join container c on c.id = i.container join unit u on u.pairing = c.pairing
     where u.migration = $1 and i.todo = 'verify'`,
    [world.spec.name],
  );
  expect([rows, await counted()]).toEqual([[{ n: 0 }], { verified: 12, arrived: 0, failures: 0 }]);
});

it('is contradicted where the target’s folders are seen to be gone, also when the run is broken off before it names what is missing', async () => {
  const folders = new Map(world.to.folders);
  world.to.folders.clear();
  for await (const _survey of world.slices()) break;

  expect(await counted()).toEqual({ verified: 0, arrived: 12, failures: 0 });
  expect((await reportOf(world, server.ledger)).verdict).toMatchObject({ items: 12, verified: 0 });
  await assertCountsKept(server.ledger, world.spec.name);
  await assertOneCount(server.ledger, world.spec.name);

  // They were out of sight for a while: nothing was written, and so nothing is changed.
  for (const [key, folder] of folders) world.to.folders.set(key, folder);
  expect(await world.run()).toMatchObject({ state: 'done', totals: { verified: 12, changed: 0 } });
});

it('a verify stands at no gate because of what fails beside it: whoever compares has not asked for that', async () => {
  for (let n = 0; n < 12; n++) world.from.put(['D'], { bytes: Buffer.from(`Message-ID: <new${n}@x>\r\n\r\n${n}\r\n`) });
  world.target.fault = ({ op, when }) => {
    if (op === 'create' && when === 'before') throw new Fault('refused', 'the folder may only be read');
  };

  expect(await world.run({ reason: 'verify' })).toMatchObject({
    state: 'failed',
    totals: { verified: 12, failures: 12 },
  });
});

it('in a folder that was renumbered, and whose flags change in the same run, is made anew for each message', async () => {
  world.to.renumber(['A']);
  const [first] = world.from.folder(['A']).messages.values();
  setFlags(world.from.folder(['A']), first?.uid as number, ['\\Flagged']);

  expect(await world.run()).toMatchObject({ state: 'done', totals: { items: 12, verified: 12, arrived: 0 } });
});
