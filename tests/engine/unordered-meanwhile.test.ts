/** Listings in no order beside what happens meanwhile: pages that moved up, and another migration over the same folder. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ItemRef, Source } from '../../connectors/contract.js';
import type { Mail } from '../../connectors/kinds/mail.js';
import { connector as memory } from '../../connectors/memory/index.js';
import { manifest } from '../../connectors/memory/manifest.js';
import { removeFrom } from '../../connectors/memory/store.js';
import { connectors as registered } from '../../connectors/registry.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import { createWorld } from './world.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());
const message = (n: number): Buffer => Buffer.from(`Message-ID: <${n}@x>\r\nSubject: s${n}\r\n\r\nbody\r\n`);
const MIRROR = { deletions: 'mirror', maxDeletions: 1 } as const;

it('misses nothing for ever where one left and one came while it listed', async () => {
  // Oldest first, each page counted from the beginning as it is then; the token was taken before.
  const connector: typeof memory = {
    ...memory,
    source(options, access) {
      const plain = memory.source(options, access) as Source<Mail>;
      return {
        ...plain,
        async *list(container, _after, signal) {
          for (let from = 0, last = false; !last; from += 2) {
            const all: ItemRef[] = [];
            for await (const page of plain.list(container, undefined, signal)) all.push(...page.entries);
            all.sort((a, b) => Number(a.key) - Number(b.key));
            last = from + 2 >= all.length;
            yield { entries: all.slice(from, from + 2) };
            between();
          }
        },
      };
    },
  };
  const connectors = { ...registered, memory: { manifest, load: async () => connector } } as never;
  const world = createWorld(server.ledger, { connectors, settings: { rereadMs: 1 }, habits: { unordered: true } });
  let between = (): void => {};
  for (let n = 1; n <= 7; n++) world.from.put(['INBOX'], { bytes: message(n) });
  between = () => {
    between = () => {};
    removeFrom(world.from.folder(['INBOX']), 1);
    world.from.put(['INBOX'], { bytes: message(8) });
  };
  await world.run();
  await world.run();
  const there = [...world.to.folder(['INBOX']).messages.values()].map((m) => /s(\d)/.exec(m.bytes.toString())?.[1]);
  expect(there.filter((n) => n !== '1').sort()).toEqual(['2', '3', '4', '5', '6', '7', '8']);
  await world.close();
});

it('takes nothing for gone that another migration wrote down while it listed a second time', async () => {
  const habits = { unordered: true, pageItems: 2 };
  const name = 'shared';
  const world = createWorld(server.ledger, { name, selection: MIRROR, settings: { rereadMs: 1, sliceMs: 0 }, habits });
  const other = createWorld(server.ledger, { name, settings: { rereadMs: 1 }, habits });
  (other.spec as { name: string }).name = 'move-other';
  for (let n = 1; n <= 9; n++) world.from.put(['INBOX'], { bytes: message(n) });
  await world.run();
  await other.run();
  // one is gone, and the source does not know the tokens: listed twice.
  const inbox = world.from.folder(['INBOX']);
  removeFrom(inbox, 2);
  inbox.forgotten = ++inbox.modseq;
  let done = false;
  for await (const _ of world.slices()) {
    const { rows } = await server.ledger.pool.query(
      `select listing_state, listing_after from survey where migration = 'move-shared'`,
    );
    if (!done && rows[0]?.listing_state === 'again' && rows[0].listing_after !== null) {
      done = true;
      world.from.put(['INBOX'], { bytes: message(20) });
      await other.run();
    }
  }
  const there = [...world.to.folder(['INBOX']).messages.values()].map((m) => /s(\d+)/.exec(m.bytes.toString())?.[1]);
  expect(done).toBe(true);
  expect(world.target.counts.remove).toBe(1);
  expect(there).toContain('20');
  await world.close();
});
