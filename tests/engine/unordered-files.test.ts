/** Trees of files that are listed in no order: what a folder holds that was not looked into is never gone. */
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { ItemRef } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import type { FileSource } from '../../connectors/kinds/files.js';
import { unseen } from '../../connectors/kinds/files.js';
import { plan } from '../../engine/plan/plan.js';
import type { ClosedRun } from '../../engine/run/close-run.js';
import { specHash } from '../../schemas/hash.js';
import type { Selection } from '../../schemas/spec.js';
import { put, tree } from './file-tree.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import { withOddFolder } from './odd-folder.js';
import type { World } from './world.js';
import { createWorld } from './world.js';

let server: LedgerServer;
let world: World;
let dir: string;
let from: string;
let to: string;
/** A folder that the source does not show at present. */
let closed: string | undefined;

beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'drover-unordered-'));
  [from, to] = [join(dir, 'from'), join(dir, 'to')];
  await mkdir(from);
  await mkdir(to);
  for (const name of ['b/sub/y', 'b/x', 'a', 'c/d/e', 'c/f', 'z']) await put(from, name);
  closed = undefined;
  world = createWorld(server.ledger, {
    selection: { kind: 'files', deletions: 'mirror', maxDeletions: 1 },
    systems: { old: { type: 'folder', options: { path: from } }, new: { type: 'folder', options: { path: to } } },
    connectors: withOddFolder({ source: inNoOrder }),
  });
});
afterEach(async () => {
  await world.close();
  await rm(dir, { recursive: true, force: true });
});

const PAGE = 3;

/** Children before their parents, in pages that may be gone on with. */
function inNoOrder(source: FileSource): FileSource {
  return {
    ...source,
    listing: 'unordered',
    async *list(container, after, signal, opens) {
      const all: ItemRef[] = [];
      for await (const { entries } of source.list(container, undefined, signal, opens)) all.push(...entries);
      const shown = all.filter(({ key }) => closed === undefined || !key.startsWith(closed));
      if (closed !== undefined) shown.push(unseen(closed, 'permission denied'));
      shown.reverse();
      for (let at = Number(after ?? 0); at < shown.length; at += PAGE) {
        yield { entries: shown.slice(at, at + PAGE), ...(at + PAGE < shown.length && { cursor: String(at + PAGE) }) };
      }
    },
    async *open(container, ref, range, signal) {
      if (closed !== undefined && ref.key.startsWith(closed)) throw new Fault('refused', 'permission denied');
      yield* source.open(container, ref, range, signal);
    },
  };
}

async function run(selection?: Partial<Selection>): Promise<ClosedRun> {
  const result = await world.run(selection ? { selection } : {});
  if (!('totals' in result)) throw new Error(`the run did not end: ${JSON.stringify(result)}`);
  return result;
}

async function planned() {
  const { spec, deps } = world;
  const made = await plan(
    deps,
    { spec, specHash: specHash(spec), dryRun: false },
    new AbortController().signal,
    () => {},
  );
  return made.totals;
}

it('moves a tree, then what came, left, and has another name', async () => {
  expect(await planned()).toMatchObject({ create: 10 });
  expect(await run()).toMatchObject({ state: 'done', totals: { items: 10, verified: 10 } });
  expect(await tree(to)).toEqual(await tree(from));
  await rm(join(from, 'c/f'));
  await put(from, 'b/new');
  await rename(join(from, 'z'), join(from, 'b/z'));
  expect(await planned()).toMatchObject({ create: 1, remove: 1, moved: 1 });
  expect(await run()).toMatchObject({ state: 'done', totals: { items: 10, verified: 10, removed: 1 } });
  expect(await tree(to)).toEqual(await tree(from));
  expect(await run()).toMatchObject({ state: 'done', totals: { created: 0, updated: 0, removed: 0 } });
});

it('takes nothing for gone below a folder that is not shown', async () => {
  await run();
  closed = 'b/';
  await rm(join(from, 'c/f'));
  expect(await run()).toMatchObject({ state: 'failed', totals: { removed: 1, failures: 1 } });
  expect(await tree(to)).toMatchObject({ 'b/sub/y': 'b/sub/y', 'b/x': 'b/x' });
  closed = undefined;
  await rm(join(from, 'b/x'));
  expect(await run()).toMatchObject({ state: 'done', totals: { removed: 1, failures: 0 } });
  expect(await tree(to)).toEqual(await tree(from));
});

it('lets be what stands below a folder that the spec leaves out now', async () => {
  await run();
  await rm(join(from, 'c/f'));
  await put(from, 'b/later');
  const narrow = { exclude: { folders: ['b'] } };
  expect(await run(narrow)).toMatchObject({ state: 'done', totals: { removed: 1 } });
  expect(await tree(to)).toMatchObject({ 'b/sub/y': 'b/sub/y', 'b/x': 'b/x' });
  expect(Object.keys(await tree(to))).not.toContain('b/later');
  expect(await run()).toMatchObject({ state: 'done', totals: { removed: 0 } });
  expect(await tree(to)).toEqual(await tree(from));
});
