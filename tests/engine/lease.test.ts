/** What holds for every slice while it works: its lease lasts, and it does not ask to go on for nothing. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Target } from '../../connectors/contract.js';
import type { Registration } from '../../connectors/registry.js';
import { connectors } from '../../connectors/registry.js';
import { control } from '../../engine/run/control.js';
import { prepare } from '../../engine/run/open-run.js';
import { runSlice } from '../../engine/slice/run-slice.js';
import type { Slice, SliceResult, WorkResult } from '../../engine/slice/slice.js';
import type { Tuning } from '../../ledger/leases.js';
import type { Ledger } from '../../ledger/ledger.js';
import { openLedger } from '../../ledger/ledger.js';
import { specHash } from '../../schemas/hash.js';
import type { SliceHeartbeat } from '../../words/progress.js';
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

it('keeps its lease while the unit is counted, and works meanwhile', async () => {
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

  expect(beats[0]).toMatchObject({ counters: { items: 0, pending: 0 }, isOld: true });
});

it('keeps its lease while its work holds every connection of the pool', async () => {
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

it('loses its lease with the fence, and its work is cut off', async () => {
  begin({ settings: SHORT });

  const cut = slice(async ({ lease, signal: lost }) => {
    await server.ledger.pool.query('update lease set fence = fence + 1 where place = $1', [lease.place]);
    await new Promise((_, reject) => lost.addEventListener('abort', () => reject(lost.reason)));
    return 'done';
  });

  await expect(cut).rejects.toMatchObject({ code: 'unavailable', message: 'the lease on the target account was lost' });
});

it('is our own fault when a phase asks to go on again, and has done nothing', async () => {
  begin();
  const nowhere = {
    code: 'internal',
    message: expect.stringMatching(
      /^the phase "move" of unit 1, anna \(.*\) asks to go on again and again, and does nothing$/,
    ),
  };

  expect(await slice(async () => 'more')).toMatchObject({ state: 'more' });
  await expect(slice(async () => 'more')).rejects.toMatchObject(nowhere);
  await expect(slice(async () => 'more')).rejects.toMatchObject(nowhere);

  expect(await slice(async () => 'done')).toMatchObject({ state: 'done' });
  expect(await slice(async () => 'more')).toMatchObject({ state: 'more' });
});

it('goes on as often as a phase has done something', async () => {
  begin();

  for (let n = 0; n < 4; n++) {
    const { state } = await slice(async ({ tally }) => {
      tally.items++;
      return 'more';
    });
    expect(state).toBe('more');
  }
});

it('is ended by its time only once it has done something', async () => {
  begin({ settings: { sliceMs: 0 } });

  const result = await slice(async ({ ending, tally }) => {
    expect(ending()).toBe(false);
    tally.items++;
    expect(ending()).toBe(true);
    return 'more';
  });

  expect(result).toMatchObject({ state: 'more' });
});

it('ends, as often as a person wants that, and has done nothing', async () => {
  begin();

  for (let n = 0; n < 4; n++) {
    const { state } = await slice(async ({ lease, asked }) => {
      await server.ledger.pool.query('update migration set paused = true');
      while (!asked()) await heldUntil(lease.place);
      return 'more';
    });
    expect(state).toBe('paused');
    await server.ledger.pool.query('update migration set paused = false');
  }
});

it('opens as many connections to an account as `retune` allows, however many units run at once', async () => {
  begin({ connectors: { ...connectors, memory: withLanes(4) } });

  const opened = await slice(
    async ({ lanes, lane }) => {
      expect(lanes()).toBe(3);
      const further = [await lane(), await lane(), await lane()];
      await Promise.all(further.map((held) => held?.done(true)));
      expect(further.map((held) => held !== undefined)).toEqual([true, true, false]);
      return 'done';
    },
    undefined,
    { lanes: 1, connectionsPerAccount: 3 },
  );

  expect(opened.state).toBe('done');
});

it('opens no more connections than pay for the target', async () => {
  begin({ connectors: { ...connectors, memory: withLanes(2) } });

  const opened = await slice(
    async ({ lanes }) => {
      expect(lanes()).toBe(2);
      return 'done';
    },
    undefined,
    { connectionsPerAccount: 3 },
  );

  expect(opened.state).toBe('done');
});

/** Systems in memory whose targets gain by so many connections. */
function withLanes(lanes: number): Registration {
  const memory = connectors.memory as Registration;
  return {
    ...memory,
    async load() {
      const plain = await memory.load();
      return { ...plain, target: (options, access) => plain.target?.(options, { ...access, lanes }) as Target<never> };
    },
  };
}

function begin(options: WorldOptions = {}, ledger: Ledger = server.ledger): void {
  world = createWorld(ledger, options);
  world.from.put(['INBOX'], { bytes: Buffer.from('a\r\n') });
}

/** One slice of the world's only unit, with `work` in the place of a phase. */
async function slice(
  work: (slice: Slice) => Promise<WorkResult>,
  heartbeat: (details: SliceHeartbeat) => void = () => {},
  tuning: Tuning = {},
): Promise<SliceResult> {
  const { deps, spec } = world;
  const request = { id: 'r', reason: 'apply' as const, spec, specHash: specHash(spec) };
  const { run } = await prepare(deps, { name: spec.name, request }, signal);
  await control(deps, { name: spec.name, tuning });
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
