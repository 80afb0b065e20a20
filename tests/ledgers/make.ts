/**
 * Makes the dumps of mail, contacts and calendars: see README.md. It drives the engine of version 0.3 into each situation,
 * writes the ledger down in that moment, and proves that the systems are those that `situations.ts` builds.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Connector } from '../../connectors/contract.js';
import type { MemoryStore } from '../../connectors/memory/store.js';
import { addTo, removeFrom, setBytes, setFlags } from '../../connectors/memory/store.js';
import type { Registration } from '../../connectors/registry.js';
import { connectors } from '../../connectors/registry.js';
import { endUnit } from '../../engine/run/end-units.js';
import type { LedgerServer } from '../engine/ledger.js';
import { startLedger } from '../engine/ledger.js';
import type { World } from '../engine/world.js';
import { createWorld } from '../engine/world.js';
import { dumpLedger } from './dump.js';
import type { Situation } from './situations.js';
import {
  BOOK,
  card,
  claimedTwice,
  DONE,
  event,
  INBOX,
  message,
  openBatch,
  openFlags,
  openMove,
  openUpdate,
  parkedApproval,
  parkedCredentials,
  TEAM,
  twoWay,
} from './situations.js';

const FOLDER = fileURLToPath(new URL('./0.3/', import.meta.url));
const DATE = '2019-03-01T10:22:03+01:00';
const mail = (n: number) => ({ bytes: message(n), flags: n % 2 ? ['\\Seen'] : [], date: DATE });

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
  await mkdir(FOLDER, { recursive: true });
});
afterAll(() => server.stop());
beforeEach(() => server.clear());

/** All that two stores hold, numbers and versions included. */
function held(world: World): unknown {
  const stored = ({ accounts }: MemoryStore): unknown =>
    [...accounts].map(([name, { folders, locked }]) => ({
      name,
      locked,
      folders: [...folders].map(([key, folder]) => ({
        ...folder,
        key,
        messages: [...folder.messages.values()].map((one) => ({ ...one, bytes: one.bytes.toString() })),
        gone: [...folder.gone],
      })),
    }));
  return JSON.parse(JSON.stringify({ source: stored(world.source), target: stored(world.target) }));
}

/** Writes the ledger and the systems down; both are what they are at this moment, in the middle of a write too. */
async function keep(world: World): Promise<unknown> {
  await writeFile(`${FOLDER}${nameIn(world)}.sql`, await dumpLedger(server.ledger));
  return held(world);
}

const nameIn = (world: World): string => world.spec.name.replace(/^move-/, '');

/** The process dies at the n-th such moment of the next run: the ledger is written down then, and nothing after it counts. */
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

function make(
  situation: Situation,
  drive: (world: World) => Promise<unknown>,
  from: Readonly<Record<string, Registration>> = connectors,
): void {
  it(situation.name, async () => {
    const world = createWorld(server.ledger, { name: situation.name, ...situation.options, connectors: from });
    const kept = await drive(world);
    await world.close();
    const built = createWorld(server.ledger, { name: situation.name, ...situation.options });
    situation.build(built);

    expect(held(built)).toEqual(kept);
    await built.close();
  });
}

make(openBatch, async (world) => {
  for (let n = 1; n <= 8; n++) world.from.put(INBOX, mail(n));
  return dieAt(world, 'create', 'after', 6);
});

make(openMove, async (world) => {
  for (const n of [1, 2]) world.from.put(INBOX, mail(n));
  world.from.folder(DONE);
  await world.run();
  addTo(world.from.folder(DONE), removeFrom(world.from.folder(INBOX), 1));
  return dieAt(world, 'move', 'after', 1);
});

make(openFlags, async (world) => {
  for (const n of [1, 2]) world.from.put(INBOX, mail(n));
  await world.run();
  for (const n of [1, 2]) setFlags(world.from.folder(INBOX), n, ['\\Flagged']);
  return dieAt(world, 'meta', 'after', 1);
});

/** As the workflow writes it down. */
async function park(world: World): Promise<unknown> {
  const stopped = await world.run();
  if (!('gate' in stopped)) throw new Error(`the unit is not parked: ${JSON.stringify(stopped)}`);
  const { rows } = await server.ledger.pool.query<{ n: number; run: number }>('select n, run from unit');
  const { n, run } = rows[0] as { n: number; run: number };
  const unit = { n, selection: 'mail', kind: 'mail' };
  await endUnit(world.deps, {
    migration: world.spec.name,
    run,
    unit: n,
    state: 'parked',
    park: { ...unit, ...stopped },
  });
  return keep(world);
}

make(parkedCredentials, async (world) => {
  for (const n of [1, 2, 3]) world.from.put(INBOX, mail(n));
  await world.run();
  for (const n of [4, 5]) world.from.put(INBOX, mail(n));
  world.from.locked = 'password expired';
  return park(world);
});

make(parkedApproval, async (world) => {
  for (let n = 1; n <= 10; n++) world.from.put(INBOX, mail(n));
  await world.run();
  for (let uid = 1; uid <= 5; uid++) removeFrom(world.from.folder(INBOX), uid);
  return park(world);
});

make(twoWay, async (world) => {
  for (const uid of ['anna', 'bert']) world.from.put(BOOK, { bytes: card(uid) });
  world.to.put(BOOK, { bytes: card('cleo') });
  await world.run();
  await world.run();
  return keep(world);
});

make(openUpdate, async (world) => {
  for (const uid of ['one', 'two', 'three']) world.from.put(TEAM, { bytes: event(uid, 'Old') });
  await world.run();
  setBytes(world.from.folder(TEAM), 1, event('one', 'New'));
  setBytes(world.from.folder(TEAM), 2, event('two', 'New'));
  return dieAt(world, 'update', 'before', 2);
});

/** So many more messages that the engine writes over two connections; they are taken out of the dump again. */
const FILLING = 400;

/** Memory, over two connections. */
const twoConnections: Readonly<Record<string, Registration>> = {
  ...connectors,
  memory: {
    manifest: (connectors.memory as Registration).manifest,
    load: async () => {
      const plain = (await (connectors.memory as Registration).load()) as Connector<unknown>;
      const target: Connector<unknown>['target'] = (options, access) =>
        plain.target?.(options, { ...access, lanes: 3 }) as never;
      return { ...plain, target } as Connector<never>;
    },
  },
};

make(
  claimedTwice,
  async (world) => {
    for (const n of [1, 2]) for (const folder of ['A', 'B']) world.from.put([folder], mail(n));
    for (const n of [1, 2]) world.to.put(['X'], mail(n));
    for (let n = 1; n <= FILLING; n++) world.from.put(['C'], { bytes: message(`filling ${n}`) });
    // Both connections look for copies before either has written down that it took one.
    await server.ledger.pool.query(
      `create function slow_claim() returns trigger language plpgsql as $$ begin perform pg_sleep(0.5); return null; end $$;
       create trigger slow_claim before update on found for each statement execute function slow_claim()`,
    );
    let opened = 0;
    world.target.fault = async ({ op, when, path }) => {
      if (op !== 'ensure' || when !== 'after' || path[0] !== 'X') return;
      opened++;
      for (let waited = 0; opened < 2 && waited < 100; waited++) await new Promise((go) => setTimeout(go, 20));
    };
    expect(await world.run()).toMatchObject({ state: 'done' });
    const { rows } = await server.ledger.pool.query(
      `select from item i join container c on c.id = i.container where c.target_path = '{X}' group by target_ref having count(*) = 2`,
    );
    expect(rows).toHaveLength(2);
    await server.ledger.pool.query(
      `delete from item where container in (select id from container where path = '{C}');
       delete from container where path = '{C}'`,
    );
    for (const account of [world.from, world.to]) account.folders.delete(JSON.stringify(['C']));
    return keep(world);
  },
  twoConnections,
);
