/** What holds for every slice while it works: its lease lasts. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { prepare } from '../../activities/prepare.js';
import { runSlice } from '../../activities/slice/run-slice.js';
import type { Slice, SliceResult, WorkResult } from '../../activities/slice.js';
import type { Ledger } from '../../ledger/ledger.js';
import { openLedger } from '../../ledger/ledger.js';
import { specHash } from '../../schemas/hash.js';
import type { SliceHeartbeat } from '../../workflows/messages.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import type { World, WorldOptions } from './world.js';
import { createWorld } from './world.js';

let server: LedgerServer;
let world: World;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());
beforeEach(() => server.clear());
afterEach(() => world.close());

const { signal } = new AbortController();
const SHORT = { leaseMs: 800 };

it('keeps its lease while the unit is counted, and works meanwhile', { timeout: 30_000 }, async () => {
  const counting = opening();
  begin({ settings: SHORT }, slowToCount(server.ledger, counting.opened));

  const { state } = await slice(async ({ lease, assertHeld }) => {
    const first = await heldUntil(lease.place);
    while ((await heldUntil(lease.place)) < first + SHORT.leaseMs);
    assertHeld();
    counting.open();
    return 'done';
  });

  expect(state).toBe('done');
});

it('shows what was counted last until it is counted anew', async () => {
  const counting = opening();
  begin({}, slowToCount(server.ledger, counting.opened));
  const beats: SliceHeartbeat[] = [];

  await slice(
    async () => {
      counting.open();
      return 'done';
    },
    (beat) => beats.push(beat),
  );

  expect(beats[0]?.counters).toMatchObject({ items: 0, pending: 0 });
});

it('keeps its lease while its work holds every connection of the pool', { timeout: 30_000 }, async () => {
  const ledger = openLedger(server.url, { max: 2 });
  begin({ settings: SHORT }, ledger);

  const { state } = await slice(async ({ assertHeld }) => {
    await Promise.all([1, 2].map(() => ledger.pool.query('select pg_sleep($1)', [(3 * SHORT.leaseMs) / 1_000])));
    assertHeld();
    return 'done';
  });

  expect(state).toBe('done');
  await world.close();
  await ledger.close();
});

it('loses its lease with the fence, and its work is cut off', { timeout: 30_000 }, async () => {
  begin({ settings: SHORT });

  const cut = slice(async ({ lease, signal: lost }) => {
    await server.ledger.pool.query('update lease set fence = fence + 1 where place = $1', [lease.place]);
    await new Promise((_, reject) => lost.addEventListener('abort', () => reject(lost.reason)));
    return 'done';
  });

  await expect(cut).rejects.toMatchObject({ code: 'unavailable', message: 'the lease on the target account was lost' });
});

function begin(options: WorldOptions = {}, ledger: Ledger = server.ledger): void {
  world = createWorld(ledger, options);
  world.from.put(['INBOX'], { bytes: Buffer.from('a\r\n') });
}

/** One slice of the world's only unit, with `work` in the place of a phase. */
async function slice(
  work: (slice: Slice) => Promise<WorkResult>,
  heartbeat: (details: SliceHeartbeat) => void = () => {},
): Promise<SliceResult> {
  const { deps, spec } = world;
  const request = { id: 'r', reason: 'apply' as const, spec, specHash: specHash(spec) };
  const { run } = await prepare(deps, { name: spec.name, request }, signal);
  const input = { migration: spec.name, run, unit: 1, specHash: request.specHash, reason: 'apply' as const };
  return runSlice(deps, input, 'move', work, { signal, heartbeat });
}

/** When the lease on a place lapses if nobody renews it, in milliseconds. */
async function heldUntil(place: number): Promise<number> {
  const { rows } = await server.ledger.pool.query<{ at: number }>(
    'select (extract(epoch from until) * 1000)::float8 as at from lease where place = $1',
    [place],
  );
  return (rows[0] as { at: number }).at;
}

/** What somebody waits for, and how it comes about. */
function opening(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** A ledger that does not answer how a unit stands before `counted`. */
function slowToCount(ledger: Ledger, counted: Promise<void>): Ledger {
  const pool = Object.create(ledger.pool) as Ledger['pool'];
  const query = async (...args: [{ text: string } | string, ...unknown[]]): Promise<unknown> => {
    const text = typeof args[0] === 'string' ? args[0] : args[0].text;
    if (text.includes('"bytesArrived"')) await counted;
    return (ledger.pool.query as (...all: unknown[]) => unknown)(...args);
  };
  return { ...ledger, pool: Object.assign(pool, { query }) };
}
