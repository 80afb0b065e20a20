/** Rates: draws from the buckets the fleet shares, in lots, and waits while a bucket is in debt. */
import { drawBudget } from '../ledger/budgets.js';
import { pause, systemScope } from './connections.js';
import type { Slice } from './slice.js';

type Side = 'source' | 'target';

interface Rates {
  readonly items: number | undefined;
  readonly bytes: number | undefined;
}
const UNITS = ['items', 'bytes'] as const;

const unpaid = new WeakMap<Slice, Record<Side, { items: number; bytes: number }>>();

/**
 * Pays for work before it is done, and waits its turn. Below a tenth of a second's worth it is only noted. False:
 * the slice ended first, and the work must not be done.
 */
export async function spend(slice: Slice, side: Side, items: number, bytes: number): Promise<boolean> {
  const rates = ratesOf(slice, side);
  if (rates.items === undefined && rates.bytes === undefined) return true;
  const both = unpaid.get(slice) ?? { source: { items: 0, bytes: 0 }, target: { items: 0, bytes: 0 } };
  unpaid.set(slice, both);
  const spent = both[side];
  spent.items += items;
  spent.bytes += bytes;
  const scope = systemScope(side === 'source' ? slice.sourceConfig : slice.targetConfig);
  for (const unit of UNITS) {
    const perSecond = rates[unit];
    const due = spent[unit];
    if (perSecond === undefined || due < perSecond / 10) continue;
    // Another connection of this slice must not pay for the same again.
    spent[unit] = 0;
    for (;;) {
      const waitMs = await drawBudget(slice.deps.ledger, `${scope}/${unit}`, perSecond, due);
      if (waitMs === 0) break;
      if (!(await waited(slice, waitMs))) return false;
    }
  }
  return true;
}

/** So much at once that the rates of the side are kept from one second to the next; at least one item. */
export function paced(slice: Slice, side: Side, most: { readonly items: number; readonly bytes: number }) {
  const rates = ratesOf(slice, side);
  return {
    items: Math.max(1, Math.min(most.items, Math.floor(rates.items ?? most.items))),
    bytes: Math.min(most.bytes, rates.bytes ?? most.bytes),
  };
}

function ratesOf(slice: Slice, side: Side): Rates {
  const { limits } = side === 'source' ? slice.sourceConfig : slice.targetConfig;
  const tuning = slice.tuning();
  return {
    items: tuning.itemsPerSecond ?? limits?.itemsPerSecond,
    bytes: tuning.bytesPerSecond ?? limits?.bytesPerSecond,
  };
}

/** In steps, so that a pause bites during a long wait. False: the slice ended meanwhile. */
async function waited(slice: Slice, waitMs: number): Promise<boolean> {
  for (const until = Date.now() + waitMs; Date.now() < until; ) {
    if (slice.ending()) return false;
    await pause(Math.min(500, until - Date.now()), slice.signal);
  }
  return !slice.ending();
}
