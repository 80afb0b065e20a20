/**
 * Copies that appear late. Recovery waits before it calls a write absent, and then it is made again; should the network
 * have carried the first one all the same, two copies stand in the target. The item is unsure until a person took one away.
 */
import { listContainers } from '../../ledger/containers.js';
import { doubtedContainers, endDoubts, lateCopies } from '../../ledger/doubts.js';
import { bindContainer, scanAnew } from '../bind.js';
import type { Slice } from '../slice.js';
import type { Result } from './results.js';
import { commit } from './results.js';

/** Looks once more at containers with writes that were in doubt, and names items of which two copies stand there. */
export async function nameLateCopies(slice: Slice): Promise<void> {
  const { deps, pairing } = slice;
  const { pool } = deps.ledger;
  const doubted = new Set(await doubtedContainers(pool, pairing.id));
  if (doubted.size === 0) return;
  for (const row of await listContainers(deps.ledger, pairing.id)) {
    if (!doubted.has(row.id)) continue;
    const bound = await bindContainer(slice, slice.target, row);
    await scanAnew(slice, slice.target, bound);
    const late = await lateCopies(pool, row.id, pairing.target, bound.targetKey);
    const results = late.map(({ key, ref, late }): Result => {
      const reason = `two copies stand in the target, ${ref} and ${late}: a write that was taken for lost landed late; remove one of them there, then retry`;
      return { key, todo: null, outcome: 'unsure', reason };
    });
    const keys = late.map(({ key }) => key);
    await commit(slice, { container: row.id }, results, (sql) => endDoubts(sql, row.id, keys));
  }
}
