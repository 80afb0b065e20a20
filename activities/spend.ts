/** Rates: draws from the buckets the fleet shares, in lots, and waits when a bucket is empty. */
import { drawBudget } from '../ledger/budgets.js';
import { pause, systemScope } from './connections.js';
import type { Slice } from './slice.js';

interface Spent {
  items: number;
  bytes: number;
}
const unpaid = new WeakMap<Slice, Spent>();

/** Pays for work on one side. Below a tenth of a second's worth it is only noted. */
export async function spend(slice: Slice, side: 'source' | 'target', items: number, bytes: number): Promise<void> {
  const config = side === 'source' ? slice.sourceConfig : slice.targetConfig;
  const itemsPerSecond = slice.tuning().itemsPerSecond ?? config.limits?.itemsPerSecond;
  const bytesPerSecond = slice.tuning().bytesPerSecond ?? config.limits?.bytesPerSecond;
  if (itemsPerSecond === undefined && bytesPerSecond === undefined) return;
  const spent = unpaid.get(slice) ?? { items: 0, bytes: 0 };
  unpaid.set(slice, spent);
  spent.items += items;
  spent.bytes += bytes;
  const scope = systemScope(config);
  let waitMs = 0;
  if (itemsPerSecond !== undefined && spent.items >= itemsPerSecond / 10) {
    waitMs = Math.max(waitMs, await drawBudget(slice.deps.ledger, `${scope}/items`, itemsPerSecond, spent.items));
    spent.items = 0;
  }
  if (bytesPerSecond !== undefined && spent.bytes >= bytesPerSecond / 10) {
    waitMs = Math.max(waitMs, await drawBudget(slice.deps.ledger, `${scope}/bytes`, bytesPerSecond, spent.bytes));
    spent.bytes = 0;
  }
  // In steps, so that a pause bites during a long wait.
  for (const until = Date.now() + waitMs; Date.now() < until && !slice.ending(); ) {
    await pause(Math.min(500, until - Date.now()), slice.signal);
  }
}
