/** A server without MOVE: the message was copied, and the process died before the first copy was removed. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { removeFrom } from '../../connectors/memory/store.js';
import { contents, dieAt, ended, expectQuiet } from './doubt.js';
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

it.each([
  { deletions: 'mirror', left: 0 },
  { deletions: 'ignore', left: 1 },
] as const)('has two copies, each of which is known (deletions: $deletions)', async ({ deletions, left }) => {
  const world = createWorld(server.ledger, { selection: { deletions, maxDeletions: 1 } });
  const { uid } = world.from.put(INBOX, { bytes: message(1) });
  world.from.folder(['Done']);
  await ended(world);
  removeFrom(world.from.folder(INBOX), uid);
  world.from.put(['Done'], { bytes: message(1) });
  await dieAt(world, world.target, 'move', 'before');
  world.to.put(['Done'], { bytes: message(1) });

  const closed = await ended(world);

  expect(closed).toMatchObject({ state: 'done', totals: { items: 1 + left, verified: 1 + left, failures: 0 } });
  expect(contents(world.to, INBOX)).toHaveLength(left);
  expect(contents(world.to, ['Done'])).toEqual(contents(world.from, ['Done']));
  await expectQuiet(world);
  await world.close();
});
