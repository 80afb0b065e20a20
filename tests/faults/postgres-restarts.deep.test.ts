/** PostgreSQL is killed and comes back at random moments, in each kind: nothing lost, doubled or altered. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { retuneUpdate } from '../../workflows/messages.js';
import { createRandom } from '../sample/random.js';
import type { Fleet } from './fleet.js';
import { startFleet } from './fleet.js';
import { killServer, watch } from './fleet-moments.js';
import type { KindScene, SceneKind } from './kind-scenes.js';
import { KINDS, SCENE_ENV, startScene } from './kind-scenes.js';

const KILLS = 5;
const ITEMS: Readonly<Record<SceneKind, number>> = { mail: 1_500, 'contacts and calendars': 1_000, files: 1_500 };
const seed = Number(process.env.TEST_SEED ?? 20190301);

let fleet: Fleet;
let scene: KindScene | undefined;
beforeAll(async () => {
  fleet = await startFleet(2, { ...SCENE_ENV, DROVER_SLICE_SECONDS: '2' });
});
afterEach(() => scene?.stop());
afterAll(() => fleet?.stop());

it.each(KINDS)(`%s: survives ${KILLS} kills of PostgreSQL (TEST_SEED=${seed})`, async (kind) => {
  const random = createRandom(seed + KINDS.indexOf(kind));
  scene = await startScene(kind, { seed, items: ITEMS[kind] });
  const handle = await fleet.apply(scene.spec(`restarts-${KINDS.indexOf(kind)}`, { itemsPerSecond: 40 }));
  const { result, outlasts } = watch(handle);

  for (let n = 0; n < KILLS; n++) {
    await delay(500 + random.next() * 4_000);
    outlasts(`the kills; ${n} so far`);
    await killServer(fleet, 'postgres');
  }
  await handle.executeUpdate(retuneUpdate, { args: [{ itemsPerSecond: 100_000 }] });

  expect(await result).toMatchObject({
    state: 'done',
    failed: 0,
    totals: { items: scene.items, verified: scene.items, failures: 0, pending: 0, duplicates: 0, conflicts: 0 },
  });
  await scene.expectSame();
});
