/** What `plan` promises of trees of files, that the run then keeps it, and that looking writes and reads nothing. */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { planLines } from '../../cli/plan-lines.js';
import { forecastWords } from '../../cli/plan-sum.js';
import type { JsonObject, NameRules, Source, Target } from '../../connectors/contract.js';
import { plan } from '../../engine/plan/plan.js';
import { specHash } from '../../schemas/hash.js';
import type { Limits, Selection, Spec } from '../../schemas/spec.js';
import type { PlanForecast, PlanResult } from '../../words/plan.js';
import { put, tree } from './file-tree.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import { VIEW } from './plan-view.js';
import type { World } from './world.js';
import { createWorld } from './world.js';

const signal = new AbortController().signal;
const LARGE = 3 * 1024 * 1024;
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
  dir = await mkdtemp(join(tmpdir(), 'drover-plan-'));
  from = join(dir, 'from');
  to = join(dir, 'to');
  await mkdir(from);
});
afterEach(async () => {
  await world.close();
  await rm(dir, { recursive: true, force: true });
});

function begin(selection: Partial<Selection> = {}, limits?: Limits, options: JsonObject = {}): void {
  world = createWorld(server.ledger, {
    selection: { kind: 'files', name: 'share', ...selection },
    systems: {
      old: { type: 'folder', options: { path: from, ...options } },
      new: { type: 'folder', options: { path: to }, ...(limits && { limits }) },
    },
  });
}

/** A target, or source, with other abilities: for the plan and the run. */
function change(
  target: Partial<Target<unknown>>,
  source: (plain: Source<unknown>) => Partial<Source<unknown>> = () => ({}),
) {
  const { connections } = world.deps;
  Object.assign(world.deps, {
    connections: {
      ...connections,
      openTarget: async (...args: Parameters<typeof connections.openTarget>) => {
        const held = await connections.openTarget(...args);
        return { ...held, session: { ...held.session, ...target } };
      },
      openSource: async (...args: Parameters<typeof connections.openSource>) => {
        const held = await connections.openSource(...args);
        return { ...held, session: { ...held.session, ...source(held.session) } };
      },
    },
  });
}

const WINDOWS: NameRules = {
  forbidden: '"*:<>?\\|',
  endings: '. ',
  reserved: ['CON'],
  nameBytes: 40,
  caseless: true,
  formless: true,
};

async function planned(selection: Partial<Selection> = {}, dryRun = false): Promise<PlanResult> {
  const spec: Spec = { ...world.spec, selections: world.spec.selections.map((one) => ({ ...one, ...selection })) };
  const before = await tree(to).catch(() => undefined);
  const made = await plan(world.deps, { spec, specHash: specHash(spec), dryRun }, signal, () => {});
  expect(await tree(to).catch(() => undefined)).toEqual(before);
  return made;
}

/** Plans, runs, and compares what was promised with what was done. */
async function keptPromise(selection: Partial<Selection> = {}): Promise<PlanResult> {
  const made = await planned(selection);
  const run = await world.run({ selection });
  if (!('totals' in run)) throw new Error(`the run did not end: ${JSON.stringify(run)}`);
  const { created, updated, removed, conflicts } = run.totals;
  const { create, update, remove, conflict } = made.totals;
  expect({ created, updated, removed, conflicts }).toEqual({
    created: create,
    updated: update,
    removed: remove,
    conflicts: conflict,
  });
  return made;
}

const NOTHING = { make: 0, create: 0, update: 0, remove: 0, adopt: 0, compare: 0, skip: 0, conflict: 0, refuse: 0 };

test('new, edited, gone, unchanged and excluded, in items and bytes, without reading any content', async () => {
  await put(from, 'a.txt', 'a'.repeat(1_000));
  await put(from, 'b/b.txt', 'b'.repeat(200));
  await put(from, 'b/c.txt', 'c'.repeat(30));
  await put(from, 'large.bin', Buffer.alloc(LARGE));
  await put(from, 'left.tmp', 'x'.repeat(7));
  const mirror = { deletions: 'mirror', maxDeletions: 1, exclude: { files: ['*.tmp'] } } as const;
  begin(mirror);
  const fresh = await keptPromise();
  expect(fresh.totals).toMatchObject({ ...NOTHING, make: 1, create: 5, bytes: 1_230 + LARGE });
  expect(fresh.containers).toMatchObject([{ path: '', excluded: 1, looked: true, volume: { excluded: 7 } }]);
  expect(fresh.problems).toEqual([]);
  const again = await keptPromise();
  expect(again.totals).toMatchObject({ ...NOTHING, unchanged: 5, volume: { unchanged: 1_230 + LARGE } });

  await put(from, 'a.txt', 'A'.repeat(2_000));
  await rm(join(from, 'b/c.txt'));
  await put(from, 'new/d.txt', 'd'.repeat(50));
  let read = 0;
  const reading = () => {
    read++;
    throw new Error('content was read');
  };
  const { connections } = world.deps;
  change({ readBack: reading }, () => ({ read: reading, open: reading }));
  const made = await planned();
  expect(read).toBe(0);
  Object.assign(world.deps, { connections });
  expect(made.totals).toMatchObject({ ...NOTHING, create: 2, update: 1, remove: 1, unchanged: 3, bytes: 50 });
  expect(made.totals.volume).toEqual({
    update: 2_000,
    remove: 30,
    moved: 0,
    unchanged: 200 + LARGE,
    compare: 0,
    excluded: 7,
  });
  await keptPromise();
});

describe('names that the target cannot keep', () => {
  const DECOMPOSED = 'u\u0308.txt';
  beforeEach(async () => {
    for (const name of ['plain.txt', 'what?.txt', 'CON.txt', 'Twin.txt', 'twin.txt', 'ü.txt', DECOMPOSED])
      await put(from, name, name);
    await put(from, `${'long '.repeat(10)}.txt`, 'l');
    await put(from, 'dot./inside.txt', 'i');
  });

  test('are refused where the spec says nothing, and named', async () => {
    begin();
    change({ names: WINDOWS });
    const { names, totals, problems } = await keptPromise();
    expect(totals).toMatchObject({ create: 3, refuse: 7 });
    expect(names).toMatchObject({ renamed: 0, skipped: 0, refused: 6 });
    expect(names?.first.map(({ path, becomes, reason }) => `${path} ${becomes}: ${reason}`)).toEqual(
      [
        'CON.txt refused: the target reserves the name',
        'dot./ refused: the target keeps no name that ends with .',
        `${'long '.repeat(10)}.txt refused: the name has 54 bytes, the target keeps 40`,
        'twin.txt refused: the target takes the name for the same as that of Twin.txt',
        'what?.txt refused: the target keeps no ? in names',
        'ü.txt refused: the target takes the name for the same as that of ü.txt',
      ].map((line) => line.replace('of ü', `of ${DECOMPOSED.slice(0, 2)}`)),
    );
    expect(problems).toEqual([
      {
        where: 'share, unit 1, anna',
        problem: 'the target cannot keep 6 names of the source: what has them would be refused',
        next: 'rename them in the source, or set `names` of the selection to rename or skip',
      },
    ]);
  });

  test('are skipped where the spec says so', async () => {
    begin({ names: 'skip' });
    change({ names: WINDOWS });
    const { names, totals, problems } = await keptPromise();
    expect(totals).toMatchObject({ create: 3, skip: 7, refuse: 0 });
    expect(names).toMatchObject({ renamed: 0, skipped: 6, refused: 0 });
    expect(problems).toEqual([]);
  });

  test('are renamed where the spec says so: the plan tells to what, and the run does that', async () => {
    begin({ names: 'rename' });
    change({ names: WINDOWS });
    const { names, totals } = await keptPromise();
    expect(totals).toMatchObject({ ...NOTHING, make: 1, create: 10 });
    expect(names).toMatchObject({ renamed: 6, skipped: 0, refused: 0 });
    const there = await tree(to);
    for (const { to: path } of names?.first ?? []) expect(Object.keys(there)).toContain(path);
    expect(there['what_.txt']).toBe('what?.txt');
    expect(there['dot_/inside.txt']).toBe('i');
    expect((await planned()).totals).toMatchObject({ ...NOTHING, unchanged: 10 });
    // What has its name keeps it when a twin comes that would sort before it.
    await put(from, 'TWIN.txt', 'TWIN.txt');
    const next = await keptPromise();
    expect(next.names?.first).toMatchObject([{ path: 'TWIN.txt', to: 'TWIN (3).txt' }]);
  });

  test('are named twenty times, and counted beyond', async () => {
    for (let n = 0; n < 30; n++) await put(from, `many/${n}?`, 'x');
    begin({ names: 'skip' });
    change({ names: WINDOWS });
    const made = await planned();
    expect(made.names?.first).toHaveLength(20);
    expect(made.names?.skipped).toBe(36);
    const lines = planLines(made, VIEW);
    expect(lines).toContain('Names that the target cannot keep');
    expect(lines).toContain('  36 skipped');
    expect(lines).toContain('  and 16 more, each named in the report of a run');
    expect(lines).toContain('  share, unit 1, anna: CON.txt is skipped (the target reserves the name)');
  });
});

describe('what stands in the target already', () => {
  beforeEach(async () => {
    await put(from, 'same.txt', 'same');
    await put(from, 'size.txt', 'ours');
    await put(from, 'other.txt', 'of the source');
    await put(from, 'folder/new.txt', 'new');
    await put(from, 'folder/there.txt', 'there');
    await put(to, 'same.txt', 'same');
    await put(to, 'size.txt', 'them');
    await put(to, 'other.txt', 'of somebody else');
    await put(to, 'folder/there.txt', 'there');
  });

  const POLICIES = {
    skip: { conflict: 1 },
    source: { update: 1 },
    target: { skip: 1 },
    newest: { compare: 4 },
  } as const;
  for (const [onConflict, expected] of Object.entries(POLICIES)) {
    test(`is compared by the run where sizes are equal, else decided: onConflict ${onConflict}`, async () => {
      begin({ onConflict: onConflict as keyof typeof POLICIES });
      const { totals } = await planned();
      expect(totals).toMatchObject({ ...NOTHING, create: 1, adopt: 1, compare: 3, ...expected });
    });
  }

  test('a dry run reads both sides, and then knows', async () => {
    await put(from, 'large.bin', Buffer.alloc(LARGE));
    await put(to, 'large.bin', Buffer.alloc(LARGE));
    begin();
    const { totals } = await planned({}, true);
    expect(totals).toMatchObject({ ...NOTHING, create: 1, adopt: 4, conflict: 2, bytes: 3 });
    const run = await world.run();
    // To make a folder that is there is no write, but the run counts it.
    expect(run).toMatchObject({ totals: { created: 2, conflicts: 2 } });
  });

  test('edited or deleted there since the last run', async () => {
    await rm(to, { recursive: true });
    begin();
    await world.run();
    await put(to, 'same.txt', 'edited there');
    await rm(join(to, 'size.txt'));
    await put(to, 'other.txt', 'edited there, and');
    await put(from, 'other.txt', 'edited here');
    const made = await keptPromise();
    expect(made.totals).toMatchObject({ ...NOTHING, conflict: 1, unchanged: 5, changedThere: 2 });
    expect(made.notes).toContainEqual({ where: 'share', note: 'edited on both sides', count: 1, what: 'conflict' });
    expect((await planned({ onConflict: 'source' })).totals).toMatchObject({ update: 1, conflict: 0 });
  });

  test('what was edited there is not removed', async () => {
    const mirror = { deletions: 'mirror', maxDeletions: 1 } as const;
    await rm(to, { recursive: true });
    begin(mirror);
    await world.run();
    await put(to, 'same.txt', 'edited there');
    await rm(join(to, 'other.txt'));
    for (const name of ['same.txt', 'size.txt', 'other.txt']) await rm(join(from, name));
    // What was deleted there too is not to remove.
    expect((await planned()).totals).toMatchObject({ ...NOTHING, remove: 1, skip: 1, unchanged: 3 });
    await world.run();
    expect(Object.keys(await tree(to)).sort()).toEqual(['folder/', 'folder/new.txt', 'folder/there.txt', 'same.txt']);
  });
});

test('links are counted as what becomes of them', async () => {
  await put(from, 'a.txt');
  await symlink('a.txt', join(from, 'link'));
  begin();
  const made = await keptPromise();
  expect(made.totals).toMatchObject({ create: 1, skip: 1 });
  expect(made.notes[0]?.note).toContain('link');
  await world.close();
  to = join(dir, 'elsewhere');
  begin({}, undefined, { links: 'keep' });
  expect((await keptPromise()).totals).toMatchObject({ create: 2, skip: 0 });
});

test('a target without room for it is a problem', async () => {
  await put(from, 'large.bin', randomBytes(LARGE));
  begin();
  change({ room: async () => ({ bytes: 1_000_000 }) });
  const { problems } = await planned();
  expect(problems).toMatchObject([
    {
      where: 'share, unit 1, anna: target',
      problem: 'the target has room for 1.0 MB, and 3.1 MB are to be created',
      next: 'make room there or have its quota raised; a run waits at the gate `quota` when it is full',
    },
  ]);
  change({ room: async () => ({ bytes: LARGE }) });
  expect((await planned()).problems).toEqual([]);
});

describe('how long it would take', () => {
  test('cannot be told before the first run without limits', async () => {
    await put(from, 'a.txt');
    begin();
    const made = await planned();
    expect(made.forecast).toEqual({ items: 1, bytes: 5, unmeasured: 1 });
    expect(forecastWords(made.forecast as PlanForecast)).toBe(
      'how long 1 item, 5 bytes will take cannot be told before a run of some length, and no limits are set',
    );
    await world.run();
    expect((await planned()).forecast).toBeUndefined();
  });

  test('no less than limits allow: what is read back counts against them too', async () => {
    await put(from, 'large.bin', Buffer.alloc(LARGE));
    begin({}, { bytesPerSecond: LARGE / 60 });
    expect((await planned()).forecast).toMatchObject({
      atLeast: 120,
      limit: { system: 'target new', seconds: 120 },
      unmeasured: 1,
    });
    expect((await planned({ verify: 'size' })).forecast).toMatchObject({ atLeast: 60 });
    expect(forecastWords((await planned()).forecast as PlanForecast)).toBe(
      'at least 2 min for 1 item, 3.1 MB: the limits of target new allow no less than 2 min; how fast a unit is otherwise cannot be told before a run of some length',
    );
  });

  test('as earlier runs of the unit took', async () => {
    for (let n = 0; n < 20; n++) await put(from, `${n}.txt`, 'x'.repeat(1_000));
    begin();
    await world.run();
    await server.ledger.pool.query(
      `update event set detail = detail || jsonb_build_object('ms', 10000) where migration = $1 and message = 'slice'`,
      [world.spec.name],
    );
    for (let n = 0; n < 40; n++) await put(from, `more/${n}.txt`, 'x'.repeat(1_000));
    const made = await planned();
    // 61 listed at 2 a second, 41 moved and proven at 2 a second each; the folder has no bytes, hence the bound.
    expect(made.forecast?.atMost).toBeCloseTo(61 / 2 + 41 / 2 + 41 / 2, 0);
    expect(made.forecast?.unmeasured).toBe(0);
    expect(forecastWords(made.forecast as PlanForecast)).toMatch(
      /^about 1 min \d+ s for 41 items, 40 KB: as fast as earlier runs were$/,
    );
  });
});
