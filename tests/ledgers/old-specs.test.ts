/** Specs of older versions: after the upgrade their accounts stand beside them, and they are what their hashes say. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readSpec, readWholeSpec } from '../../ledger/specs.js';
import { specHash } from '../../schemas/hash.js';
import type { LedgerServer } from '../engine/ledger.js';
import { startLedger } from '../engine/ledger.js';
import { dumpOf, loadLedger } from './load.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());

it.each([
  ['two-way', '0.3'],
  ['parked-credentials', '0.3'],
  ['parked-approval', '0.3'],
  ['digests-settled', '0.4'],
  ['digests-two-way', '0.4'],
] as const)('%s of version %s', async (name, version) => {
  const { ledger, close } = await loadLedger(server, await dumpOf(name, version), version);
  const { rows } = await ledger.pool.query<{ hash: string }>('select hash from spec');
  expect(rows.length).toBeGreaterThan(0);

  for (const { hash } of rows) {
    expect(specHash(await readWholeSpec(ledger.pool, hash))).toBe(hash);
    for (const selection of (await readSpec(ledger.pool, hash)).selections)
      expect(selection).not.toHaveProperty('accounts');
  }
  await close();
});
