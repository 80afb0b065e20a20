/**
 * A worker that is stopped (SIGSTOP) for longer than its lease lasts, while another takes over, and then wakes up
 * (SIGCONT) in the middle of what it was writing: it must write nothing that the other has written.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { ENGINE_DEFAULTS } from '../../engine/deps.js';
import { retuneUpdate } from '../../workflows/messages.js';
import { createRandom } from '../sample/random.js';
import type { Fleet } from './fleet.js';
import { startFleet } from './fleet.js';
import { aWriteUnderWay, liveLeases, takenOver, watch, workerAt } from './fleet-moments.js';
import type { KindScene, SceneKind } from './kind-scenes.js';
import { KINDS, SCENE_ENV, startScene } from './kind-scenes.js';

/** Of two units each has to be taken over: that takes longer. */
const STOPS: Readonly<Record<SceneKind, readonly ('at random' | 'while it writes')[]>> = {
  mail: ['at random', 'while it writes', 'at random'],
  'contacts and calendars': ['while it writes', 'at random'],
  files: ['at random', 'while it writes', 'at random'],
};
const ITEMS: Readonly<Record<SceneKind, number>> = { mail: 1_500, 'contacts and calendars': 1_000, files: 1_500 };
const seed = Number(process.env.TEST_SEED ?? 20190301);

let fleet: Fleet;
let scene: KindScene | undefined;
beforeAll(async () => {
  // One slice each: a worker that waits for more work when it is stopped would swallow what Temporal hands it, for a minute.
  fleet = await startFleet(3, { ...SCENE_ENV, DROVER_SLICE_SECONDS: '5', DROVER_MAX_SLICES: '1' });
});
afterEach(() => scene?.stop());
afterAll(() => fleet?.stop());

it.each(KINDS)(`%s: a worker that wakes up writes nothing twice (TEST_SEED=${seed})`, async (kind) => {
  const random = createRandom(seed);
  scene = await startScene(kind, { seed, items: ITEMS[kind] });
  const handle = await fleet.apply(scene.spec(`suspended-${KINDS.indexOf(kind)}`, { itemsPerSecond: 40 }));
  const { result, outlasts } = watch(handle);

  for (const moment of STOPS[kind]) {
    if (moment === 'at random') await delay(500 + random.next() * 3_000);
    const n = await aWriter(fleet, scene.target.port, moment === 'while it writes', () => outlasts('the stops'));
    await suspend(n, ENGINE_DEFAULTS.leaseMs + 500 + random.next() * 3_000);
    outlasts('the stops');
  }
  await handle.executeUpdate(retuneUpdate, { args: [{ itemsPerSecond: 100_000 }] });

  expect(await result).toMatchObject({
    state: 'done',
    failed: 0,
    totals: { items: scene.items, verified: scene.items, failures: 0, pending: 0, duplicates: 0, conflicts: 0 },
  });
  await scene.expectSame();
});

/** The worker that is connected to the target, now or as soon as one is. */
async function aWriter(of: Fleet, port: number, writing: boolean, check: () => void): Promise<number> {
  for (;;) {
    check();
    if (writing) await aWriteUnderWay(of);
    const n = await workerAt(of, port);
    if (n !== undefined) return n;
    await delay(20);
  }
}

/** Stops the n-th worker for at least so long, and until another has taken its lease. */
async function suspend(n: number, ms: number): Promise<void> {
  const { pid } = fleet.workers[n] as { pid: number };
  process.kill(pid, 'SIGSTOP');
  try {
    const leases = await liveLeases(fleet);
    await delay(ms);
    await takenOver(fleet, leases);
    // The other is at work when this one wakes up.
    await aWriteUnderWay(fleet);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}
