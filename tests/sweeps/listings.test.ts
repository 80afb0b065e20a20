/** A crash at every write while the source lists in no order, by keys alone, and gives its token last. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LedgerServer } from '../engine/ledger.js';
import { startLedger } from '../engine/ledger.js';
import { crashEverywhere } from './crash-everywhere.js';
import { listingStory } from './listing-story.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());

it('survives a crash at every write: as a provider’s API lists', async () => {
  const story = listingStory({ unordered: true, tokenLast: true, cursorsExpire: true, keysOnly: true });
  expect(await crashEverywhere(server, story)).toBeGreaterThan(40);
});
