/** Files and folders that others change on either side, between runs and right in between two requests. */
import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Selection } from '../../schemas/spec.js';
import type { LedgerServer } from '../engine/ledger.js';
import { startLedger } from '../engine/ledger.js';
import { give, startApache } from '../servers/apache.js';
import type { DavAsked, Rule } from '../servers/dav-proxy.js';
import type { DavServer } from '../servers/dav-server.js';
import type { FileWorld } from './file-world.js';
import { contentAt, contentsOf, createFileWorld, expectQuiet, LARGE, runThrough } from './file-world.js';

let ledger: LedgerServer;
let apache: DavServer;
beforeAll(async () => {
  [ledger, apache] = await Promise.all([startLedger(), startApache({ users: ['anna'] })]);
});
afterAll(() => Promise.all([ledger?.stop(), apache?.stop()]));

async function inWorld(
  tell: (world: FileWorld) => Promise<void>,
  selection: Partial<Selection> = { deletions: 'mirror', maxDeletions: 1 },
): Promise<void> {
  const world = await createFileWorld(ledger.ledger, apache, selection);
  try {
    await tell(world);
  } finally {
    await world.close();
  }
}

const small = (): Buffer => randomBytes(300);
const large = (): Buffer => randomBytes(LARGE);
const grown = (): Buffer => randomBytes(LARGE + 777_777);

const asks =
  (method: string, path = ''): NonNullable<Rule['when']> =>
  (asked) =>
    asked.method === method && asked.path.endsWith(path);
/** The last step of an upload, not the trial before the first write. */
const lastStep = (asked: DavAsked): boolean =>
  asked.method === 'MOVE' && String(asked.headers.destination).endsWith('/file');

/** What happens to the file at `path` while nobody looks. */
type Change = (world: FileWorld, path: string) => Promise<unknown>;
const becomes =
  (content: () => Buffer): Change =>
  (world, path) =>
    world.put(world.from, path, content());
const renamedOver: Change = async (world, path) => {
  await world.put(world.from, '../other', large());
  await rename(join(world.from, '../other'), join(world.from, path));
};
const goes: Change = (world, path) => rm(join(world.from, path));
const becomesFolder: Change = async (world, path) => {
  await goes(world, path);
  await world.put(world.from, `${path}/inside`);
};

const CHANGES: Record<string, Change> = {
  'is edited in place': becomes(small),
  'grows to a large one': becomes(grown),
  'becomes another large one': becomes(large),
  'becomes empty': becomes(() => Buffer.alloc(0)),
  'is replaced by another under its name': renamedOver,
  goes: goes,
  'becomes a folder': becomesFolder,
};

/** Both sides hold the same in the end, and then nothing is written any more. */
async function expectSameSoon(world: FileWorld): Promise<void> {
  // What a change left undone the next run does; what stood in the way of that one, the one after it.
  for (let n = 0; n < 2; n++) await runThrough(world);
  const { ran } = await runThrough(world);
  expect(ran.result).toMatchObject({ state: 'done', totals: { failures: 0, pending: 0, conflicts: 0 } });
  expect(await contentsOf(world.to)).toEqual(await contentsOf(world.from));
  await expectQuiet(world);
}

describe('a file of the source that', () => {
  for (const [what, change] of Object.entries(CHANGES)) {
    for (const [size, content] of [
      ['small', small],
      ['large', large],
    ] as const) {
      for (const moment of ['meanwhile', 'afterwards'] as const) {
        const when = moment === 'meanwhile' ? 'before it is read' : 'while it is read';
        it(`is ${size}, and ${what} ${when}`, () =>
          inWorld(async (world) => {
            await world.put(world.from, 'file', content());
            await world.put(world.from, 'neighbour');
            const rule = world.toSource.add({
              when: asks('GET', '/file'),
              times: 1,
              [moment]: () => change(world, 'file'),
            });
            const { ran } = await runThrough(world);
            expect(rule.used).toBe(1);
            expect(ran.result).toMatchObject({ totals: { pending: 0 } });
            expect((await contentAt(world.to, 'neighbour')).toString()).toBe('neighbour');
            await expectSameSoon(world);
          }));
      }
    }
  }

  it('changes each time it is read is left to the next run, and said to be', () =>
    inWorld(async (world) => {
      await world.put(world.from, 'file', large());
      world.toSource.add({ when: asks('GET', '/file'), afterwards: () => becomes(grown)(world, 'file') });
      const { ran } = await runThrough(world);
      expect(ran.result).toMatchObject({ totals: { failures: 1, pending: 0 } });
      expect(await contentsOf(world.to)).toEqual({});
      world.toSource.clear();
      await expectSameSoon(world);
    }));
});

describe('an edit whose answer is lost', () => {
  for (const [size, content, when] of [
    ['small', small, asks('PUT', '/file')],
    ['large', large, lastStep],
  ] as const) {
    it(`${size}: and the file is edited once more`, () =>
      inWorld(async (world) => {
        await world.put(world.from, 'file', content());
        await world.run();
        await world.put(world.from, 'file', content());
        world.toTarget.add({
          when,
          times: 1,
          cut: 'after',
          afterwards: () => world.put(world.from, 'file', content()),
        });
        await runThrough(world);
        await expectSameSoon(world);
      }));
  }
});

describe('in the target a person', () => {
  for (const [size, content, when] of [
    ['small', small, asks('PUT', '/file')],
    ['large', large, lastStep],
  ] as const) {
    it(`edits a ${size} file right before it is replaced: the edit stays`, () =>
      inWorld(async (world) => {
        await world.put(world.from, 'file', content());
        await world.run();
        await world.put(world.from, 'file', content());
        world.toTarget.add({ when, times: 1, meanwhile: () => world.put(world.to, 'file', 'by a person') });
        const { result } = await world.run();
        expect(result).toMatchObject({ totals: { conflicts: 1, pending: 0 } });
        expect(await contentsOf(world.to)).toEqual({ file: 'by a person' });
        await expectQuiet(world, { conflicts: 1 });
      }));

    it(`takes a ${size} file away right before it is replaced: that is a decision, and reported`, () =>
      inWorld(async (world) => {
        await world.put(world.from, 'file', content());
        await world.run();
        await world.put(world.from, 'file', content());
        world.toTarget.add({ when, times: 1, meanwhile: () => rm(join(world.to, 'file')) });
        const { result } = await world.run();
        expect(result).toMatchObject({ totals: { conflicts: 1, pending: 0 } });
        expect(await contentsOf(world.to)).toEqual({});
        await expectQuiet(world, { conflicts: 1 });
      }));

    it(`puts a folder in the place of a ${size} one: it stays, with all it holds`, () =>
      inWorld(async (world) => {
        await world.put(world.from, 'file', content());
        await world.run();
        await rm(join(world.to, 'file'));
        await world.put(world.to, 'file/theirs');
        await world.put(world.from, 'file', content());
        const { result } = await world.run();
        expect(result).toMatchObject({ totals: { conflicts: 1, pending: 0 } });
        expect(await contentsOf(world.to)).toEqual({ 'file/': '', 'file/theirs': 'file/theirs' });
        await expectQuiet(world, { conflicts: 1 });
      }));
  }

  it('removes a folder with most of what was moved: what is new comes into it, the rest is named, and retry brings it back', () =>
    inWorld(async (world) => {
      for (const path of ['folder/a', 'folder/b', 'c']) await world.put(world.from, path);
      await world.put(world.from, 'folder/large', large());
      await world.run();
      await rm(join(world.to, 'folder'), { recursive: true });
      await world.put(world.from, 'folder/new');
      expect((await world.run()).result).toMatchObject({ totals: { failures: 3, created: 1 } });
      expect(await contentsOf(world.to)).toMatchObject({ c: 'c', 'folder/new': 'folder/new' });
      expect((await world.run({}, 'verify')).result).toMatchObject({ totals: { failures: 3 } });
      expect((await world.run({}, 'retry')).result).toMatchObject({ totals: { failures: 0, verified: 6 } });
      await expectSameSoon(world);
    }));

  it('removes the folder of a large file while its last step is under way: it is sent anew', () =>
    inWorld(async (world) => {
      await world.put(world.from, 'folder/file', large());
      const rule = world.toTarget.add({
        when: lastStep,
        times: 1,
        meanwhile: () => rm(join(world.to, 'folder'), { recursive: true }),
      });
      await runThrough(world);
      expect(rule.used).toBe(1);
      await expectSameSoon(world);
    }));

  it('puts a file in the place of a folder: it stays, and what goes elsewhere arrives', () =>
    inWorld(async (world) => {
      for (const path of ['folder/a', 'c']) await world.put(world.from, path);
      await world.run();
      await rm(join(world.to, 'folder'), { recursive: true });
      await writeFile(join(world.to, 'folder'), 'by a person');
      await give(join(world.to, 'folder'));
      await world.put(world.from, 'folder/small');
      await world.put(world.from, 'folder/large', large());
      await world.put(world.from, 'd');
      const { result } = await world.run({ maxFailures: 1 });
      expect(result).toMatchObject({ state: 'failed', totals: { pending: 0 } });
      expect(await contentsOf(world.to)).toEqual({ c: 'c', d: 'd', folder: 'by a person' });
      // Once that is out of the way everything goes on.
      await rm(join(world.to, 'folder'));
      await mkdir(join(world.to, 'folder'));
      await give(join(world.to, 'folder'));
      await world.run({}, 'verify');
      await world.run({}, 'retry');
      await expectSameSoon(world);
    }));

  it('adds files of the same names as those to come: equal ones are adopted, others stay', () =>
    inWorld(async (world) => {
      const same = large();
      for (const [path, ours, theirs] of [
        ['a', 'a', 'a'],
        ['b', 'b', 'by a person'],
        ['c', same, same],
        ['d', large(), 'by a person'],
      ] as const) {
        await world.put(world.from, path, ours);
        await world.put(world.to, path, theirs);
      }
      const { result } = await world.run();
      expect(result).toMatchObject({ totals: { verified: 2, conflicts: 2, created: 0, pending: 0 } });
      expect(await contentsOf(world.to)).toMatchObject({ b: 'by a person', d: 'by a person' });
      await expectQuiet(world, { conflicts: 2 });
    }));
});

it('a tree that turns over between runs arrives as it is', () =>
  inWorld(async (world) => {
    for (const path of ['a/b/c', 'a/d', 'e', 'f/g']) await world.put(world.from, path);
    await world.put(world.from, 'large', large());
    await world.run();
    await rm(join(world.from, 'a'), { recursive: true });
    await world.put(world.from, 'a');
    await rm(join(world.from, 'e'));
    await world.put(world.from, 'e/b/c');
    await rename(join(world.from, 'f'), join(world.from, 'h'));
    await rm(join(world.from, 'large'));
    await world.put(world.from, 'large/inside', large());
    await expectSameSoon(world);
  }));
