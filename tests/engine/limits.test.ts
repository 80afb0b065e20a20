/** Rates hold over a whole unit, however its work falls into slices. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import { createWorld } from './world.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());

it.each([100, 5_000])('writes no faster than it may, in slices of %i ms', async (sliceMs) => {
  const world = createWorld(server.ledger, { settings: { sliceMs }, limits: { itemsPerSecond: 100 } });
  for (let n = 0; n < 300; n++) world.from.put(['INBOX'], { bytes: Buffer.from(`Subject: ${n}\r\n\r\n`), flags: [] });
  const written: number[] = [];
  world.target.fault = (event) => {
    if (event.op === 'create' && event.when === 'before') written.push(Date.now());
  };

  const result = await world.run();

  expect(result).toMatchObject({ state: 'done', counters: { verified: 300, duplicates: 0 } });
  const start = written[0] as number;
  for (const second of [0, 1, 2]) {
    // A second's worth may go at once, and another leaves a debt.
    const soFar = written.filter((at) => at - start < second * 1_000 + 500).length;
    expect(soFar, `after ${second}.5 s`).toBeLessThanOrEqual(200 + second * 100 + 50);
  }
  await world.close();
});
