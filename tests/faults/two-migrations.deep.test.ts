/**
 * Two migrations with names of their own over the same accounts, at once: a person may start the real one while the pilot
 * still runs. Both end, nothing is doubled, and each report is right.
 */

import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { writeReport } from '../../report/write-report.js';
import { createRandom } from '../sample/random.js';
import type { Fleet } from './fleet.js';
import { startFleet } from './fleet.js';
import type { KindScene, SceneKind } from './kind-scenes.js';
import { KINDS, SCENE_ENV, startScene } from './kind-scenes.js';

const ITEMS: Readonly<Record<SceneKind, number>> = { mail: 1_000, 'contacts and calendars': 600, files: 800 };
const seed = Number(process.env.TEST_SEED ?? 20190301);

let fleet: Fleet;
let scene: KindScene | undefined;
beforeAll(async () => {
  fleet = await startFleet(2, { ...SCENE_ENV, DROVER_SLICE_SECONDS: '2' });
});
afterEach(() => scene?.stop());
afterAll(() => fleet?.stop());

it.each(KINDS)(`%s: two migrations over one pairing (TEST_SEED=${seed})`, async (kind) => {
  const random = createRandom(seed);
  scene = await startScene(kind, { seed, items: ITEMS[kind] });
  const { items } = scene;
  const whole = {
    state: 'done',
    failed: 0,
    totals: { items, verified: items, failures: 0, pending: 0, duplicates: 0 },
  };
  const names = ['pilot', 'real'].map((name) => `${name}-${KINDS.indexOf(kind)}`) as [string, string];

  const pilot = await fleet.apply(scene.spec(names[0], { itemsPerSecond: 100 }));
  await delay(random.next() * 4_000);
  const real = await fleet.apply(scene.spec(names[1], { itemsPerSecond: 100 }));

  expect(await Promise.all([pilot.result(), real.result()])).toMatchObject([whole, whole]);
  await scene.expectSame();
  for (const migration of names) {
    const report = await writeReport(fleet.ledger, { migration, folder: join(fleet.dir, migration) });
    expect(report?.verdict, migration).toMatchObject({ complete: true, items, verified: items, duplicates: 0 });
  }
  // Whoever comes a second time finds nothing to do.
  const again = await fleet.apply(scene.spec(names[0], {}));
  expect(await again.result()).toMatchObject({ ...whole, totals: { ...whole.totals, changed: 0, conflicts: 0 } });
  await scene.expectSame();
});
