/** A target that takes longer to open and to look through than a slice lasts: each slice carries something all the same. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { contents, ended, expectQuiet } from './doubt.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import { createWorld } from './world.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());

const FOLDER = ['INBOX'];
const SLICE_MS = 200;

const BODIES = {
  mail: (n: number): Buffer => Buffer.from(`Message-ID: <${n}@x>\r\nSubject: s${n}\r\n\r\nbody ${n}\r\n`),
  contacts: (n: number): Buffer =>
    Buffer.from(`BEGIN:VCARD\r\nVERSION:3.0\r\nUID:u${n}\r\nFN:Person ${n}\r\nEND:VCARD\r\n`),
} as const;

it.each(['mail', 'contacts'] as const)('%s arrive', async (kind) => {
  const world = createWorld(server.ledger, { selection: { kind }, settings: { sliceMs: SLICE_MS } });
  for (let n = 1; n <= 5; n++) world.from.put(FOLDER, { bytes: BODIES[kind](n) });
  world.target.fault = ({ op, when }) => {
    if (op === 'ensure' && when === 'after') return new Promise((go) => setTimeout(go, 2 * SLICE_MS));
  };

  expect(await ended(world)).toMatchObject({ state: 'done', totals: { items: 5, verified: 5, failures: 0 } });

  world.target.fault = undefined;
  expect(contents(world.to, FOLDER)).toEqual(contents(world.from, FOLDER));
  await expectQuiet(world);
  await world.close();
});
