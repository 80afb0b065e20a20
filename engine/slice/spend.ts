/** Rates: draws from the buckets the fleet shares, in lots, and waits while a bucket is in debt. */
import { drawBudget } from '../../ledger/budgets.js';
import { pause } from '../session/connections.js';
import type { Rates } from '../session/rates.js';
import type { Side } from '../session/sides.js';
import type { Slice } from './slice.js';

/** The part of a slice that pays. */
type Payer = Pick<Slice, 'deps' | 'rates' | 'ending' | 'signal'>;

const UNITS = ['items', 'bytes'] as const;
type Unit = (typeof UNITS)[number];

/** What a bucket may be owed unpaid, in seconds: a query for each chunk of a stream would cost more than it is worth. */
const UNPAID = 0.1;

/** At least so often a wait is looked at again: rates change by timetable and by `retune`, and a pause bites. */
const STEP_MS = 500;

const unpaid = new WeakMap<Payer, Record<Side, { items: number; bytes: number }>>();

/**
 * Pays for work before it is done, and waits its turn. Below a tenth of a second's worth it is only noted. Chunks of a
 * stream that are paid for one by one pass at their rate, with at most a second's worth and one chunk at once. False:
 * the slice ended first, and the work must not be done. Answers at once where there is no rate: streams ask for each chunk.
 */
export function spend(slice: Payer, side: Side, items: number, bytes: number): true | Promise<boolean> {
  const rates = slice.rates(side);
  if (rates.items !== undefined || rates.bytes !== undefined) return spendAt(rates, slice, side, { items, bytes });
  const both = unpaid.get(slice);
  if (both) both[side] = { items: 0, bytes: 0 };
  return true;
}

async function spendAt(rates: Rates, slice: Payer, side: Side, done: Record<Unit, number>): Promise<boolean> {
  const both = unpaid.get(slice) ?? { source: { items: 0, bytes: 0 }, target: { items: 0, bytes: 0 } };
  unpaid.set(slice, both);
  const spent = both[side];
  for (const unit of UNITS) {
    const perSecond = rates[unit];
    // What passed while there was no rate, or a higher one, is not owed at this one.
    const owed = perSecond === undefined ? 0 : Math.min(spent[unit], perSecond * UNPAID) + done[unit];
    const isDue = perSecond !== undefined && owed >= perSecond * UNPAID;
    // Another connection of this slice must not pay for the same again.
    spent[unit] = isDue ? 0 : owed;
    if (isDue && !(await pay(slice, side, unit, owed))) return false;
  }
  return true;
}

/** Draws from the side's bucket, at the rate that holds meanwhile. False: the slice ended first. */
async function pay(slice: Payer, side: Side, unit: Unit, due: number): Promise<boolean> {
  for (;;) {
    const { scope, [unit]: perSecond } = slice.rates(side);
    if (perSecond === undefined) return true;
    const waitMs = await drawBudget(slice.deps.ledger, `${scope}/${unit}`, perSecond, due);
    if (waitMs === 0) return true;
    if (slice.ending()) return false;
    await pause(Math.min(STEP_MS, waitMs), slice.signal);
    if (slice.ending()) return false;
  }
}

/** So much at once that the rates of the side are kept from one second to the next; at least one item. */
export function paced(
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
