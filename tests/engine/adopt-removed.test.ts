/** Copies that an earlier run saw in the target, and that a person removed before an item came for them. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { removeFrom } from '../../connectors/memory/store.js';
import { contents, ended } from './doubt.js';
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

it('are not waited for: the item is written', async () => {
  const world = createWorld(server.ledger);
  world.from.put(INBOX, { bytes: message(1) });
  const theirs = world.to.put(INBOX, { bytes: message(2) });
  await ended(world);
  removeFrom(world.to.folder(INBOX), theirs.uid);
  world.from.put(INBOX, { bytes: message(2) });

  expect(await ended(world)).toMatchObject({ state: 'done', totals: { items: 2, verified: 2, failures: 0 } });

  expect(contents(world.to, INBOX)).toEqual(contents(world.from, INBOX));
  await world.close();
});
