/** Listings in no order, whose pages shift, and whose tokens come last: what they lack is not yet gone. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Habits } from '../../connectors/memory/source.js';
import { removeFrom, setBytes } from '../../connectors/memory/store.js';
import { plan } from '../../engine/plan/plan.js';
import type { ClosedRun } from '../../engine/run/close-run.js';
import { specHash } from '../../schemas/hash.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import type { World, WorldOptions } from './world.js';
import { createWorld } from './world.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());

const MIRROR = { deletions: 'mirror', maxDeletions: 1 } as const;
const message = (n: number): Buffer => Buffer.from(`Message-ID: <${n}@x>\r\nSubject: s${n}\r\n\r\nbody\r\n`);

/** A world whose source lists in no order, two items a page. */
function unorderedWorld(habits: Habits = {}, options: WorldOptions = {}): World {
  return createWorld(server.ledger, {
    selection: MIRROR,
    settings: { rereadMs: 1 },
    habits: { unordered: true, pageItems: 2, ...habits },
    ...options,
  });
}

function fill({ from }: World, count: number): void {
  for (let n = 1; n <= count; n++) from.put(['INBOX'], { bytes: message(n) });
}

/** The next run finds no token that it could go by: it lists. */
async function forget({ from }: World): Promise<void> {
  const inbox = from.folder(['INBOX']);
  inbox.modseq++;
  inbox.forgotten = inbox.modseq;
}

const copies = ({ to }: World): number => to.folder(['INBOX']).messages.size;
const staged = async (): Promise<number> =>
  (await server.ledger.pool.query('select count(*) as n from listed')).rows[0].n;

const SOURCES: Record<string, Habits> = {
  'tokens before': {},
  'tokens last': { tokenLast: true },
  'tokens last, cursors that expire': { tokenLast: true, cursorsExpire: true },
  'looked up by key': { looksUp: true },
  'replays on its last page': { tokenLast: true, replays: true },
  'keys alone': { tokenLast: true, keysOnly: true },
};

describe.each(Object.entries(SOURCES))('a source with %s', (_, habits) => {
  it('moves everything, and then only what changed', async () => {
    const world = unorderedWorld(habits);
    fill(world, 7);
    expect(await world.run()).toMatchObject({ state: 'done', totals: { items: 7, verified: 7 } });
    world.source.resetCounts();
    world.from.put(['INBOX'], { bytes: message(8) });
    removeFrom(world.from.folder(['INBOX']), 1);
    expect(await world.run()).toMatchObject({ state: 'done', totals: { items: 7, verified: 7, removed: 1 } });
    expect([world.source.counts.list, copies(world), await staged()]).toEqual([0, 7, 0]);
    await world.close();
  });

  it('finds what is gone by listing, where it has to list', async () => {
    const world = unorderedWorld(habits);
    fill(world, 7);
    await world.run();
    removeFrom(world.from.folder(['INBOX']), 2);
    removeFrom(world.from.folder(['INBOX']), 6);
    await forget(world);
    expect(await world.run()).toMatchObject({ state: 'done', totals: { items: 5, verified: 5, removed: 2 } });
    expect([copies(world), await staged()]).toEqual([5, 0]);
    await world.close();
  });

  it('removes nothing that a page lacked because another was shortened meanwhile', async () => {
    const world = unorderedWorld(habits);
    fill(world, 7);
    await world.run();
    await forget(world);
    let pages = 0;
    world.source.fault = ({ op, when }) => {
      // The first page is on its way: the third message of the next one moves up to it.
      if (op === 'list' && when === 'after' && ++pages === 1) removeFrom(world.from.folder(['INBOX']), 7);
    };
    const run = (await world.run()) as ClosedRun;
    expect(run).toMatchObject({ state: 'done' });
    // Whether this run or the next one sees the deletion, nothing else may be gone.
    world.source.fault = undefined;
    expect(await world.run()).toMatchObject({ state: 'done', totals: { items: 6, verified: 6 } });
    expect([copies(world), world.target.counts.remove]).toEqual([6, 1]);
    await world.close();
  });
});

it('is planned as it will be moved, whatever the order', async () => {
  const world = unorderedWorld();
  const planned = async () => {
    const { spec, deps } = world;
    const asked = { spec, specHash: specHash(spec), dryRun: false };
    return (await plan(deps, asked, new AbortController().signal, () => {})).totals;
  };
  fill(world, 5);
  expect(await planned()).toMatchObject({ create: 5, remove: 0, unchanged: 0 });
  await world.run();
  removeFrom(world.from.folder(['INBOX']), 3);
  world.from.put(['INBOX'], { bytes: message(6) });
  expect(await planned()).toMatchObject({ create: 1, remove: 1, unchanged: 4 });
  await world.close();
});

it('keeps both sides in step, going both ways', async () => {
  const card = (uid: string, note = 'one'): Buffer =>
    Buffer.from(
      ['BEGIN:VCARD', 'VERSION:3.0', `UID:${uid}`, `FN:${uid}`, `NOTE:${note}`, 'END:VCARD', ''].join('\r\n'),
    );
  const world = createWorld(server.ledger, {
    selection: { kind: 'contacts', mode: 'two-way', ...MIRROR },
    settings: { rereadMs: 1 },
    habits: { unordered: true, pageItems: 2, tokenLast: true, keysOnly: true },
  });
  for (const uid of ['anna', 'bert', 'cleo', 'dora', 'emil']) world.from.put(['Team'], { bytes: card(uid) });
  await world.run();
  const [here, there] = [world.from.folder(['Team']), world.to.folder(['Team'])];
  setBytes(here, 2, card('bert', 'two'));
  setBytes(there, 3, card('cleo', 'three'));
  removeFrom(here, 4);
  removeFrom(there, 5);
  here.forgotten = ++here.modseq;
  await world.run();
  const held = (folder: typeof here): string[] =>
    [...folder.messages.values()].map(({ bytes }) => String(bytes)).sort();
  expect(held(here)).toEqual([card('anna'), card('bert', 'two'), card('cleo', 'three')].map(String));
  expect(held(there)).toEqual(held(here));
  for (const store of [world.source, world.target]) store.resetCounts();
  await world.run();
  const written = [world.source, world.target].map(({ counts }) => counts.create + counts.update + counts.remove);
  expect(written).toEqual([0, 0]);
  await world.close();
});
