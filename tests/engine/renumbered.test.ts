/** The target renumbered a folder, or lost it, and the ledger's references name other copies there, or none. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MemoryAccount } from '../../connectors/memory/store.js';
import { addTo, removeFrom } from '../../connectors/memory/store.js';
import { contents, dieAt, ended } from './doubt.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import { createWorld } from './world.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());
const INBOX = ['INBOX'];
const message = (n: number): Buffer => Buffer.from(`Message-ID: <${n}@x>\r\nSubject: s${n}\r\n\r\nbody ${n}\r\n`);

/** As a server that rebuilt the folder: numbers begin at 1 again, in another order. */
function rebuild(account: MemoryAccount, path: readonly string[], keep = (_: string) => true): void {
  const folder = account.folder(path);
  const messages = [...folder.messages.values()].reverse();
  account.renumber(path);
  folder.messages.clear();
  folder.nextUid = 1;
  for (const { bytes, flags } of messages) if (keep(bytes.toString())) addTo(folder, { bytes, flags });
}

describe('a folder that the target renumbered', () => {
  it('loses what left the source, and nothing else', async () => {
    const world = createWorld(server.ledger, { selection: { deletions: 'mirror', maxDeletions: 1 } });
    const { uid } = world.from.put(INBOX, { bytes: message(1) });
    world.from.put(INBOX, { bytes: message(2) });
    world.from.put(INBOX, { bytes: message(3) });
    await ended(world);
    rebuild(world.to, INBOX);
    removeFrom(world.from.folder(INBOX), uid);
    expect(await ended(world)).toMatchObject({ state: 'done', totals: { items: 2, removed: 1 } });
    expect(contents(world.to, INBOX)).toEqual(contents(world.from, INBOX));
    await world.close();
  });

  it('is left by a message that moved: that is written anew', async () => {
    const world = createWorld(server.ledger);
    const { uid } = world.from.put(INBOX, { bytes: message(1) });
    world.from.put(INBOX, { bytes: message(2) });
    world.from.folder(['Done']);
    await ended(world);
    rebuild(world.to, INBOX);
    removeFrom(world.from.folder(INBOX), uid);
    world.from.put(['Done'], { bytes: message(1) });
    const closed = await ended(world);
    expect(closed).toMatchObject({ state: 'done', totals: { failures: 0 } });
    expect(contents(world.to, ['Done'])).toEqual(contents(world.from, ['Done']));
    await world.close();
  });

  it('is left by a message that moved, where the target lost the folder', async () => {
    const world = createWorld(server.ledger);
    const { uid } = world.from.put(['Old'], { bytes: message(1) });
    world.from.put(['Old'], { bytes: message(2) });
    world.from.folder(['Done']);
    await ended(world);
    world.to.folders.delete(JSON.stringify(['Old']));
    removeFrom(world.from.folder(['Old']), uid);
    world.from.put(['Done'], { bytes: message(1) });
    // What did not move was in that folder, too.
    expect(await ended(world)).toMatchObject({ state: 'failed', totals: { items: 2, verified: 1, failures: 1 } });
    expect(contents(world.to, ['Done'])).toEqual(contents(world.from, ['Done']));
    await world.close();
  });

  it('holds a message once that was in doubt, where another folder of the source has void references there', async () => {
    const world = createWorld(server.ledger, { selection: { map: { folders: { A: 'All', B: 'All' } } } });
    for (let n = 1; n <= 3; n++) world.from.put(['A'], { bytes: message(n) });
    for (let n = 11; n <= 16; n++) world.from.put(['B'], { bytes: message(n) });
    await ended(world);
    // Rebuilt with less in it: numbers that B's items have are free again.
    rebuild(world.to, ['All'], (text) => !/body 1[1-6]/.test(text));
    world.from.put(['A'], { bytes: message(4) });
    await dieAt(world, world.target, 'create', 'after');
    expect(await ended(world)).toMatchObject({ totals: { items: 10, verified: 4, failures: 6 } });
    expect(contents(world.to, ['All']).filter((c) => c.includes('body 4'))).toHaveLength(1);
    await world.close();
  });

  it('is bound anew for all that goes there, also for what has nothing to do', async () => {
    const world = createWorld(server.ledger, { selection: { map: { folders: { A: 'All', B: 'All' } } } });
    for (let n = 1; n <= 3; n++) world.from.put(['A'], { bytes: message(n) });
    for (let n = 11; n <= 13; n++) world.from.put(['B'], { bytes: message(n) });
    await ended(world);
    rebuild(world.to, ['All'], (text) => !text.includes('body 13'));
    world.from.put(['A'], { bytes: message(4) });

    const closed = await ended(world);

    // Message 13 is not there any more, and 11 and 12 are no strangers.
    expect(closed).toMatchObject({ state: 'failed', totals: { items: 7, verified: 6, failures: 1, duplicates: 0 } });
    await world.close();
  });

  it('holds a message in doubt for its own item, and none for its twin', async () => {
    const world = createWorld(server.ledger, { settings: { batchItems: 1 } });
    for (let n = 0; n < 2; n++) world.from.put(INBOX, { bytes: message(1) });
    await dieAt(world, world.target, 'create', 'after');
    rebuild(world.to, INBOX);

    expect(await ended(world)).toMatchObject({ state: 'done', totals: { items: 2, verified: 2, duplicates: 0 } });
    expect(contents(world.to, INBOX)).toEqual(contents(world.from, INBOX));
    await world.close();
  });

  it('is bound anew once, whichever of those that go there have something to do', async () => {
    const world = createWorld(server.ledger, { selection: { map: { folders: { A: 'All', B: 'All' } } } });
    for (const path of [['A'], ['B']]) for (let n = 1; n <= 3; n++) world.from.put(path, { bytes: message(n) });
    await ended(world);
    rebuild(world.to, ['All']);
    for (const path of [['A'], ['B']]) world.from.put(path, { bytes: message(4) });

    const closed = await ended(world);

    expect(closed).toMatchObject({ state: 'done', totals: { items: 8, verified: 8, failures: 0, duplicates: 0 } });
    await world.close();
  });
});
