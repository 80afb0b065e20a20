/** Limits rates: draws from the buckets that the fleet shares, in chunks, and waits while a bucket is in debt. */
import { drawBudget } from '../../ledger/budgets.js';
import { sleep } from '../session/connections.js';
import type { Rates } from '../session/rates.js';
import type { Side } from '../session/sides.js';
import type { Slice } from './slice.js';

/** The part of a slice that a rate limit needs. */
type Limited = Pick<Slice, 'deps' | 'rates' | 'ending' | 'signal'>;

const UNITS = ['items', 'bytes'] as const;
type Unit = (typeof UNITS)[number];

/** How much of a rate may pass before it is drawn, in seconds: a query for each chunk of a stream would cost more than it is worth. */
const UNDRAWN_SECONDS = 0.1;

/** At least so often a wait is looked at again: rates change by timetable and by `retune`, and a pause bites. */
const STEP_MS = 500;

const debts = new WeakMap<Limited, Record<Side, { items: number; bytes: number }>>();

/**
 * Draws for work before it is done, and waits until the rate allows it. Below a tenth of a second's worth it is only noted.
 * Chunks of a stream that are drawn for one by one pass at their rate, with at most a second's worth and one chunk at once.
 * Resolves to false when the slice ended first, and the work must not be done. Returns true at once, without a promise,
 * where there is no rate: streams ask for each chunk.
 */
export function acquire(slice: Limited, side: Side, items: number, bytes: number): true | Promise<boolean> {
  const rates = slice.rates(side);
  if (rates.items !== undefined || rates.bytes !== undefined) return acquireAt(rates, slice, side, { items, bytes });
  const both = debts.get(slice);
  if (both) both[side] = { items: 0, bytes: 0 };
  return true;
}

async function acquireAt(rates: Rates, slice: Limited, side: Side, done: Record<Unit, number>): Promise<boolean> {
  const both = debts.get(slice) ?? { source: { items: 0, bytes: 0 }, target: { items: 0, bytes: 0 } };
  debts.set(slice, both);
  const noted = both[side];
  for (const unit of UNITS) {
    const perSecond = rates[unit];
    // What passed while there was no rate, or a higher one, is not a debt at this one.
    const debt = perSecond === undefined ? 0 : Math.min(noted[unit], perSecond * UNDRAWN_SECONDS) + done[unit];
    const isDue = perSecond !== undefined && debt >= perSecond * UNDRAWN_SECONDS;
    // Another connection of this slice must not draw for the same again.
    noted[unit] = isDue ? 0 : debt;
    if (isDue && !(await draw(slice, side, unit, debt))) return false;
  }
  return true;
}

/** Draws from the side's bucket, at the rate that holds meanwhile. Resolves to false when the slice ended first. */
async function draw(slice: Limited, side: Side, unit: Unit, amount: number): Promise<boolean> {
  for (;;) {
    const { scope, [unit]: perSecond } = slice.rates(side);
    if (perSecond === undefined) return true;
    const waitMs = await drawBudget(slice.deps.ledger, `${scope}/${unit}`, perSecond, amount);
    if (waitMs === 0) return true;
    if (slice.ending()) return false;
    await sleep(Math.min(STEP_MS, waitMs), slice.signal);
    if (slice.ending()) return false;
  }
}

/** The largest batch that stays within one second's rate of the side; at least one item. */
export function largestBatch(
  slice: Pick<Slice, 'rates'>,
  side: Side,
  most: { readonly items: number; readonly bytes: number },
) {
  const rates = slice.rates(side);
  return {
    items: Math.max(1, Math.min(most.items, Math.floor(rates.items ?? most.items))),
    bytes: Math.min(most.bytes, rates.bytes ?? most.bytes),
  };
}
