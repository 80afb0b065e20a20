/** Where an open run stands, told in little: what a migration asks for when it goes on in another workflow execution. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { endUnit } from '../../engine/run/end-units.js';
import { prepare } from '../../engine/run/open-run.js';
import { specHash } from '../../schemas/hash.js';
import { NO_COUNTERS } from '../../words/counters.js';
import type { UnitCall } from '../../words/units.js';
import { callsOf } from '../../words/units.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import { createWorld } from './world.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());

const signal = new AbortController().signal;

it('names a hundred units that wait, and the others by their gates', async () => {
  const accounts = Array.from({ length: 250 }, (_, n) => ({ from: `p${n}`, to: `p${n}` }));
  const world = createWorld(server.ledger, { selection: { accounts } });
  const request = { id: randomUUID(), reason: 'apply' as const, spec: world.spec, specHash: specHash(world.spec) };
  const opened = await prepare(world.deps, { name: world.spec.name, request }, signal);
  expect(opened.waiting).toEqual([[1, 250]]);
  const at = { migration: world.spec.name, run: opened.run };
  for (const call of callsOf(opened.groups)) {
    const { n } = call;
    if (n <= 10) await endUnit(world.deps, { ...at, unit: n, state: 'done', counters: { ...NO_COUNTERS, items: n } });
    else {
      const gate = n > 200 ? 'quota' : 'credentials';
      const park = {
        ...call,
        gate,
        reason: 'x'.repeat(500),
        ...(n > 200 && { retryAt: 1_900_000_000_000 + n }),
      } as const;
      await endUnit(world.deps, { ...at, unit: n, state: 'parked', park, counters: { ...NO_COUNTERS, items: 1 } });
    }
  }

  const { spec: _inTheLedger, ...open } = request;
  const again = await prepare(world.deps, { name: world.spec.name, request: open }, signal);

  expect(again).toMatchObject({
    run: opened.run,
    waiting: [],
    done: 10,
    totals: { items: 55 },
    standing: { items: 240 },
  });
  expect(again.parked).toHaveLength(100);
  expect(again.parkedBesides).toEqual([
    { gate: 'credentials', units: [[111, 200]] },
    { gate: 'quota', units: [[201, 250]], retryAt: 1_900_000_000_201 },
  ]);
  await world.close();
});

it('keeps what is known of a unit that waits before it could be counted, but not what an earlier run did', async () => {
  const world = createWorld(server.ledger);
  for (let n = 1; n <= 3; n++)
    world.from.put(['INBOX'], { bytes: Buffer.from(`Message-ID: <${n}@x>\r\n\r\n${n}\r\n`) });
  await world.run();
  const request = { id: randomUUID(), reason: 'apply' as const, spec: world.spec, specHash: specHash(world.spec) };
  const { run, groups } = await prepare(world.deps, { name: world.spec.name, request }, signal);
  const park = { ...(callsOf(groups)[0] as UnitCall), gate: 'credentials', reason: 'the password expired' } as const;

  const counted = await endUnit(world.deps, { migration: world.spec.name, run, unit: 1, state: 'parked', park });

  expect(counted).toMatchObject({ items: 3, verified: 3, changed: 0, created: 0 });
  expect(await prepare(world.deps, { name: world.spec.name, request }, signal)).toMatchObject({
    parked: [park],
    standing: counted,
  });
  await world.close();
});
