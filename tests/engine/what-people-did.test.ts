/** Whatever a person asks of a migration is in its log, once, with the time it was obeyed; and what was tuned is taken back. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { control } from '../../engine/run/control.js';
import { liftBlocksOf } from '../../engine/run/lift-blocks.js';
import { blockScope } from '../../ledger/budgets.js';
import { readEvents } from '../../ledger/events.js';
import { readControl } from '../../ledger/runs.js';
import { specHash } from '../../schemas/hash.js';
import { approve, park } from './gates.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import type { World } from './world.js';
import { createWorld } from './world.js';

let server: LedgerServer;
let world: World;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());
beforeEach(async () => {
  world = createWorld(server.ledger);
  world.from.put(['INBOX'], { bytes: Buffer.from('Message-ID: <1@x>\r\n\r\nbody\r\n') });
});
afterEach(() => world.close());

/** What the log says that people asked for while a run was there: run, word, and the rest. */
async function asked(): Promise<unknown[]> {
  const events = await readEvents(server.ledger, world.spec.name, { after: 0, limit: 100 });
  return events.flatMap(({ run, message, detail: { asked, step: _step, ...detail } }) =>
    asked && message !== 'run opened' ? [[run, message, detail]] : [],
  );
}

it('pause, resume, retune, replace and cancel are in the log', async () => {
  await world.run();
  const { name } = world.spec;

  await control(world.deps, { name, paused: true });
  await control(world.deps, { name, paused: false });
  await control(world.deps, { name, tuning: { lanes: 2, itemsPerSecond: 50 } });
  await control(world.deps, { name, tuning: { reset: ['lanes'] } });
  await control(world.deps, { name, stopped: true });
  await control(world.deps, { name, stopped: true, paused: false });

  expect(await asked()).toEqual([
    [1, 'pause', {}],
    [1, 'resume', {}],
    [1, 'retune', { lanes: 2, itemsPerSecond: 50 }],
    [1, 'retune', { reset: ['lanes'] }],
    [1, 'replace', {}],
    [1, 'cancel', {}],
  ]);
});

it('an activity that is tried again writes it once, and a second asking twice', async () => {
  await world.run();
  const { name } = world.spec;

  await control(world.deps, { name, paused: true }, { id: 'execution/5', again: false });
  await control(world.deps, { name, paused: true }, { id: 'execution/5', again: true });
  await control(world.deps, { name, paused: true }, { id: 'execution/6', again: true });

  expect(await asked()).toEqual([
    [1, 'pause', {}],
    [1, 'pause', {}],
  ]);
});

it('an apply is, with the spec, the schedule and the reason', async () => {
  await world.run({ request: 'a' });
  await world.run({ request: 'a', reason: 'verify' });

  const events = await readEvents(server.ledger, world.spec.name, { after: 0, limit: 100 });

  const spec = specHash(world.spec).slice(0, 12);
  expect(events.filter(({ message }) => message === 'run opened').map(({ run, detail }) => [run, detail])).toEqual([
    [1, { reason: 'apply', spec, units: 1, asked: true }],
    [2, { reason: 'verify', spec, units: 1, asked: true }],
  ]);
});

it('an approval is, with the units that go on', async () => {
  world.source.account('anna').locked = 'password expired';
  await park(world, await world.run());

  await approve(world);

  expect(await asked()).toContainEqual([1, 'approve', { units: 1 }]);
});

it('a retry is, whether or not there was anything to try again', async () => {
  await world.run();
  const { name } = world.spec;
  const hash = specHash(world.spec);
  await blockScope(server.ledger, 'elsewhere', 60_000);

  await liftBlocksOf(world.deps, hash, { migration: name, run: 1 });
  await liftBlocksOf(world.deps, hash, { migration: name, run: 1, unit: 3 });
  // As older workflows call it.
  await liftBlocksOf(world.deps, hash);

  expect(await asked()).toContainEqual([1, 'retry', {}]);
  expect(await asked()).toContainEqual([1, 'retry', { unit: 3 }]);
  expect(await asked()).toHaveLength(2);
});

it('what was tuned is taken back, all of it or by name', async () => {
  await world.run();
  const { name } = world.spec;
  const tuned = async () => (await readControl(server.ledger, name)).tuning;

  await control(world.deps, { name, tuning: { lanes: 2, connections: 3, itemsPerSecond: 50 } });
  await control(world.deps, { name, tuning: { reset: ['lanes'], connections: 4 } });
  expect(await tuned()).toEqual({ connections: 4, itemsPerSecond: 50 });

  await control(world.deps, { name, tuning: { reset: true } });
  expect(await tuned()).toEqual({});
});
