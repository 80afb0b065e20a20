/** Deletions: only when the spec mirrors them, and never more than a set share at once without approval. */
import { excuseBatch, openBatch, settleBatch } from '../ledger/batches.js';
import type { ContainerRow } from '../ledger/containers.js';
import { listContainers } from '../ledger/containers.js';
import { writeOutcomes } from '../ledger/events.js';
import type { Settlement } from '../ledger/items.js';
import { removable } from '../ledger/removals.js';
import { bindContainer } from './bind.js';
import type { Slice, WorkResult } from './slice.js';

export const DEFAULT_MAX_DELETIONS = 0.1;
const PAGE = 500;

export async function remove(slice: Slice): Promise<WorkResult> {
  if (slice.selection.deletions !== 'mirror') return 'done';
  const { deps, pairing, unit } = slice;
  const { gone, items } = await removable.count(deps.ledger.pool, pairing.id);
  if (gone === 0) return 'done';
  const share = slice.selection.maxDeletions ?? DEFAULT_MAX_DELETIONS;
  if (gone > share * items && !unit.approved.includes('approval')) {
    return {
      gate: 'approval',
      reason: `${gone} of ${items} items were deleted in the source, more than the ${Math.round(share * 100)} % that may go at once`,
      next: '`migrate approve` deletes them in the target too, `migrate cancel` leaves them there',
    };
  }
  for (const row of await listContainers(deps.ledger, pairing.id)) {
    for (;;) {
      if (slice.ending()) return 'more';
      const items = await removable.next(deps.ledger.pool, row.id, PAGE);
      if (items.length === 0) break;
      await removePage(slice, row, items);
    }
  }
  return 'done';
}

async function removePage(
  slice: Slice,
  row: ContainerRow,
  items: readonly { readonly key: string; readonly ref: string }[],
): Promise<void> {
  const { deps, lease, input, signal } = slice;
  const bound = await bindContainer(slice, slice.target, row);
  const intent = {
    container: row.id,
    op: 'remove' as const,
    anchor: '',
    keys: items.map((i) => i.key),
    digests: items.map(() => ''),
  };
  const batch = { ...intent, blameless: true, id: await openBatch(deps.ledger, lease, intent) };
  const removed: string[] = [];
  const refused: Settlement[] = [];
  try {
    const writes = items.map((item) => ({ op: 'remove' as const, token: item.key, ref: item.ref }));
    for await (const answer of slice.target.write(bound.target, writes, signal)) {
      if ('refused' in answer)
        refused.push({ key: answer.refused, todo: null, outcome: 'skipped', reason: deps.redact(answer.reason) });
      else removed.push(answer.token);
    }
  } catch (error) {
    await excuseBatch(deps.ledger, batch.id);
    throw error;
  }
  await settleBatch(deps.ledger, lease, { ...batch, keys: [], digests: [] }, refused, input.run, async (sql) => {
    await removable.forget(sql, row.id, removed);
    await writeOutcomes(sql, input, [
      ...removed.map((key) => ({ container: row.id, key, what: 'removed' })),
      ...refused.map((s) => ({ container: row.id, key: s.key, what: 'skipped', reason: s.reason as string })),
    ]);
  });
  slice.tally.items += removed.length;
}
