/** Trees have one container: what the spec leaves out of one is left alone all the same. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { plan } from '../../engine/plan/plan.js';
import type { ClosedRun } from '../../engine/run/close-run.js';
import { specHash } from '../../schemas/hash.js';
import type { Selection } from '../../schemas/spec.js';
import type { PlanResult } from '../../words/plan.js';
import { put, tree } from './file-tree.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import type { World } from './world.js';
import { createWorld } from './world.js';

const NO_ARCHIVE = { exclude: { folders: ['archive'] } };
let server: LedgerServer;
let world: World;
let dir: string;
let from: string;
let to: string;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'drover-files-'));
  from = join(dir, 'from');
  to = join(dir, 'to');
  await mkdir(from);
});
afterEach(async () => {
  await world.close();
  await rm(dir, { recursive: true, force: true });
});

function begin(selection: Partial<Selection> = {}): void {
  world = createWorld(server.ledger, {
    selection: { kind: 'files', ...selection },
    systems: { old: { type: 'folder', options: { path: from } }, new: { type: 'folder', options: { path: to } } },
  });
}

function planned(selection: Partial<Selection>): Promise<PlanResult> {
  const spec = { ...world.spec, selections: world.spec.selections.map((s) => ({ ...s, ...selection })) };
  return plan(world.deps, { spec, specHash: specHash(spec), dryRun: false }, new AbortController().signal, () => {});
}

it('a folder that is excluded after a listing gets nothing, and is moved when it is included again', async () => {
  for (const path of ['a.txt', 'archive/b.txt', 'archive/deep/c.txt']) await put(from, path);
  begin();
  const listed = world.slices();
  await listed.next();

  const without = (await world.run({ selection: NO_ARCHIVE })) as ClosedRun;
  const there = Object.keys(await tree(to));
  const again = (await world.run()) as ClosedRun;

  expect(without).toMatchObject({ state: 'done', totals: { items: 1, verified: 1, pending: 0 } });
  expect(there).toEqual(['a.txt']);
  expect(again).toMatchObject({ state: 'done', totals: { items: 5, verified: 5, created: 4 } });
  expect(await tree(to)).toEqual(await tree(from));
});

it('copies in a folder that is excluded now outlive what was deleted there; plan says the same', async () => {
  const mirror = { deletions: 'mirror', maxDeletions: 1 } as const;
  for (const path of ['a.txt', 'b.txt', 'archive/c.txt']) await put(from, path);
  begin(mirror);
  await world.run();
  await rm(join(from, 'archive'), { recursive: true });
  await rm(join(from, 'b.txt'));

  const { totals } = await planned({ ...mirror, ...NO_ARCHIVE });
  const closed = (await world.run({ selection: { ...mirror, ...NO_ARCHIVE } })) as ClosedRun;

  expect(totals.remove).toBe(1);
  expect(closed).toMatchObject({ state: 'done', totals: { removed: 1 } });
  expect(Object.keys(await tree(to)).sort()).toEqual(['a.txt', 'archive/', 'archive/c.txt']);
});
