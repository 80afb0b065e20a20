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

it('names a hundred units that wait, and the others by their causes', async () => {
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
        // More different reasons than are told.
        reason: n > 200 ? `${n} items too many` : 'x'.repeat(500),
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
    totals: { items: 295 },
  });
  expect(again.parked).toHaveLength(100);
  expect(again.parkedBesides).toEqual([
    { gate: 'credentials', reason: 'x'.repeat(500), units: [[111, 200]] },
    ...Array.from({ length: 49 }, (_, n) => ({
      gate: 'quota',
      reason: `${201 + n} items too many`,
      units: [[201 + n, 201 + n]],
      retryAt: 1_900_000_000_201 + n,
    })),
    { gate: 'quota', units: [[250, 250]], retryAt: 1_900_000_000_250 },
  ]);
  expect(again.parked.map(({ account }) => account)).toContain('p10');
  await world.close();
});

it('names the accounts that are started first, as many as one execution starts, and says why others failed', async () => {
  const accounts = Array.from({ length: 1_200 }, (_, n) => ({ from: `p${n + 1}@old`, to: `p${n + 1}@new` }));
  const world = createWorld(server.ledger, { selection: { accounts } });
  const request = { id: randomUUID(), reason: 'apply' as const, spec: world.spec, specHash: specHash(world.spec) };
  const { names = {}, run } = await prepare(world.deps, { name: world.spec.name, request }, signal);

  expect([Object.keys(names).length, names[1]]).toEqual([1_000, 'p1@old → p1@new']);
  const end = { migration: world.spec.name, run, state: 'failed', reason: 'no such folder' } as const;
  for (const unit of [1, 2, 3]) await endUnit(world.deps, { ...end, unit });
  expect(await prepare(world.deps, { name: world.spec.name, request }, signal)).toMatchObject({
    failed: [[1, 3]],
    failedFor: [{ reason: 'no such folder', units: [[1, 3]] }],
  });
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

  const { totals: counted } = await endUnit(world.deps, {
    migration: world.spec.name,
    run,
    unit: 1,
    state: 'parked',
    park,
  });

  expect(counted).toMatchObject({ items: 3, verified: 3, changed: 0, created: 0 });
  expect(await prepare(world.deps, { name: world.spec.name, request }, signal)).toMatchObject({
    parked: [{ ...park, account: expect.any(String) }],
    totals: counted,
  });
  await world.close();
});
