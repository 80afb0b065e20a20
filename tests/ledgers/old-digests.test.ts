/** Ledgers whose digests are of version 1 go on: an old digest is computed anew, and is nobody's edit, alteration or conflict. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { setBytes } from '../../connectors/memory/store.js';
import type { Ledger } from '../../ledger/ledger.js';
import { contents, ended, expectQuiet, report } from '../engine/doubt.js';
import type { LedgerServer } from '../engine/ledger.js';
import { startLedger } from '../engine/ledger.js';
import type { World } from '../engine/world.js';
import { createWorld } from '../engine/world.js';
import { inStep, meeting, openEdits, openMeetings, person, settledMeetings } from './digest-situations.js';
import { dumpOf, loadLedger } from './load.js';
import type { Situation } from './situations.js';
import { BOOK, TEAM } from './situations.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

async function upgraded(situation: Situation): Promise<{ ledger: Ledger; world: World }> {
  const { ledger, close: drop } = await loadLedger(server, await dumpOf(situation.name, '0.4'), '0.4');
  const world = createWorld(ledger, { name: situation.name, ...situation.options });
  situation.build(world);
  open.push(
    () => world.close(),
    () => drop(),
  );
  return { ledger, world };
}

/** How many digests of items have which version. */
async function versions(ledger: Ledger): Promise<Record<'one' | 'two', number>> {
  const { rows } = await ledger.pool.query<{ one: number; two: number }>(
    `select count(*) filter (where octet_length(digest) = 32)::int as one,
       count(*) filter (where octet_length(digest) = 33 and get_byte(digest, 0) = 2)::int as two from item`,
  );
  return rows[0] as { one: number; two: number };
}

/** Saved again by its server: the same bytes under another version. */
function saveAgain({ from, to }: World, path: readonly string[], sides: 'from' | 'to' | 'both'): void {
  const accounts = sides === 'both' ? [from, to] : [sides === 'from' ? from : to];
  for (const account of accounts)
    for (const { uid, bytes } of [...account.folder(path).messages.values()])
      setBytes(account.folder(path), uid, bytes);
}

const UNWRITTEN = { create: 0, update: 0, move: 0, remove: 0 };

describe('items that have settled', () => {
  it('have nothing to do, and keep their digests', async () => {
    const { ledger, world } = await upgraded(settledMeetings);
    world.target.resetCounts();

    expect(await ended(world)).toMatchObject({ state: 'done', totals: { items: 3, verified: 3, duplicates: 1 } });

    expect(world.target.counts).toMatchObject(UNWRITTEN);
    expect(await versions(ledger)).toEqual({ one: 3, two: 0 });
  });

  it('are no edits when the source has saved them again, and get digests of this version', async () => {
    const { ledger, world } = await upgraded(settledMeetings);
    saveAgain(world, TEAM, 'from');
    world.target.resetCounts();

    expect(await ended(world)).toMatchObject({
      state: 'done',
      totals: { items: 3, verified: 3, changed: 0, conflicts: 0, duplicates: 1 },
    });

    expect(world.target.counts).toMatchObject(UNWRITTEN);
    expect(await versions(ledger)).toEqual({ one: 0, two: 3 });
    await expectQuiet(world);
  });

  it('are not altered when they are read back, and get digests of this version', async () => {
    const { ledger, world } = await upgraded(settledMeetings);

    const done = await ended(world, { reason: 'verify' });

    expect(done).toMatchObject({ state: 'done', totals: { items: 3, verified: 3, failures: 0, duplicates: 1 } });
    expect(await versions(ledger)).toEqual({ one: 0, two: 3 });
    expect((await report(ledger, world)).verdict).toMatchObject({ complete: true, verified: 3 });
  });

  it('are altered when the copy says something else indeed', async () => {
    const { world } = await upgraded(settledMeetings);
    const copy = [...world.to.folder(TEAM).messages.values()].find(({ bytes }) => bytes.includes('UID:one'));
    const changed = meeting('one').toString().replace('CN="Miller, Max"', 'CN="Miller"');
    setBytes(world.to.folder(TEAM), copy?.uid as number, Buffer.from(changed));

    expect(await ended(world, { reason: 'verify' })).toMatchObject({ state: 'failed', totals: { failures: 1 } });
  });

  it('are replaced when they were edited, also where the target has saved its copies again', async () => {
    const { world } = await upgraded(settledMeetings);
    saveAgain(world, TEAM, 'to');
    setBytes(world.from.folder(TEAM), 1, meeting('one', 'New'));
    world.target.resetCounts();

    expect(await ended(world)).toMatchObject({ state: 'done', totals: { items: 3, verified: 3, conflicts: 0 } });

    // Once over the version that we left, and once over that of now.
    expect(world.target.counts).toMatchObject({ ...UNWRITTEN, update: expect.any(Number) });
    expect(contents(world.to, TEAM).join()).toContain('SUMMARY:New');
    await expectQuiet(world);
  });

  it('are found again by their old digests when the target renumbers them', async () => {
    const { world } = await upgraded(settledMeetings);
    world.to.renumber(TEAM);
    setBytes(world.from.folder(TEAM), 1, meeting('one', 'New'));
    world.target.resetCounts();

    expect(await ended(world)).toMatchObject({ state: 'done', totals: { items: 3, verified: 3, duplicates: 1 } });

    expect(world.target.counts).toMatchObject({ create: 0, move: 0, remove: 0 });
    expect(contents(world.to, TEAM).join()).toContain('SUMMARY:New');
  });

  it('have copies beside them that are duplicates still, also new ones', async () => {
    const { world } = await upgraded(settledMeetings);
    world.to.put(TEAM, { bytes: meeting('three') });

    expect(await ended(world, { reason: 'verify' })).toMatchObject({ totals: { verified: 3, duplicates: 2 } });
  });

  it('move with their old digests to another calendar', async () => {
    const { world } = await upgraded(settledMeetings);
    world.from.folder(TEAM).messages.delete(1);
    world.from.folder(TEAM).gone.set(1, ++world.from.folder(TEAM).modseq);
    world.from.put(['Other'], { bytes: meeting('one') });
    world.target.resetCounts();

    expect(await ended(world)).toMatchObject({ state: 'done', totals: { items: 3, verified: 3 } });

    expect(world.target.counts).toMatchObject({ create: 0, move: 1, remove: 0 });
    expect(contents(world.to, ['Other'])).toEqual(contents(world.from, ['Other']));
  });
});

describe('writes in doubt', () => {
  it('are found where they have landed', async () => {
    const { world } = await upgraded(openMeetings);
    world.target.resetCounts();

    expect(await ended(world)).toMatchObject({ state: 'done', totals: { items: 4, verified: 4, duplicates: 0 } });

    expect(world.target.counts).toMatchObject({ ...UNWRITTEN, create: 1 });
    expect(contents(world.to, TEAM)).toEqual(contents(world.from, TEAM));
    await expectQuiet(world);
  });

  it('of edits are settled without a conflict', async () => {
    const { world } = await upgraded(openEdits);
    world.target.resetCounts();

    expect(await ended(world)).toMatchObject({ state: 'done', totals: { items: 3, verified: 3, conflicts: 0 } });

    expect(world.target.counts).toMatchObject({ ...UNWRITTEN, update: 1 });
    expect(contents(world.to, BOOK)).toEqual(contents(world.from, BOOK));
    await expectQuiet(world);
  });
});

describe('two sides in step', () => {
  it.each(['from', 'to', 'both'] as const)('have nothing to carry when all was saved again (%s)', async (sides) => {
    const { ledger, world } = await upgraded(inStep);
    saveAgain(world, BOOK, sides);
    for (const store of [world.source, world.target]) store.resetCounts();

    expect(await ended(world)).toMatchObject({
      state: 'done',
      totals: { items: 3, verified: 3, conflicts: 0, changed: 0, duplicates: 0 },
    });

    for (const { counts } of [world.source, world.target]) expect(counts).toMatchObject(UNWRITTEN);
    expect((await versions(ledger)).two).toBeGreaterThan(0);
  });

  it('carry an edit of either side, and only that', async () => {
    const { world } = await upgraded(inStep);
    for (const store of [world.source, world.target]) store.resetCounts();
    setBytes(world.from.folder(BOOK), 1, person('anna', 'Edited in the source'));
    setBytes(world.to.folder(BOOK), 1, person('cleo', 'Edited in the target'));

    expect(await ended(world)).toMatchObject({ state: 'done', totals: { items: 3, verified: 3, conflicts: 0 } });

    expect(contents(world.to, BOOK)).toEqual(contents(world.from, BOOK));
    for (const { counts } of [world.source, world.target]) expect(counts).toMatchObject({ ...UNWRITTEN, update: 1 });
  });
});
