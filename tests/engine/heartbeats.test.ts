/** What a slice tells of itself while it works. */
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { createTally, noteContainer } from '../../engine/slice/tally.js';
import type { SliceHeartbeat } from '../../words/progress.js';
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
afterEach(() => world?.close());

it('names the folder that is moved, read back or listed', async () => {
  const beats: SliceHeartbeat[] = [];
  world = createWorld(server.ledger, { settings: { leaseMs: 1_600 }, heartbeat: (beat) => void beats.push(beat) });
  world.from.put(['INBOX', '2024'], { bytes: Buffer.from('Message-ID: <1@anna>\r\n\r\nbody\r\n') });
  const named = (phase: SliceHeartbeat['phase']) => async (): Promise<void> => {
    await vi.waitFor(() => expect(beats).toContainEqual(expect.objectContaining({ phase, container: 'INBOX/2024' })));
  };
  world.target.fault = async ({ op, when }) => {
    if (op === 'create' && when === 'before') await named('move')();
  };

  await world.run();

  expect(beats.map(({ phase }) => phase)).toContain('verify');
  await named('move')();
});

it('names the folder within a tree, and no more of a name than a heartbeat should carry', () => {
  const tally = createTally();
  const at = (path: readonly string[], key?: string): string | undefined => {
    noteContainer(tally, path, key);
    return tally.container;
  };

  expect([at([], 'films/2024/one.mp4'), at([], 'one.mp4'), at([], 'films/'), at(['INBOX', '2024'])]).toEqual([
    'films/2024',
    '/',
    'films',
    'INBOX/2024',
  ]);
  expect(at(['x'.repeat(5_000)])).toHaveLength(300);
});
