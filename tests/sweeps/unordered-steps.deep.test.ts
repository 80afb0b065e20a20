/**
 * A survey of a listing in no order, crashed after every single statement that it makes, and then gone on with: by the
 * same run, which has the cursor, and by another one, which begins anew. Pages shift meanwhile.
 */
import type pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Habits } from '../../connectors/memory/source.js';
import { removeFrom } from '../../connectors/memory/store.js';
import type { Ledger } from '../../ledger/ledger.js';
import { sweepListings } from '../../ledger/staged.js';
import type { LedgerServer } from '../engine/ledger.js';
import { startLedger } from '../engine/ledger.js';
import type { World } from '../engine/world.js';
import { createWorld } from '../engine/world.js';
import { contents } from './crash-everywhere.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());

class Crash extends Error {}

/** Counts statements while it is armed, and crashes after the one it is told. */
class Fuse {
  armed = false;
  steps = 0;
  blowAt = Number.POSITIVE_INFINITY;
  touch(): void {
    if (this.armed && this.steps++ === this.blowAt) throw new Crash(`after statement ${this.blowAt}`);
  }
}

function watched<T extends pg.Pool | pg.PoolClient>(sql: T, fuse: Fuse): T {
  const query = async (...args: Parameters<T['query']>): Promise<unknown> => {
    const answer = await (sql.query as (...args: unknown[]) => Promise<unknown>)(...args);
    fuse.touch();
    return answer;
  };
  return new Proxy(sql, { get: (of, member) => (member === 'query' ? query : Reflect.get(of, member)) });
}

function fused(ledger: Ledger, fuse: Fuse): Ledger {
  return {
    ...ledger,
    pool: watched(ledger.pool, fuse),
    async transaction(work) {
      const result = await ledger.transaction((sql) => work(watched(sql, fuse)));
      fuse.touch();
      return result;
    },
  };
}

const HABITS: Record<string, Habits> = {
  'tokens before': {},
  'tokens last, cursors that expire': { tokenLast: true, cursorsExpire: true },
  'looked up by key': { looksUp: true },
  'replays on its last page, keys alone': { tokenLast: true, replays: true, keysOnly: true },
};

const message = (n: number): Buffer => Buffer.from(`Message-ID: <${n}@x>\r\nSubject: s${n}\r\n\r\nbody\r\n`);

/** What the second run has to find by listing: two that left, one that came, and one that leaves while it lists. */
async function tell(fuse: Fuse, habits: Habits, sameRun: boolean): Promise<{ world: World; crashes: number }> {
  const world = createWorld(fused(server.ledger, fuse), {
    selection: { deletions: 'mirror', maxDeletions: 1 },
    habits: { unordered: true, pageItems: 2, ...habits },
  });
  for (let n = 1; n <= 6; n++) world.from.put(['INBOX'], { bytes: message(n) });
  await world.run();
  const inbox = world.from.folder(['INBOX']);
  for (const uid of [2, 5]) removeFrom(inbox, uid);
  world.from.put(['INBOX'], { bytes: message(7) });
  inbox.forgotten = ++inbox.modseq;
  let pages = 0;
  world.source.fault = ({ op, when }) => {
    if (op === 'containers') fuse.armed = true;
    if (op === 'list' && when === 'after' && ++pages === 1) removeFrom(inbox, 6);
  };
  let crashes = 0;
  for (let n = 0; ; n++) {
    try {
      for await (const _ of world.slices({ request: sameRun ? 'one' : `${n}` })) {
        // The survey is over.
        fuse.armed = false;
        world.source.fault = undefined;
      }
      break;
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      crashes++;
    }
  }
  world.source.fault = undefined;
  fuse.armed = false;
  // Whether it was seen by then or not: the next run has it.
  await world.run();
  return { world, crashes };
}

it.each(Object.entries(HABITS))('a source with %s', async (_, habits) => {
  const counting = new Fuse();
  const calm = await tell(counting, habits, true);
  expect(calm.crashes).toBe(0);
  await calm.world.close();
  expect(counting.steps).toBeGreaterThan(40);

  let crashed = 0;
  for (let at = 0; at < counting.steps; at++) {
    await server.clear();
    const fuse = new Fuse();
    fuse.blowAt = at;
    const { world, crashes } = await tell(fuse, habits, at % 2 === 0);
    crashed += crashes;
    expect(contents(world.to), `crashed after statement ${at}`).toEqual(contents(world.from));
    const { create, remove } = world.target.counts;
    expect([create, remove], `crashed after statement ${at}`).toEqual([7, 3]);
    // Rows that are left belong to no survey.
    await sweepListings(server.ledger);
    expect((await server.ledger.pool.query('select from listed')).rowCount, `statement ${at}`).toBe(0);
    await world.close();
  }
  // But for those by which a slice tells how far it is: nobody waits for them.
  expect(crashed).toBeGreaterThan(counting.steps - 10);
});
