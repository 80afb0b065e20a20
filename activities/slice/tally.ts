/** What a slice has done so far, and where that leaves its unit. */
import type { Counters } from '../../ledger/units.js';
import type { FileUnderWay, Phase } from '../../workflows/messages.js';

export interface Tally {
  items: number;
  arrived: number;
  verified: number;
  failures: number;
  bytes: number;
  /** Large files under way. */
  readonly carrying: Set<FileUnderWay>;
}

export function createTally(): Tally {
  return { items: 0, arrived: 0, verified: 0, failures: 0, bytes: 0, carrying: new Set() };
}

/** Whether anything was settled, staged, read back or written. */
export function hasProgress({ items, arrived, verified, failures, bytes }: Tally): boolean {
  return items + arrived + verified + failures + bytes > 0;
}

/** Where the unit stands now, as far as its slice can tell without counting. */
export function advanced(before: Counters, phase: Phase, tally: Tally): Counters {
  return {
    ...before,
    items: before.items + (phase === 'survey' ? tally.items : 0),
    bytes: before.bytes + (phase === 'survey' ? tally.bytes : 0),
    verified: before.verified + tally.verified,
    arrived: Math.max(0, before.arrived + tally.arrived - (phase === 'verify' ? tally.verified : 0)),
    failures: before.failures + tally.failures,
    pending: Math.max(0, before.pending + (phase === 'survey' ? tally.items : -tally.verified)),
    bytesArrived: before.bytesArrived + (phase === 'move' ? tally.bytes : 0),
  };
}
