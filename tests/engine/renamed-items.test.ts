/** Another href or file name with the same UID is the same item: its copy stays, whatever becomes of deletions. */
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { MemoryAccount } from '../../connectors/memory/store.js';
import { removeFrom, setBytes } from '../../connectors/memory/store.js';
import type { ClosedRun } from '../../engine/run/close-run.js';
import type { Selection } from '../../schemas/spec.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import { reportOf } from './report-of.js';
import type { World } from './world.js';
import { createWorld } from './world.js';

const BOOK = ['Book'];
let server: LedgerServer;
const ending: (() => unknown)[] = [];

beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

const card = (uid: string, ...lines: string[]): Buffer =>
  Buffer.from(['BEGIN:VCARD', 'VERSION:3.0', `UID:${uid}`, `FN:${uid}`, ...lines, 'END:VCARD', ''].join('\r\n'));

const MIRROR = { kind: 'contacts', deletions: 'mirror', maxDeletions: 1 } as const;

function memory(selection: Partial<Selection>, uids = ['anna', 'bert', 'carl']): World {
  const world = createWorld(server.ledger, { selection });
  ending.push(() => world.close());
  for (const uid of uids) world.from.put(BOOK, { bytes: card(uid) });
  return world;
}

async function run(world: World, selection?: Partial<Selection>): Promise<ClosedRun> {
  const result = await world.run(selection ? { selection } : {});
  if (!('totals' in result)) throw new Error(`the run did not end: ${JSON.stringify(result)}`);
  return result;
}

function numberOf(account: MemoryAccount, uid: string, book = BOOK): number {
  const found = [...account.folder(book).messages.values()].find((m) => m.bytes.includes(`UID:${uid}\r\n`));
  if (!found) throw new Error(`there is no ${uid}`);
  return found.uid;
}

const drop = (account: MemoryAccount, uid: string, book = BOOK): unknown =>
  removeFrom(account.folder(book), numberOf(account, uid, book));

/** In memory an item has another key when it is put again. */
function renewKey(account: MemoryAccount, uid: string, body = card(uid), book = BOOK): void {
  drop(account, uid, book);
  account.put(book, { bytes: body });
}

function held(account: MemoryAccount, book = BOOK): string[] {
  return [...account.folder(book).messages.values()]
    .map((m) => m.bytes.toString().replace(/[\s\S]*UID:(\S+)[\s\S]*/, '$1'))
    .sort();
}

it('keeps the copy of an item with a new key, and writes nothing', async () => {
  const world = memory(MIRROR);
  await run(world);
  const copy = numberOf(world.to, 'anna');
  world.target.resetCounts();
  renewKey(world.from, 'anna');

  const { state, totals } = await run(world);

  expect({ state, totals }).toMatchObject({ state: 'done', totals: { items: 3, verified: 3, created: 0, removed: 0 } });
  expect(world.target.counts).toMatchObject({ create: 0, update: 0, move: 0, remove: 0 });
  expect(numberOf(world.to, 'anna')).toBe(copy);
  expect((await reportOf(world, server.ledger)).verdict).toMatchObject({ complete: true, items: 3, verified: 3 });
});

it('carries the edit of an item that has a new key, too', async () => {
  const world = memory(MIRROR);
  await run(world);
  renewKey(world.from, 'anna', card('anna', 'NOTE:edited'));

  const { totals } = await run(world);

  expect(totals).toMatchObject({ items: 3, verified: 3, created: 0, updated: 1, removed: 0 });
  expect(world.to.folder(BOOK).messages.get(numberOf(world.to, 'anna'))?.bytes.toString()).toContain('NOTE:edited');
});

it('does not need approval for one item of twenty with a new key', async () => {
  const uids = Array.from({ length: 20 }, (_, n) => `p${n}`);
  const world = memory({ kind: 'contacts', deletions: 'mirror', maxDeletions: 0 }, uids);
  await run(world);
  renewKey(world.from, 'p1');

  expect((await run(world)).totals).toMatchObject({ items: 20, verified: 20, removed: 0 });
  expect(held(world.to)).toHaveLength(20);
});

it('keeps a copy edited in the target as a conflict when the item is edited under a new key', async () => {
  const world = memory(MIRROR);
  await run(world);
  const folder = world.to.folder(BOOK);
  setBytes(folder, numberOf(world.to, 'anna'), card('anna', 'NOTE:by hand'));
  renewKey(world.from, 'anna', card('anna', 'NOTE:edited'));

  const { totals } = await run(world);

  expect(totals).toMatchObject({ conflicts: 1, removed: 0, created: 0, updated: 0 });
  expect(folder.messages.get(numberOf(world.to, 'anna'))?.bytes.toString()).toContain('NOTE:by hand');
});

it('makes the copy anew when it is gone from the target, too', async () => {
  const world = memory(MIRROR);
  await run(world);
  drop(world.to, 'anna');
  renewKey(world.from, 'anna');

  expect((await run(world)).totals).toMatchObject({ items: 3, verified: 3, created: 1 });
  expect(held(world.to)).toEqual(['anna', 'bert', 'carl']);
});

it('knows an item again that comes back later under another key', async () => {
  const world = memory({ kind: 'contacts' });
  await run(world);
  drop(world.from, 'anna');
  await run(world);
  world.from.put(BOOK, { bytes: card('anna') });

  expect((await run(world)).totals).toMatchObject({ items: 3, verified: 3, created: 0, failures: 0 });
  expect(held(world.to)).toEqual(['anna', 'bert', 'carl']);
});

it('keeps both sides in step when a key changes on either', async () => {
  const world = memory({ ...MIRROR, mode: 'two-way' });
  await run(world);
  renewKey(world.to, 'anna');
  renewKey(world.from, 'bert');
  renewKey(world.to, 'carl', card('carl', 'NOTE:edited'));

  const { state, totals } = await run(world);
  const again = await run(world);

  expect({ state, totals }).toMatchObject({ state: 'done', totals: { items: 3, verified: 3, removed: 0, created: 0 } });
  expect(again.totals).toMatchObject({ items: 3, verified: 3, created: 0, updated: 0, removed: 0 });
  expect([held(world.from), held(world.to)]).toEqual([held(world.from), ['anna', 'bert', 'carl']]);
  expect(world.from.folder(BOOK).messages.get(numberOf(world.from, 'carl'))?.bytes.toString()).toContain('NOTE:edited');
});

it('removes on one side what was deleted on the other after its key changed', async () => {
  const world = memory({ ...MIRROR, mode: 'two-way' });
  await run(world);
  renewKey(world.to, 'anna');
  await run(world);
  drop(world.to, 'anna');
  drop(world.from, 'bert');
  await run(world);

  expect([held(world.from), held(world.to)]).toEqual([['carl'], ['carl']]);
});

it('keeps the copy when a file of a vdir gets another name', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'drover-renamed-'));
  ending.push(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, 'src', 'Book'), { recursive: true });
  for (const uid of ['p1', 'p2', 'p3']) await writeFile(join(folder, 'src', 'Book', `${uid}.vcf`), card(uid));
  const vdir = (name: string) => ({ type: 'vdir', options: { path: join(folder, name) } });
  const systems = { old: vdir('src'), new: vdir('out') };
  const world = createWorld(server.ledger, { systems, selection: MIRROR });
  ending.push(() => world.close());
  await run(world);
  await rename(join(folder, 'src', 'Book', 'p1.vcf'), join(folder, 'src', 'Book', 'renamed-p1.vcf'));

  const { state, totals } = await run(world);

  expect({ state, totals }).toMatchObject({ state: 'done', totals: { items: 3, verified: 3, created: 0, removed: 0 } });
  expect((await readdir(join(folder, 'out', 'Book'))).filter((name) => name.endsWith('.vcf'))).toHaveLength(3);
});

const ONE_BOOK = { map: { folders: { A: 'All', B: 'All' } } };

it('moves the second of two with one UID when the first is gone', async () => {
  const world = createWorld(server.ledger, { selection: { ...MIRROR, ...ONE_BOOK } });
  ending.push(() => world.close());
  for (const book of ['A', 'B']) {
    world.from.put([book], { bytes: card('shared') });
    world.from.put([book], { bytes: card(`only-${book}`) });
  }
  const first = await run(world);
  drop(world.from, 'shared', ['A']);

  const second = await run(world);

  expect(first.totals).toMatchObject({ items: 4, verified: 3, skipped: 1 });
  expect(second.totals).toMatchObject({ items: 3, verified: 3, skipped: 0, removed: 0 });
  expect(held(world.to, ['All'])).toEqual(['only-A', 'only-B', 'shared']);
});

it('moves the second of two with one address when the first has another, in the same run', async () => {
  const world = createWorld(server.ledger, { selection: { kind: 'contacts', match: ['uid', 'email'] } });
  ending.push(() => world.close());
  world.from.put(BOOK, { bytes: card('anna', 'EMAIL:info@firma.example') });
  world.from.put(BOOK, { bytes: card('bert', 'EMAIL:info@firma.example') });
  const first = await run(world);
  const idle = await run(world);
  setBytes(world.from.folder(BOOK), numberOf(world.from, 'anna'), card('anna', 'EMAIL:anna@firma.example'));

  const second = await run(world);

  expect(first.totals).toMatchObject({ verified: 1, skipped: 1 });
  expect(idle.totals).toMatchObject({ verified: 1, skipped: 1, changed: 0 });
  expect(second.totals).toMatchObject({ verified: 2, skipped: 0, created: 1, updated: 1 });
  expect(held(world.to)).toEqual(['anna', 'bert']);
});
