/**
 * Workers are killed while calendars, contacts and files are on a line of 100 kB/s and a round trip of 40 ms: what the
 * network still carries lands after their death. Mail has a test of its own.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { createRandom } from '../sample/random.js';
import type { ThinLine } from '../servers/thin-line.js';
import { startThinLine } from '../servers/thin-line.js';
import type { Fleet } from './fleet.js';
import { startFleet } from './fleet.js';
import { doubts, watch } from './fleet-moments.js';
import type { KindScene } from './kind-scenes.js';
import { SCENE_ENV, startScene } from './kind-scenes.js';

const BYTES_PER_SECOND = 100_000;
const ROUND_TRIP_MS = 40;
const seed = Number(process.env.TEST_SEED ?? 20190301);

let fleet: Fleet;
let scene: KindScene | undefined;
let line: ThinLine | undefined;
beforeAll(async () => {
  fleet = await startFleet(1, SCENE_ENV);
});
afterEach(async () => {
  await line?.stop();
  await scene?.stop();
});
afterAll(() => fleet?.stop());

/** `kills`: each at a random moment once so many bytes are on the line; the second while a large item is. */
it.each([
  {
    kind: 'contacts and calendars',
    size: { items: 240, bytes: 20_000, largest: 900_000 },
    kills: [10_000, 300_000, 10_000],
  },
  { kind: 'files', size: { items: 100, bytes: 40_000 }, kills: [10_000, 1_000_000, 10_000] },
] as const)(
  `$kind: nothing is doubled or torn by what lands late (TEST_SEED=${seed})`,
  async ({ kind, size, kills }) => {
    const random = createRandom(seed);
    scene = await startScene(kind, { seed, ...size });
    line = await startThinLine({
      to: scene.target,
      bytesPerSecond: BYTES_PER_SECOND,
      delayMs: ROUND_TRIP_MS / 2,
    });
    const before = await doubts(fleet);
    const { result, outlasts } = watch(await fleet.apply(scene.spec(`thin-${kind.slice(0, 5)}`, {}, line)));

    for (const bytes of kills) {
      await delay(random.next() * 2_000);
      while (line.underWay < bytes) {
        outlasts('the kills');
        await delay(5);
      }
      await fleet.replaceWorker(0);
    }

    expect(await result).toMatchObject({
      state: 'done',
      failed: 0,
      totals: { items: scene.items, verified: scene.items, failures: 0, pending: 0, duplicates: 0 },
    });
    await line.drained();
    await scene.expectSame();
    expect((await doubts(fleet)) - before, 'some kills must have hit writes under way').toBeGreaterThan(0);
  },
);
