/** Files through the engine: folders on disk, a real ledger. */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ClosedRun } from '../../engine/run/close-run.js';
import type { Selection } from '../../schemas/spec.js';
import { put, tree } from './file-tree.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import type { World } from './world.js';
import { createWorld } from './world.js';

const LARGE = 20 * 1024 * 1024 + 17;
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

function begin(selection: Partial<Selection> = {}, settings = {}): World {
  world = createWorld(server.ledger, {
    selection: { kind: 'files', ...selection },
    settings,
    systems: { old: { type: 'folder', options: { path: from } }, new: { type: 'folder', options: { path: to } } },
  });
  return world;
}

async function run(selection?: Partial<Selection>): Promise<ClosedRun> {
  const result = await world.run(selection ? { selection } : {});
  if (!('totals' in result)) throw new Error(`the run did not end: ${JSON.stringify(result)}`);
  return result;
}

async function reasons(): Promise<string[]> {
  const { rows } = await server.ledger.pool.query<{ said: string }>(
    `select i.key || ': ' || i.outcome || ', ' || coalesce(i.reason, '') as said from item i
     join container c on c.id = i.container join unit u on u.pairing = c.pairing
     where u.migration = $1 and i.reason is not null order by 1`,
    [world.spec.name],
  );
  return rows.map((row) => row.said);
}

test('a tree moves with empty folders, empty files and large ones, and a second run writes nothing', async () => {
  await put(from, 'a.txt');
  await put(from, 'a/b/c.txt');
  await put(from, 'a/empty', '');
  await put(from, 'large.bin', randomBytes(LARGE));
  await mkdir(join(from, 'nothing/in/here'), { recursive: true });
  await utimes(join(from, 'a.txt'), new Date(), new Date('2019-03-04T05:06:07Z'));
  begin();
  const { totals } = await run();
  expect(totals).toMatchObject({ items: 9, verified: 9, failures: 0, pending: 0, created: 9 });
  expect(await tree(to)).toEqual(await tree(from));
  expect((await stat(join(to, 'a.txt'))).mtime.toISOString()).toBe('2019-03-04T05:06:07.000Z');
  expect((await run()).totals).toMatchObject({ verified: 9, changed: 0, created: 0 });
  expect(await readdir(join(to, '.drover-uploads'))).toEqual([]);
});

test('a large file goes on part by part, over as many slices as it takes', async () => {
  const content = randomBytes(100 * 1024 * 1024);
  await put(from, 'large.bin', content);
  begin({}, { sliceMs: 100 });
  expect((await run()).totals).toMatchObject({ verified: 1, failures: 0 });
  expect((await readFile(join(to, 'large.bin'))).equals(content)).toBe(true);
  await put(from, 'large.bin', content.reverse());
  expect((await run()).totals).toMatchObject({ verified: 1, updated: 1 });
  expect((await readFile(join(to, 'large.bin'))).equals(content)).toBe(true);
  const { rows } = await server.ledger.pool.query('select 1 from upload');
  expect(rows).toEqual([]);
});

test('edits, renames and deletions reach the target', async () => {
  for (const name of ['edited', 'kept', 'removed', 'renamed']) await put(from, `${name}.txt`);
  await put(from, 'large.bin', randomBytes(LARGE));
  begin({ deletions: 'mirror', maxDeletions: 1 });
  await run();
  await put(from, 'edited.txt', 'another');
  await put(from, 'large.bin', randomBytes(LARGE));
  await mkdir(join(from, 'folder'));
  await rename(join(from, 'renamed.txt'), join(from, 'folder/new name.txt'));
  await rm(join(from, 'removed.txt'));
  const inode = (await stat(join(to, 'renamed.txt'))).ino;
  const { totals } = await run();
  expect(totals).toMatchObject({ verified: 5, updated: 2, removed: 1, failures: 0 });
  expect(await tree(to)).toEqual(await tree(from));
  // Renamed, not written again.
  expect((await stat(join(to, 'folder/new name.txt'))).ino).toBe(inode);
});

describe('a file that a person changed in the target', () => {
  for (const [size, content] of [
    ['small', () => randomBytes(100)],
    ['large', () => randomBytes(LARGE)],
  ] as const) {
    async function bothChanged(selection: Partial<Selection>) {
      await put(from, 'file', content());
      begin(selection);
      await run();
      await put(to, 'file', 'a person');
      await put(from, 'file', content());
      return run();
    }

    test(`${size}: stays, and is reported`, async () => {
      const { totals } = await bothChanged({});
      expect(totals).toMatchObject({ conflicts: 1 });
      expect((await tree(to)).file).toBe('a person');
      expect(await reasons()).toEqual(['file: conflict, edited on both sides']);
    });

    test(`${size}: is replaced where the source wins`, async () => {
      const { totals } = await bothChanged({ onConflict: 'source' });
      expect(totals).toMatchObject({ conflicts: 0, verified: 1 });
      expect(await tree(to)).toEqual(await tree(from));
    });

    test(`${size}: is kept beside under another name`, async () => {
      await bothChanged({ onConflict: 'both' });
      await run();
      const now = await tree(to);
      expect(Object.values(now).sort()).toEqual([...Object.values(await tree(from)), 'a person'].sort());
    });

    test(`${size}: was there before us: adopted when equal, a conflict when not`, async () => {
      const same = content();
      await put(from, 'same', same);
      await put(to, 'same', same);
      await put(from, 'other', content());
      await put(to, 'other', 'a person');
      begin();
      expect((await run()).totals).toMatchObject({ verified: 1, conflicts: 1, created: 0 });
      expect((await tree(to)).other).toBe('a person');
    });
  }
});

test('names that are too long are refused, skipped or renamed as the spec says', async () => {
  const long = `${'ü'.repeat(130)}.txt`;
  await put(from, 'plain.txt');
  begin({ map: { folders: { 'in/': `${'x'.repeat(300)}/` } } });
  await put(from, 'in/file.txt');
  expect(Buffer.byteLength(long)).toBeGreaterThan(255);
  expect((await run({ map: { folders: { in: 'x'.repeat(300) } } })).totals).toMatchObject({ verified: 1, failures: 2 });
  expect((await run({ map: { folders: { in: 'x'.repeat(300) } }, names: 'skip' })).totals).toMatchObject({
    verified: 1,
    failures: 0,
    skipped: 2,
  });
  expect((await run({ map: { folders: { in: 'x'.repeat(300) } }, names: 'rename' })).totals).toMatchObject({
    verified: 3,
    failures: 0,
  });
});

test('a large file that was renamed is renamed in the target, and not sent again', async () => {
  await put(from, 'large.bin', randomBytes(LARGE));
  begin({ deletions: 'mirror', maxDeletions: 1 });
  await run();
  const { ino } = await stat(join(to, 'large.bin'));
  await mkdir(join(from, 'folder'));
  await rename(join(from, 'large.bin'), join(from, 'folder/other.bin'));
  expect((await run()).totals).toMatchObject({ verified: 2, failures: 0 });
  expect(await tree(to)).toEqual(await tree(from));
  expect((await stat(join(to, 'folder/other.bin'))).ino).toBe(ino);
  // Copied and taken away, it has another inode: its content tells.
  await writeFile(join(from, 'again.bin'), await readFile(join(from, 'folder/other.bin')));
  await rm(join(from, 'folder/other.bin'));
  expect((await run()).totals).toMatchObject({ failures: 0 });
  expect((await stat(join(to, 'again.bin'))).ino).toBe(ino);
});

test('a file where a folder has to be stops that file alone', async () => {
  await put(from, 'a/small.txt');
  await put(from, 'a/large.bin', randomBytes(LARGE));
  await put(from, 'other.txt');
  await put(to, 'a', 'a file');
  begin();
  const { totals } = await run();
  expect(totals).toMatchObject({ items: 4, verified: 1, pending: 0 });
  expect((await tree(to)).a).toBe('a file');
});

test('names whose order differs between JavaScript and the ledger are all seen, page by page', async () => {
  for (let n = 0; n < 700; n++) for (const letter of ['🎉', 'ｆ']) await put(from, `${letter}${n}`, '');
  begin({ deletions: 'mirror', maxDeletions: 1 });
  expect((await run()).totals).toMatchObject({ verified: 1_400 });
  await put(from, '🎉x', '');
  expect((await run()).totals).toMatchObject({ verified: 1_401, created: 1, removed: 0 });
});
