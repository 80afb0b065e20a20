/**
 * Copies that appear late. Recovery waits before it calls a write absent, and then it is made again; should the network
 * have carried the first one all the same, two copies stand in the target. The item is unsure until a person took one away.
 */
import { listContainers } from '../../ledger/containers.js';
import { doubtedContainers, endDoubts, lateCopies } from '../../ledger/doubts.js';
import { fenced } from '../../ledger/leases.js';
import type { Slice } from '../slice/slice.js';
import { bindContainer, scanAnew } from './bind.js';
import { settle } from './results.js';

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
    for (const { container, key, ref, late: other } of late) {
      const reason = `two copies stand in the target, ${ref} and ${other}: a write that was taken for lost landed late; remove one of them there, then retry`;
      await settle(slice, container, [{ key, todo: null, outcome: 'unsure', reason }]);
    }
    const named = late.map(({ doubt }) => doubt);
    await fenced(deps.ledger, slice.lease, (sql) => endDoubts(sql, row.id, named));
  }
}
