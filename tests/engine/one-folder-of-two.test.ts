/** Two folders of the source go into one of the target, over several connections at once. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { contents, ended, withTarget } from './doubt.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import { createWorld } from './world.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());

const ALL = ['All'];
const message = (n: number): Buffer => Buffer.from(`Message-ID: <${n}@x>\r\nSubject: s${n}\r\n\r\nbody ${n}\r\n`);

it('are written once each, though the same messages are in both', async () => {
  const world = createWorld(server.ledger, {
    selection: { map: { folders: { A: 'All', B: 'All' } } },
    settings: { batchItems: 10 },
    connectors: withTarget('memory', (target) => target, 3),
  });
  for (let n = 0; n < 300; n++) world.from.put(['A'], { bytes: message(n) });
  for (let n = 290; n < 300; n++) world.from.put(['B'], { bytes: message(n) });
  // The answers to the last of A are on their way for so long that the second folder is looked at meanwhile.
  let scanned = (): void => {};
  const scan = new Promise<void>((resolve) => {
    scanned = resolve;
  });
  world.target.fault = async ({ op, when }) => {
    if (op === 'scan' && when === 'after') scanned();
    if (op !== 'create' || when !== 'after' || world.to.folder(ALL).messages.size < 290) return;
    await Promise.race([scan, new Promise((resolve) => setTimeout(resolve, 100).unref())]);
  };

  const closed = await ended(world);

  expect(closed).toMatchObject({ state: 'done', totals: { items: 310, verified: 310, failures: 0, duplicates: 0 } });
  expect(contents(world.to, ALL)).toEqual([...contents(world.from, ['A']), ...contents(world.from, ['B'])].sort());
  await world.close();
});
