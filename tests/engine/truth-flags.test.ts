/** Flags that change in the source say nothing of a message that failed. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { removeFrom, setFlags } from '../../connectors/memory/store.js';
import { ended } from './doubt.js';
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

it('a message that is missing in the target is missing still when its flags change in the source', async () => {
  const world = createWorld(server.ledger);
  const { uid } = world.from.put(INBOX, { bytes: message(1) });
  world.from.put(INBOX, { bytes: message(2) });
  await ended(world);
  removeFrom(world.to.folder(INBOX), 1);
  expect(await ended(world, { reason: 'verify' })).toMatchObject({ state: 'failed', totals: { failures: 1 } });
  setFlags(world.from.folder(INBOX), uid, ['\\Seen']);

  expect(await ended(world)).toMatchObject({ state: 'failed', totals: { verified: 1, failures: 1, skipped: 0 } });

  expect(await ended(world, { reason: 'retry' })).toMatchObject({
    state: 'done',
    totals: { verified: 2, failures: 0 },
  });
  await world.close();
});
