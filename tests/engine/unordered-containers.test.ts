/** Listings in no order are cut short, refused, filtered, shared, and renumbered like any other. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Source } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import type { Mail } from '../../connectors/kinds/mail.js';
import { connector as memory } from '../../connectors/memory/index.js';
import { manifest } from '../../connectors/memory/manifest.js';
import type { Habits } from '../../connectors/memory/source.js';
import { removeFrom } from '../../connectors/memory/store.js';
import type { Registration } from '../../connectors/registry.js';
import { connectors } from '../../connectors/registry.js';
import type { Ledger } from '../../ledger/ledger.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import { reportOf } from './report-of.js';
import type { World, WorldOptions } from './world.js';
import { createWorld } from './world.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());

const MIRROR = { deletions: 'mirror', maxDeletions: 1 } as const;
const message = (n: number, body = 'body'): Buffer =>
  Buffer.from(`Message-ID: <${n}@x>\r\nSubject: s${n}\r\n\r\n${body}\r\n`);

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
function forget({ from }: World): void {
  const inbox = from.folder(['INBOX']);
  inbox.forgotten = ++inbox.modseq;
}

const copies = ({ to }: World): number => to.folder(['INBOX']).messages.size;
const uncommitted = async (): Promise<number> =>
  (await server.ledger.pool.query('select count(*) as n from survey where listing_id is not null')).rows[0].n;

function withSource(change: (source: Source<Mail>) => Partial<Source<Mail>>): Readonly<Record<string, Registration>> {
  const connector: typeof memory = {
    ...memory,
    source(options, access) {
      const plain = memory.source(options, access) as Source<Mail>;
      return { ...plain, ...change(plain) };
    },
  };
  return { ...connectors, memory: { manifest, load: async () => connector } } as never;
}

describe('a listing that goes on in other slices', () => {
  it('goes on at its cursor, and lists no page twice', async () => {
    const world = unorderedWorld({}, { settings: { rereadMs: 1, sliceMs: 0 } });
    fill(world, 9);
    let surveys = 0;
    for await (const { state } of world.slices()) surveys += state === 'more' ? 1 : 0;
    expect(surveys).toBeGreaterThan(3);
    expect(world.source.counts.list).toBeLessThan(5 * 3);
    expect([copies(world), await uncommitted()]).toEqual([9, 0]);
    await world.close();
  });

  it('begins anew where its cursor is refused, and takes nothing for named that left since', async () => {
    let session = 0;
    const world = unorderedWorld(
      { tokenLast: true },
      {
        settings: { rereadMs: 1 },
        connectors: withSource((plain) => ({
          async *list(container, after, signal) {
            if (after !== undefined) throw new Fault('cursor-lost', 'the page token is not known any more');
            let pages = 0;
            for await (const page of plain.list(container, after, signal)) {
              yield page;
              if (session === 1 && ++pages === 3) throw new Error('the worker was killed');
            }
          },
        })),
      },
    );
    fill(world, 9);
    await world.run();
    forget(world);
    session = 1;
    await expect(world.run({ request: 'one' })).rejects.toThrow('killed');
    session = 2;
    // The first pages had named it.
    removeFrom(world.from.folder(['INBOX']), 9);
    expect(await world.run({ request: 'one' })).toMatchObject({
      state: 'done',
      totals: { items: 8, verified: 8, removed: 1 },
    });
    await world.close();
  });

  it('is gone on with by the run that began it alone', async () => {
    let cut = false;
    const asked: (string | undefined)[] = [];
    const world = unorderedWorld(
      {},
      {
        connectors: withSource((plain) => ({
          async *list(container, after, signal) {
            asked.push(after);
            let pages = 0;
            for await (const page of plain.list(container, after, signal)) {
              yield page;
              if (cut && ++pages === 3) throw new Error('the worker was killed');
            }
          },
        })),
      },
    );
    fill(world, 9);
    await world.run();
    forget(world);
    cut = true;
    await expect(world.run()).rejects.toThrow('killed');
    cut = false;
    removeFrom(world.from.folder(['INBOX']), 9);
    asked.length = 0;
    expect(await world.run()).toMatchObject({ state: 'done', totals: { items: 8, removed: 1 } });
    expect(asked[0]).toBeUndefined();
    await world.close();
  });
});

it('moves what a refused listing named, takes nothing for gone, and names the folder as a failure', async () => {
  let refused = false;
  const world = unorderedWorld(
    {},
    {
      connectors: withSource((plain) => ({
        async *list(container, after, signal) {
          let pages = 0;
          for await (const page of plain.list(container, after, signal)) {
            if (refused && pages++ === 2) throw new Fault('refused', 'the rest cannot be shown');
            yield page;
          }
        },
      })),
    },
  );
  fill(world, 7);
  await world.run();
  world.from.put(['INBOX'], { bytes: message(8) });
  forget(world);
  refused = true;
  expect(await world.run()).toMatchObject({ state: 'failed', totals: { verified: 8, failures: 1, removed: 0 } });
  refused = false;
  expect(await world.run()).toMatchObject({
    state: 'done',
    totals: { items: 8, verified: 8, failures: 0, removed: 0 },
  });
  expect([copies(world), await uncommitted()]).toEqual([8, 0]);
  await world.close();
});

it('leaves out what a filter excludes, counts it once, and takes nothing of it for gone', async () => {
  const world = unorderedWorld({ pageItems: 3 });
  for (let n = 1; n <= 7; n++) world.from.put(['INBOX'], { bytes: message(n, n < 4 ? 'x'.repeat(500) : 'small') });
  await world.run();
  const narrow = { include: { smaller: 300 } };
  // One page passes over an item, so that it is listed a second time.
  let pages = 0;
  world.source.fault = ({ op, when }) => {
    if (op === 'list' && when === 'after' && ++pages === 1) removeFrom(world.from.folder(['INBOX']), 7);
  };
  world.from.put(['INBOX'], { bytes: message(9, 'x'.repeat(500)) });
  await world.run({ selection: narrow });
  world.source.fault = undefined;
  await world.run({ selection: narrow });
  const { totals } = await reportOf(world, server.ledger);
  // What moved before the filter is among the items.
  expect([totals.items, totals.excluded]).toEqual([6, 1]);
  // What moved before the filter stays; what left the source meanwhile is removed.
  expect([copies(world), world.target.counts.remove]).toEqual([6, 1]);
  await world.close();
});

it('finds what it passed over in the first listing by the number of items', async () => {
  const world = unorderedWorld();
  fill(world, 9);
  let pages = 0;
  world.source.fault = ({ op, when }) => {
    if (op === 'list' && when === 'after' && ++pages === 2) removeFrom(world.from.folder(['INBOX']), 8);
  };
  expect(await world.run()).toMatchObject({ state: 'done' });
  expect(copies(world)).toBe(8);
  await world.close();
});

it('marks more than fit one transaction in several, and goes on behind a crash between two', async () => {
  const many = 20_050;
  const sizes: number[] = [];
  const gone = async (): Promise<number> =>
    (await server.ledger.pool.query(`select count(*) as n from item where gone and target_ref like 'r%'`)).rows[0].n;
  let watching = false;
  const ledger: Ledger = {
    ...server.ledger,
    async transaction(work) {
      const result = await server.ledger.transaction(work);
      const now = watching ? await gone() : 0;
      if (now === 0 || sizes.includes(now)) return result;
      sizes.push(now);
      if (sizes.length === 1) throw new Error('the worker was killed');
      return result;
    },
  };
  const world = createWorld(ledger, { habits: { unordered: true } });
  fill(world, 3);
  await world.run();
  await server.ledger.pool.query(
    `insert into item (container, key, version, meta, bytes, target_ref, outcome, proof, run)
     select max(container), 'k' || n, '1', '{}', 1, 'r' || n, 'verified', 'readback', 1
     from item, generate_series(1, $1) n group by n`,
    [many],
  );
  forget(world);
  watching = true;
  await expect(world.run({ request: 'one' })).rejects.toThrow('killed');
  await world.run({ request: 'one' });
  expect(sizes).toEqual([10_000, 20_000, many]);
  await world.close();
});

it('lists anew what the source renumbered in the middle of a listing', async () => {
  const world = unorderedWorld();
  fill(world, 7);
  await world.run();
  forget(world);
  let pages = 0;
  world.source.fault = ({ op, when }) => {
    if (op === 'list' && when === 'before' && ++pages === 3) world.from.renumber(['INBOX']);
  };
  await expect(world.run({ request: 'one' })).rejects.toThrow('rebuilt');
  world.source.fault = undefined;
  expect(await world.run({ request: 'one' })).toMatchObject({ state: 'done', totals: { items: 7, verified: 7 } });
  expect([copies(world), world.target.counts.create]).toEqual([7, 7]);
  await world.close();
});
