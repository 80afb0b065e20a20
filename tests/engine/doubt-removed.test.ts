/** A removal lands in the target, its answer is lost, and the source has the item again meanwhile. */
import { mkdtemp, rm, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ended, withTarget } from './doubt.js';
import { put, tree } from './file-tree.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import { createWorld } from './world.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());

it.each(['skip', 'target'] as const)('is no deletion by a person (onConflict: %s)', async (onConflict) => {
  const dir = await mkdtemp(join(tmpdir(), 'drover-doubt-'));
  const [from, to] = [join(dir, 'from'), join(dir, 'to')];
  const lost = { next: false };
  const world = createWorld(server.ledger, {
    selection: { kind: 'files', onConflict, deletions: 'mirror', maxDeletions: 1 },
    systems: { old: { type: 'folder', options: { path: from } }, new: { type: 'folder', options: { path: to } } },
    connectors: withTarget('folder', (target) => ({
      ...target,
      async *write(container, writes, signal) {
        for await (const answer of target.write(container, writes, signal)) {
          if (lost.next && writes.some(({ op }) => op === 'remove')) throw new Error('kill -9');
          yield answer;
        }
      },
    })),
  });
  for (const name of ['a', 'b']) await put(from, name);
  await ended(world);
  await unlink(join(from, 'a'));
  lost.next = true;
  await expect(world.run()).rejects.toThrow('kill -9');
  lost.next = false;
  await put(from, 'a', 'another content');

  const closed = await ended(world);

  expect(await tree(to)).toEqual(await tree(from));
  expect(closed).toMatchObject({ state: 'done', totals: { items: 2, verified: 2, failures: 0, skipped: 0 } });
  await world.close();
  await rm(dir, { recursive: true, force: true });
});
