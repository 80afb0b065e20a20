/** What became of updates whose answers were lost: each copy is read back and compared with what was to be written. */
import type { TargetRef } from '../../connectors/contract.js';
import { isDigestOf } from '../../connectors/kinds/digest-version.js';
import type { BatchRow, Intent } from '../../ledger/batches.js';
import { leaveInDoubt } from '../../ledger/batches.js';
import { itemsByKey, noteBroken } from '../../ledger/items.js';
import type { Slice } from '../slice/slice.js';
import type { Bound } from './bind.js';
import { readEach } from './each-alone.js';
import { afterLanding } from './locate.js';
import type { Result } from './results.js';
import { commit } from './results.js';

/**
 * Settles updates that landed, and copies that cannot be read. Returns the intents of the others: what stands there is
 * what stood there before, a part of what was sent, or somebody's edit since; the next try meets each under its condition.
 */
export async function rereadBatch(slice: Slice, batch: BatchRow, bound: Bound): Promise<readonly Intent[]> {
  const { deps, target, signal } = slice;
  const items = await itemsByKey(
    deps.ledger.pool,
    batch.container,
    batch.intents.map(({ key }) => key),
  );
  const rows = new Map(items.map((item) => [item.key, item]));
  const refOf = ({ key, detail }: Intent): string | undefined => detail?.ref ?? rows.get(key)?.targetRef ?? undefined;
  const refs = [...new Set(batch.intents.flatMap((intent) => refOf(intent) ?? []))].sort();
  const copies = new Map<string, TargetRef>();
  const hidden = new Map<string, string>();
  for await (const copy of readEach(target, bound.target, refs, hidden, signal)) copies.set(copy.ref, copy);
  const results: Result[] = [];
  const absent: Intent[] = [];
  const broken: Intent[] = [];
  for (const intent of batch.intents) {
    const { key, digest } = intent;
    const [item, ref = ''] = [rows.get(key), refOf(intent)];
    const [copy, unread] = [copies.get(ref), hidden.get(ref)];
    if (!item) continue;
    if (unread !== undefined)
      results.push({ key, todo: null, outcome: 'unsure', reason: `${unread}; retry then`, digest });
    else if (!copy || !isDigestOf(slice.rules, copy, digest)) {
      absent.push(intent);
      if (slice.rules.beginning && copy?.digest !== item.digest) broken.push(intent);
    } else {
      results.push({
        key,
        todo: afterLanding(slice, item, item.meta),
        outcome: 'arrived',
        ref,
        digest: copy.digest,
        made: 'updated',
        base: item.base ?? item.meta,
        ...(copy.version !== undefined && { version: copy.version }),
        said: { what: 'updated' },
      });
    }
  }
  const entries = items.map((item) => ({ item, bytes: item.bytes }));
  await commit(slice, { container: batch.container, bound, entries }, results, async (sql) => {
    await noteBroken(sql, batch.container, broken);
    await leaveInDoubt(sql, batch.id, absent);
  });
  return absent;
}
