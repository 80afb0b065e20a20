/** What became of removals whose answers were lost: a copy that is gone is gone by us, though its item may be back. */
import type { BatchRow, Intent } from '../../ledger/batches.js';
import { leaveInDoubt } from '../../ledger/batches.js';
import { itemsByKey } from '../../ledger/items.js';
import type { Slice } from '../slice/slice.js';
import type { Bound } from './bind.js';
import { readEach } from './each-alone.js';
import type { Result } from './results.js';
import { commit } from './results.js';

/**
 * Items that are in the source again are made anew: their copy was not removed by a person. The others are removed once
 * more, which does no harm where they are removed already.
 */
export async function recheckBatch(slice: Slice, batch: BatchRow, bound: Bound): Promise<readonly Intent[]> {
  const { deps, target, signal } = slice;
  const keys = batch.intents.map(({ key }) => key);
  const back = (await itemsByKey(deps.ledger.pool, batch.container, keys)).filter(({ gone }) => !gone);
  const refs = back.flatMap(({ targetRef }) => (targetRef === null ? [] : [targetRef])).sort();
  if (refs.length === 0) return batch.intents;
  const hidden = new Map<string, string>();
  const there = new Set<string>();
  for await (const { ref } of readEach(target, bound.target, refs, hidden, signal)) there.add(ref);
  const results = back.flatMap(({ key, targetRef }): Result[] =>
    targetRef === null || there.has(targetRef) || hidden.has(targetRef) ? [] : [{ key, todo: 'create', ref: null }],
  );
  const made = new Set(results.map(({ key }) => key));
  const left = batch.intents.filter(({ key }) => !made.has(key));
  await commit(slice, { container: batch.container }, results, (sql) => leaveInDoubt(sql, batch.id, left));
  return left;
}
