/** What the spec of a run leaves out is left alone by it, whatever an earlier run had begun. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Fault } from '../../connectors/errors.js';
import { removeFrom, setFlags } from '../../connectors/memory/store.js';
import type { ClosedRun } from '../../engine/run/close-run.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import { reportOf } from './report-of.js';
import type { World } from './world.js';
import { createWorld } from './world.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());

const message = (n: number | string): Buffer => Buffer.from(`Message-ID: <${n}@x>\r\nSubject: s${n}\r\n\r\nbody\r\n`);
const card = (uid: string): Buffer =>
  Buffer.from(['BEGIN:VCARD', 'VERSION:3.0', `UID:${uid}`, `FN:${uid}`, 'END:VCARD', ''].join('\r\n'));
const NO_TRASH = { exclude: { folders: ['Trash'] } };

async function crash(world: World, when: 'before' | 'after', path = 'Trash'): Promise<void> {
  world.target.fault = (event) => {
    if (event.op === 'create' && event.when === when && event.path[0] === path) throw new Error('kill -9');
  };
  await expect(world.run()).rejects.toThrow('kill -9');
  world.target.fault = undefined;
}

const inTarget = ({ to }: World, path: string): number => to.folders.get(JSON.stringify([path]))?.messages.size ?? 0;

describe('a folder that the spec excludes now', () => {
  it('gets nothing of what was to be moved there before a crash, and is in no number', async () => {
    const world = createWorld(server.ledger);
    for (let n = 1; n <= 5; n++) world.from.put(['Trash'], { bytes: message(n) });
    world.from.put(['INBOX'], { bytes: message(100) });
    await crash(world, 'before');

    const closed = (await world.run({ selection: NO_TRASH })) as ClosedRun;
    const report = await reportOf(world, server.ledger);

    expect(closed).toMatchObject({ state: 'done', totals: { items: 1, verified: 1, pending: 0 } });
    expect(inTarget(world, 'Trash')).toBe(0);
    expect(report.verdict).toMatchObject({ complete: true, items: 1, verified: 1 });
    expect(report.folders.map(({ folder }) => folder.join('/'))).toEqual(['INBOX']);
    await world.close();
  });

  it('has the write located whose answer was lost, and moves the rest when it is included again', async () => {
    const world = createWorld(server.ledger);
    for (let n = 1; n <= 5; n++) world.from.put(['Trash'], { bytes: message(n) });
    await crash(world, 'after');

    const without = (await world.run({ selection: NO_TRASH })) as ClosedRun;
    const { rows } = await server.ledger.pool.query('select from batch');
    const afterwards = inTarget(world, 'Trash');
    const again = (await world.run()) as ClosedRun;

    expect(without).toMatchObject({ state: 'done', totals: { items: 0, pending: 0 } });
    expect([rows.length, afterwards]).toEqual([0, 1]);
    expect(again).toMatchObject({ state: 'done', totals: { items: 5, verified: 5, duplicates: 0 } });
    expect(world.target.counts.create).toBe(5);
    await world.close();
  });

  it('keeps its copies when its messages are deleted in the source, and when it vanishes there', async () => {
    const selection = { deletions: 'mirror', maxDeletions: 1 } as const;
    const world = createWorld(server.ledger, { selection });
    for (const folder of ['Trash', 'Old', 'INBOX']) world.from.put([folder], { bytes: message(folder) });
    await world.run();
    removeFrom(world.from.folder(['Trash']), 1);
    world.from.folders.delete(JSON.stringify(['Old']));
    world.from.put(['INBOX'], { bytes: message('new') });
    const excluding = { ...selection, exclude: { folders: ['Trash', 'Old'] } };

    const closed = (await world.run({ selection: excluding })) as ClosedRun;

    expect(closed).toMatchObject({ state: 'done', totals: { items: 2, verified: 2, removed: 0 } });
    expect([inTarget(world, 'Trash'), inTarget(world, 'Old')]).toEqual([1, 1]);
    expect(world.target.counts.remove).toBe(0);
    await world.close();
  });

  it('keeps its copy of a message that was moved out of it: what it moved to gets another', async () => {
    const world = createWorld(server.ledger);
    world.from.put(['Trash'], { bytes: message(1) });
    world.from.put(['INBOX'], { bytes: message(2) });
    await world.run();
    removeFrom(world.from.folder(['Trash']), 1);
    world.from.put(['INBOX'], { bytes: message(1) });
    // Seen as gone, before the spec leaves the folder out.
    world.target.fault = ({ op, when }) => {
      if (op === 'move' && when === 'before') throw new Error('kill -9');
    };
    await expect(world.run()).rejects.toThrow('kill -9');
    world.target.fault = undefined;

    const closed = (await world.run({ selection: NO_TRASH })) as ClosedRun;

    expect(closed).toMatchObject({ state: 'done', totals: { items: 2, verified: 2 } });
    expect([inTarget(world, 'Trash'), inTarget(world, 'INBOX')]).toEqual([1, 2]);
    await world.close();
  });

  it('is not made in the target where it is empty, and its failures do not fail the run', async () => {
    const world = createWorld(server.ledger);
    world.from.folder(['Drafts']);
    world.from.put(['Trash'], { bytes: message(1) });
    world.target.fault = ({ op, when, path }) => {
      if (op === 'create' && when === 'before' && path[0] === 'Trash') throw new Fault('refused', 'too large');
    };
    expect(await world.run()).toMatchObject({ state: 'failed', totals: { failures: 1 } });
    world.from.folder(['Spam']);

    const closed = (await world.run({ selection: { exclude: { folders: ['Trash', 'Spam'] } } })) as ClosedRun;

    expect(closed).toMatchObject({ state: 'done', totals: { items: 0, failures: 0 } });
    expect([...world.to.folders.keys()].sort()).toEqual(['["Drafts"]', '["Trash"]']);
    await world.close();
  });

  it('is left alone in both directions', async () => {
    const world = createWorld(server.ledger, { selection: { kind: 'contacts', mode: 'two-way' } });
    world.from.put(['Private'], { bytes: card('anna') });
    world.to.put(['Private'], { bytes: card('bert') });
    world.from.put(['Work'], { bytes: card('carl') });
    world.to.put(['Work'], { bytes: card('dora') });
    await crash(world, 'before', 'Private');

    const selection = { kind: 'contacts', mode: 'two-way', exclude: { folders: ['Private'] } } as const;
    const closed = (await world.run({ selection })) as ClosedRun;

    expect(closed).toMatchObject({ state: 'done', totals: { items: 2, verified: 2, pending: 0 } });
    expect([world.from.folder(['Private']).messages.size, inTarget(world, 'Private')]).toEqual([1, 1]);
    expect([world.from.folder(['Work']).messages.size, inTarget(world, 'Work')]).toEqual([2, 2]);
    await world.close();
  });
});

describe('a filter that covers less than before a crash', () => {
  const OLD = '2019-03-01T10:22:03+01:00';
  const SINCE = { include: { since: '2026-01-01' } };

  it('keeps what it does not cover any more from being moved; a wider one moves it later', async () => {
    const world = createWorld(server.ledger);
    for (let n = 1; n <= 4; n++)
      world.from.put(['INBOX'], { bytes: message(n), date: n > 2 ? '2026-05-01T00:00:00Z' : OLD });
    await crash(world, 'before', 'INBOX');

    const narrow = (await world.run({ selection: SINCE })) as ClosedRun;
    const report = await reportOf(world, server.ledger);
    const wide = (await world.run()) as ClosedRun;

    expect(narrow).toMatchObject({ state: 'done', totals: { items: 2, verified: 2, pending: 0 } });
    expect(report.totals).toMatchObject({ items: 2, excluded: 2 });
    expect(wide).toMatchObject({ state: 'done', totals: { items: 4, verified: 4, created: 2 } });
    await world.close();
  });

  it('settles what the target refused and the spec leaves out now', async () => {
    const world = createWorld(server.ledger);
    world.from.put(['INBOX'], { bytes: message('x'.repeat(2_000)) });
    world.from.put(['INBOX'], { bytes: message(1) });
    world.target.fault = ({ op, when, item }) => {
      if (op === 'create' && when === 'before' && item === '0000000001') throw new Fault('refused', 'too large');
    };
    expect(await world.run()).toMatchObject({ state: 'failed', totals: { failures: 1 } });

    const closed = (await world.run({ selection: { exclude: { larger: 1_000 } } })) as ClosedRun;

    expect(closed).toMatchObject({ state: 'done', totals: { items: 1, verified: 1, failures: 0 } });
    await world.close();
  });

  it('keeps changes of what it does not cover from being carried', async () => {
    const world = createWorld(server.ledger);
    world.from.put(['INBOX'], { bytes: message(1), date: OLD });
    await world.run();
    setFlags(world.from.folder(['INBOX']), 1, ['$Changed']);
    world.target.fault = ({ op, when }) => {
      if (op === 'meta' && when === 'before') throw new Error('kill -9');
    };
    await expect(world.run()).rejects.toThrow('kill -9');
    world.target.fault = undefined;

    const narrow = (await world.run({ selection: SINCE })) as ClosedRun;
    const flags = [...world.to.folder(['INBOX']).messages.values()].flatMap((m) => m.flags);
    const wide = (await world.run()) as ClosedRun;

    expect(narrow).toMatchObject({ state: 'done', totals: { pending: 0 } });
    expect(flags).toEqual([]);
    expect(wide).toMatchObject({ state: 'done', totals: { items: 1, verified: 1 } });
    expect([...world.to.folder(['INBOX']).messages.values()][0]?.flags).toEqual(['$Changed']);
    await world.close();
  });
});
