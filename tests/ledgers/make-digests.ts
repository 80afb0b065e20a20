/** Makes the dumps of `0.4/`: see README.md. As make.ts, on the code of 0.4. */
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { MemoryStore } from '../../connectors/memory/store.js';
import { setBytes } from '../../connectors/memory/store.js';
import type { LedgerServer } from '../engine/ledger.js';
import { startLedger } from '../engine/ledger.js';
import type { World } from '../engine/world.js';
import { createWorld } from '../engine/world.js';
import { inStep, meeting, openEdits, openMeetings, person, settledMeetings } from './digest-situations.js';
import { dumpLedger } from './dump.js';
import type { Situation } from './situations.js';
import { BOOK, TEAM } from './situations.js';

const FOLDER = fileURLToPath(new URL('./0.4/', import.meta.url));

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
  await mkdir(FOLDER, { recursive: true });
});
afterAll(() => server.stop());
beforeEach(() => server.clear());

function held(world: World): unknown {
  const stored = ({ accounts }: MemoryStore): unknown =>
    [...accounts].map(([name, { folders }]) => ({
      name,
      folders: [...folders].map(([key, folder]) => ({
        ...folder,
        key,
        messages: [...folder.messages.values()].map((one) => ({ ...one, bytes: one.bytes.toString() })),
        gone: [...folder.gone],
      })),
    }));
  return JSON.parse(JSON.stringify({ source: stored(world.source), target: stored(world.target) }));
}

async function keep(world: World): Promise<unknown> {
  const name = world.spec.name.replace(/^move-/, '');
  await writeFile(`${FOLDER}${name}.sql`, await dumpLedger(server.ledger));
  return held(world);
}

async function dieAt(world: World, op: string, when: 'before' | 'after', nth: number): Promise<unknown> {
  let seen = 0;
  let kept: unknown;
  world.target.fault = async (at) => {
    if (kept === undefined && at.op === op && at.when === when && ++seen === nth) kept = await keep(world);
    if (kept !== undefined) throw new Error('dead');
  };
  await expect(world.run()).rejects.toThrow();
  expect(kept).toBeDefined();
  return kept;
}

function make(situation: Situation, drive: (world: World) => Promise<unknown>): void {
  it(situation.name, async () => {
    const world = createWorld(server.ledger, { name: situation.name, ...situation.options });
    const kept = await drive(world);
    await world.close();
    const built = createWorld(server.ledger, { name: situation.name, ...situation.options });
    situation.build(built);

    expect(held(built)).toEqual(kept);
    await built.close();
  });
}

make(settledMeetings, async (world) => {
  for (const uid of ['one', 'two', 'three']) world.from.put(TEAM, { bytes: meeting(uid) });
  for (const _ of [1, 2]) world.to.put(TEAM, { bytes: meeting('two') });
  expect(await world.run()).toMatchObject({ state: 'done', totals: { verified: 3, duplicates: 1 } });
  return keep(world);
});

make(openMeetings, async (world) => {
  for (const uid of ['one', 'two', 'three', 'four']) world.from.put(TEAM, { bytes: meeting(uid) });
  return dieAt(world, 'create', 'after', 3);
});

make(openEdits, async (world) => {
  for (const uid of ['one', 'two', 'three']) world.from.put(BOOK, { bytes: person(uid) });
  await world.run();
  setBytes(world.from.folder(BOOK), 1, person('one', 'New'));
  setBytes(world.from.folder(BOOK), 2, person('two', 'New'));
  return dieAt(world, 'update', 'before', 2);
});

make(inStep, async (world) => {
  for (const uid of ['anna', 'bert']) world.from.put(BOOK, { bytes: person(uid) });
  world.to.put(BOOK, { bytes: person('cleo') });
  await world.run();
  await world.run();
  return keep(world);
});
