/** A target is looked through from where it was looked at last: nothing that comes there is overlooked for that. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { plain } from '../conformance/odd-messages.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import type { World } from './world.js';
import { createWorld } from './world.js';

let server: LedgerServer;
let world: World;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());
beforeEach(async () => {
  await server.clear();
  world = createWorld(server.ledger);
  for (const name of ['a', 'b', 'c']) world.from.put(['INBOX'], { bytes: plain(name) });
  expect(await world.run()).toMatchObject({ state: 'done', totals: { items: 3, verified: 3, duplicates: 0 } });
});
afterEach(() => world.close());

/** The anchor that the next look begins at. */
async function lookedTo(): Promise<string | null> {
  const { rows } = await server.ledger.pool.query<{ to: string | null }>('select scanned_to as to from container');
  return rows[0]?.to ?? null;
}

it('names copies that somebody put there between two runs', async () => {
  expect(await lookedTo()).not.toBeNull();
  world.to.put(['INBOX'], { bytes: plain('a') });
  world.from.put(['INBOX'], { bytes: plain('d') });

  expect(await world.run()).toMatchObject({ state: 'done', totals: { items: 4, verified: 4, duplicates: 1 } });
});

it('adopts what somebody put there between two runs instead of writing it again', async () => {
  world.to.put(['INBOX'], { bytes: plain('d') });
  world.from.put(['INBOX'], { bytes: plain('d') });

  const closed = await world.run();

  expect(closed).toMatchObject({ state: 'done', totals: { items: 4, verified: 4, created: 0, duplicates: 0 } });
});

it('looks at all of a folder that was renumbered, or that items failed in', async () => {
  // Of another folder, which numbered higher.
  await server.ledger.pool.query(`update container set scanned_to = '9999999999'`);
  world.to.renumber(['INBOX']);
  world.to.put(['INBOX'], { bytes: plain('a') });
  world.from.put(['INBOX'], { bytes: plain('d') });
  expect(await world.run()).toMatchObject({ state: 'done', totals: { items: 4, verified: 4, duplicates: 1 } });

  // The copy that a person takes away has a twin below the anchor: the retry finds it, and writes nothing.
  const { messages } = world.to.folder(['INBOX']);
  messages.delete(Math.min(...messages.keys()));
  expect(await world.run({ reason: 'verify' })).toMatchObject({ state: 'failed', totals: { failures: 1 } });
  const closed = await world.run({ reason: 'retry' });
  expect(closed).toMatchObject({ state: 'done', totals: { items: 4, verified: 4, created: 0, duplicates: 0 } });
});
