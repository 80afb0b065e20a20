/** Files that have another name in the source now: what `plan` says of them, and that the run then does that. */
import { randomBytes } from 'node:crypto';
import { link, mkdir, mkdtemp, rename, rm, stat, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { planLines } from '../../cli/plan-lines.js';
import { hasChanges } from '../../cli/plan-sum.js';
import type { Source } from '../../connectors/contract.js';
import { plan } from '../../engine/plan/plan.js';
import type { ClosedRun } from '../../engine/run/close-run.js';
import { specHash } from '../../schemas/hash.js';
import type { Limits, Selection } from '../../schemas/spec.js';
import type { PlanResult } from '../../words/plan.js';
import { put, tree } from './file-tree.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import { VIEW } from './plan-view.js';
import type { World } from './world.js';
import { createWorld } from './world.js';

const LARGE = 3 * 1024 * 1024;
const MIRROR = { deletions: 'mirror', maxDeletions: 1 } as const;
const NOTHING = { make: 0, create: 0, update: 0, remove: 0, moved: 0, adopt: 0, compare: 0, skip: 0, conflict: 0 };
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
  dir = await mkdtemp(join(tmpdir(), 'drover-renamed-'));
  [from, to] = [join(dir, 'from'), join(dir, 'to')];
  await mkdir(from);
});
afterEach(async () => {
  await world.close();
  await rm(dir, { recursive: true, force: true });
});

type Odd = (source: Source<unknown>) => Partial<Source<unknown>>;

/** `odd`: what the source does otherwise, in plans and runs. */
async function begin(selection: Partial<Selection>, odd?: Odd, limits?: Limits): Promise<void> {
  world = createWorld(server.ledger, {
    selection: { kind: 'files', name: 'share', ...selection },
    systems: {
      old: { type: 'folder', options: { path: from } },
      new: { type: 'folder', options: { path: to }, ...(limits && { limits }) },
    },
  });
  if (odd) change(odd);
  await run();
}

function change(odd: Odd): void {
  const { connections } = world.deps;
  Object.assign(world.deps, {
    connections: {
      ...connections,
      openSource: async (...args: Parameters<typeof connections.openSource>) => {
        const held = await connections.openSource(...args);
        return { ...held, session: { ...held.session, ...odd(held.session) } };
      },
    },
  });
}

/** A source that says nothing of a file but its path, size and date: most WebDAV servers. */
const withoutIds: Odd = (source) => ({
  async *list(...args) {
    for await (const { entries } of source.list(...args))
      yield { entries: entries.map(({ meta: { id: _, ...meta } = {}, ...entry }) => ({ ...entry, meta })) };
  },
});

async function run(): Promise<ClosedRun> {
  const result = await world.run();
  if (!('totals' in result)) throw new Error(`the run did not end: ${JSON.stringify(result)}`);
  return result;
}

async function planned(dryRun = false): Promise<PlanResult> {
  const { spec } = world;
  const before = await tree(to);
  const made = await plan(
    world.deps,
    { spec, specHash: specHash(spec), dryRun },
    new AbortController().signal,
    () => {},
  );
  expect(await tree(to)).toEqual(before);
  return made;
}

/** What the run then creates and removes is what was promised. */
async function keeps({ totals: { create, remove } }: PlanResult): Promise<ClosedRun> {
  const closed = await run();
  expect({ created: closed.totals.created, removed: closed.totals.removed }).toEqual({
    created: create,
    removed: remove,
  });
  expect(closed.totals).toMatchObject({ failures: 0, conflicts: 0, pending: 0 });
  return closed;
}

const inodeOf = async (path: string): Promise<number> => (await stat(join(to, path))).ino;
const perhaps = ({ notes }: PlanResult) => notes.filter(({ note }) => note.startsWith('perhaps renamed'));

for (const selection of [MIRROR, { deletions: 'ignore' } as const]) {
  test(`told by ids, neither created nor removed nor read: deletions ${selection.deletions}`, async () => {
    for (const name of ['a', 'm', 'z']) await put(from, name, name.repeat(100));
    await put(from, 'large.bin', randomBytes(LARGE));
    await begin(selection);
    await mkdir(join(from, 'folder'));
    // To a name that is listed after the old one, and before it.
    await rename(join(from, 'a'), join(from, 'folder/last'));
    await rename(join(from, 'z'), join(from, 'A'));
    await rename(join(from, 'large.bin'), join(from, 'folder/other.bin'));
    // As large as those, which is no sign of anything: they are known.
    await put(from, 'new', 'n'.repeat(100));
    const { connections } = world.deps;
    change(() => ({
      read: () => {
        throw new Error('content was read');
      },
    }));
    const made = await planned();
    Object.assign(world.deps, { connections });
    expect(made.totals).toMatchObject({ ...NOTHING, create: 2, moved: 3, unchanged: 1, bytes: 100 });
    expect(made.totals.volume).toMatchObject({ moved: 200 + LARGE, remove: 0, unchanged: 100 });
    expect(made.forecast).toMatchObject({ items: 5, bytes: 100 });
    expect(made.notes).toEqual([]);
    expect(planLines(made, VIEW).at(-1)).toBe(
      'Plan: 2 to add (100 bytes), 0 to change, 0 to remove, 3 to move (3.1 MB)',
    );
    // A dry run reads, and comes to the same.
    expect((await planned(true)).totals).toEqual(made.totals);
    const before = await Promise.all(['a', 'z', 'large.bin'].map(inodeOf));
    await keeps(made);
    expect(await Promise.all(['folder/last', 'A', 'folder/other.bin'].map(inodeOf))).toEqual(before);
    expect(await tree(to)).toEqual(await tree(from));
    expect((await planned()).totals).toMatchObject({ ...NOTHING, unchanged: 6 });
  });
}

test('a whole folder: its files are renamed, the folder is made, and nothing waits for approval', async () => {
  for (let n = 0; n < 20; n++) await put(from, `old/${n}`, `content ${n}`);
  await begin({ deletions: 'mirror', maxDeletions: 0.2 });
  await rename(join(from, 'old'), join(from, 'new'));
  const made = await planned();
  expect(made.totals).toMatchObject({ ...NOTHING, create: 1, moved: 20, remove: 1, bytes: 0 });
  expect(made.notes).toEqual([]);
  await keeps(made);
  expect(await tree(to)).toEqual(await tree(from));
});

test('a rename alone is a change', async () => {
  await put(from, 'a');
  await begin(MIRROR);
  await rename(join(from, 'a'), join(from, 'b'));
  const { totals } = await planned();
  expect(totals).toMatchObject({ ...NOTHING, moved: 1 });
  expect(hasChanges(totals)).toBe(true);
  await run();
  expect(hasChanges((await planned()).totals)).toBe(false);
});

describe('where only the content could tell', () => {
  test('one that came and one that left are named when no other has their size, and a dry run knows', async () => {
    await put(from, 'gone.txt', 'of this size');
    await put(from, 'kept.txt', 'of this size');
    for (const name of ['x', 'y']) await put(from, name, name.repeat(50));
    await put(from, 'unlike', 'u');
    await begin(MIRROR, withoutIds);
    await rename(join(from, 'gone.txt'), join(from, 'came.txt'));
    await rename(join(from, 'x'), join(from, 'v'));
    await unlink(join(from, 'y'));
    await put(from, 'w', 'w'.repeat(50));
    await unlink(join(from, 'unlike'));
    const made = await planned();
    expect(made.totals).toMatchObject({ ...NOTHING, create: 3, remove: 4, moved: 0, unchanged: 1, bytes: 112 });
    const said =
      'perhaps renamed: a new file is as large as one that left the source; a run compares their contents, and so does a dry run';
    expect(made.notes).toEqual([
      { where: 'share', note: `${said}: gone.txt -> came.txt`, count: 1 },
      { where: 'share', note: said, count: 2 },
    ]);
    const known = await planned(true);
    expect(known.totals).toMatchObject({ ...NOTHING, create: 1, remove: 2, moved: 2, unchanged: 1, bytes: 50 });
    expect(perhaps(known)).toEqual([]);
    await keeps(known);
    expect(await tree(to)).toEqual(await tree(from));
  });

  test('of many alike each counts once', async () => {
    for (let n = 0; n < 30; n++) await put(from, `old ${n}`, 'alike');
    await begin(MIRROR, withoutIds);
    for (let n = 0; n < 29; n++) await rename(join(from, `old ${n}`), join(from, `new ${n}`));
    await unlink(join(from, 'old 29'));
    expect(perhaps(await planned())).toMatchObject([{ count: 29 }]);
    const known = await planned(true);
    expect(known.totals).toMatchObject({ ...NOTHING, moved: 29, remove: 1, bytes: 0 });
    await keeps(known);
  });
});

describe('not renamed', () => {
  test('is what was edited in the target: it is created, and the edit stays', async () => {
    await put(from, 'a', 'of the source');
    await begin(MIRROR);
    await put(to, 'a', 'edited by a person');
    await rename(join(from, 'a'), join(from, 'b'));
    const made = await planned();
    expect(made.totals).toMatchObject({ ...NOTHING, create: 1, skip: 1, bytes: 13 });
    await run();
    expect(await tree(to)).toEqual({ a: 'edited by a person', b: 'of the source' });
  });

  test('is what somebody removed from the target', async () => {
    await put(from, 'a', 'of the source');
    await begin(MIRROR);
    await unlink(join(to, 'a'));
    await rename(join(from, 'a'), join(from, 'b'));
    const made = await planned();
    expect(made.totals).toMatchObject({ ...NOTHING, create: 1, bytes: 13 });
    await run();
    expect(await tree(to)).toEqual({ b: 'of the source' });
  });

  test('is a second name of a file that keeps the first', async () => {
    await put(from, 'a', 'twice');
    await begin(MIRROR);
    await link(join(from, 'a'), join(from, 'b'));
    const made = await planned();
    expect(made.totals).toMatchObject({ ...NOTHING, create: 1, unchanged: 1, bytes: 5 });
    await keeps(made);
    expect(await tree(to)).toEqual(await tree(from));
  });

  test('is what is empty: one is like another', async () => {
    await put(from, 'a', '');
    await begin(MIRROR);
    await rename(join(from, 'a'), join(from, 'b'));
    for (const dryRun of [false, true]) {
      const made = await planned(dryRun);
      expect(made.totals).toMatchObject({ ...NOTHING, create: 1, remove: 1 });
      expect(made.notes).toEqual([]);
    }
    await keeps(await planned());
  });

  test('is what goes to a path where something stands', async () => {
    await put(from, 'a', 'of the source');
    await begin(MIRROR);
    await rename(join(from, 'a'), join(from, 'b'));
    await put(to, 'b', 'as long, yet.');
    expect((await planned()).totals).toMatchObject({ ...NOTHING, compare: 1, remove: 1 });
    await put(to, 'b', 'of somebody else, longer');
    const made = await planned();
    expect(made.totals).toMatchObject({ ...NOTHING, conflict: 1, remove: 1 });
    await run();
    expect(await tree(to)).toEqual({ b: 'of somebody else, longer' });
  });
});

test('what is read back of renamed files counts against limits, what they hold is not sent', async () => {
  await put(from, 'large.bin', Buffer.alloc(LARGE));
  await begin({ ...MIRROR }, undefined, { bytesPerSecond: LARGE * 10 });
  await rename(join(from, 'large.bin'), join(from, 'other.bin'));
  const { forecast } = await planned();
  expect(forecast).toMatchObject({ items: 1, bytes: 0 });
  expect(forecast?.limit?.seconds).toBeCloseTo(0.1);
});
