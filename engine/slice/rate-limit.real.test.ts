/** Rates on a real bucket: what a slice hands over is only what `acquire` reads of it. */
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import type { Limits } from '../../schemas/spec.js';
import type { LedgerServer } from '../../tests/engine/ledger.js';
import { startLedger } from '../../tests/engine/ledger.js';
import type * as Connections from '../session/connections.js';
import { createRates } from '../session/rates.js';
import { acquire, largestBatch } from './rate-limit.js';
import type { Slice } from './slice.js';

/** What was asked of the clock, in milliseconds. How late a busy machine comes back is not what is tested. */
const waits = vi.hoisted(() => ({ ms: 0 }));
vi.mock('../session/connections.js', async (original) => {
  const real = await original<typeof Connections>();
  const sleep: typeof real.sleep = (ms, signal) => {
    waits.ms += ms;
    return real.sleep(ms, signal);
  };
  return { ...real, sleep };
});

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());
beforeEach(async () => {
  await server.clear();
  waits.ms = 0;
});

interface Wishes {
  bytesPerSecond?: number;
  itemsPerSecond?: number;
}

function sliceWith(limits: Limits, wishes: Wishes = {}, ending: () => boolean = () => false): Slice {
  const config = { type: 'memory', options: { name: 'x' }, limits };
  const parts: Partial<Slice> = {
    deps: { ledger: server.ledger } as Slice['deps'],
    rates: createRates(config, () => wishes),
    ending,
    signal: new AbortController().signal,
  };
  return parts as Slice;
}

/** Streams chunks one by one; answers when each may pass by the clock of the bucket, in milliseconds from the first. */
async function stream(slice: Slice, chunks: number, bytes: number): Promise<number[]> {
  const times: number[] = [];
  for (let n = 0; n < chunks; n++) {
    expect(await acquire(slice, 'target', 0, bytes)).toBe(true);
    const { rows } = await server.ledger.pool.query<{ ms: number }>(
      'select extract(epoch from at)::float8 * 1000 as ms from budget',
    );
    times.push(rows[0]?.ms as number);
  }
  return times.map((time) => time - (times[0] as number));
}

it('lets a stream of 64 kB chunks pass at 100 kB/s, never more than a second’s worth and two chunks at once', async () => {
  const times = await stream(sliceWith({ bandwidth: { '00:00-24:00 Europe/Berlin': 100_000 } }), 8, 64_000);

  for (const [first, from] of times.entries()) {
    const within = times.slice(first).filter((at) => at < from + 1000).length;
    expect(within * 64_000).toBeLessThanOrEqual(100_000 + 100_000 + 2 * 64_000);
  }
  // The first second's worth and the last chunk's debt are free: 8 × 64 kB − 100 kB − 64 kB.
  expect(times.at(-1)).toBeGreaterThan(3_300);
  expect(waits.ms).toBeLessThan(6_000);
});

it('takes the lower of a timetable and a steady rate', () => {
  const table = { '00:00-24:00 UTC': 2_000 };
  const most = { items: 10, bytes: 1_000_000 };
  expect(largestBatch(sliceWith({ bandwidth: table }), 'target', most).bytes).toBe(2_000);
  expect(largestBatch(sliceWith({ bandwidth: table, bytesPerSecond: 1_000 }), 'source', most).bytes).toBe(1_000);
  expect(largestBatch(sliceWith({ bandwidth: table, bytesPerSecond: 9_000 }), 'target', most).bytes).toBe(2_000);
  expect(largestBatch(sliceWith({ bandwidth: table }, { bytesPerSecond: 500 }), 'target', most).bytes).toBe(500);
  expect(largestBatch(sliceWith({ bytesPerSecond: 9_000 }), 'target', most).bytes).toBe(9_000);
  expect(largestBatch(sliceWith({}), 'target', most)).toEqual(most);
});

it('looks again while it waits: a debt of an hour ends when the rate rises', async () => {
  const wishes: Wishes = { bytesPerSecond: 1_000 };
  const slice = sliceWith({}, wishes);
  await acquire(slice, 'target', 0, 3_600_000);
  const waiting = acquire(slice, 'target', 0, 1_000);
  wishes.bytesPerSecond = 1e9;

  expect(await waiting).toBe(true);
  expect(waits.ms).toBeLessThan(5_000);
});

it('does not owe at a rate what passed without one', async () => {
  const wishes: Wishes = { itemsPerSecond: 1e6 };
  const slice = sliceWith({}, wishes);
  await acquire(slice, 'target', 1, 1e12);
  wishes.bytesPerSecond = 1_000;
  await acquire(slice, 'target', 1, 200);

  const { rows } = await server.ledger.pool.query<{ tokens: number }>(
    "select tokens from budget where scope like '%/bytes'",
  );
  expect(rows.map(({ tokens }) => tokens)).toEqual([800]);
});

it('ends a wait with the slice', async () => {
  let ending = false;
  const slice = sliceWith({ bytesPerSecond: 1_000 }, {}, () => ending);
  await acquire(slice, 'target', 0, 3_600_000);
  const waiting = acquire(slice, 'target', 0, 1_000);
  ending = true;

  expect(await waiting).toBe(false);
});
