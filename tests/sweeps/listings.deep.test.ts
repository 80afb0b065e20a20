/** The same at every write for each way in which a source may be harder to list. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Habits } from '../../connectors/memory/source.js';
import type { LedgerServer } from '../engine/ledger.js';
import { startLedger } from '../engine/ledger.js';
import { crashEverywhere } from './crash-everywhere.js';
import { listingStory } from './listing-story.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());

const HABITS: Record<string, Habits> = {
  'keys alone, in order': { keysOnly: true },
  'renderings that differ at each reading': { renders: true },
  'no order, tokens before, looked up by key': { unordered: true, keysOnly: true, looksUp: true },
  'no order, replays, the token last, renderings': { unordered: true, tokenLast: true, replays: true, renders: true },
};

it.each(Object.entries(HABITS))('survives a crash at every write: %s', async (_, habits) => {
  expect(await crashEverywhere(server, listingStory(habits))).toBeGreaterThan(40);
});
