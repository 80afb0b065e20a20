/**
 * How many items of a unit stand where: one set of names for the ledger, the workflows, the command and the report. Each
 * item counts once in `verified`, `arrived`, `failures`, `pending` or `skipped`; these add up to `items`.
 */
export interface Counters {
  /** Items the selection covers, and their bytes. */
  readonly items: number;
  readonly bytes: number;
  /** In the target, and proven. */
  readonly verified: number;
  /** In the target, and not proven, or changed in the source since. */
  readonly arrived: number;
  /** Refused, quarantined, altered, missing, unsure, or in conflict. */
  readonly failures: number;
  /** Not tried yet. */
  readonly pending: number;
  readonly duplicates: number;
  readonly bytesArrived: number;
  /** Of what is verified. */
  readonly bytesVerified: number;
  /** Items this run wrote. */
  readonly changed: number;
  /** What this run did to items in the target. */
  readonly created: number;
  readonly updated: number;
  /** They stand in another folder, or under another name, in the source now: moved there in the target, and not sent. */
  readonly moved: number;
  readonly removed: number;
  /** Left as they are, for a reason that the spec or the target gives. */
  readonly skipped: number;
  /** Edited on both sides, with nobody to win; counted among the failures too. */
  readonly conflicts: number;
}

/** Where items stand, without what a run did. */
export type Standings = Pick<
  Counters,
  'items' | 'bytes' | 'verified' | 'arrived' | 'failures' | 'pending' | 'skipped' | 'conflicts' | 'duplicates'
>;

export const NO_COUNTERS: Counters = {
  items: 0,
  bytes: 0,
  verified: 0,
  arrived: 0,
  failures: 0,
  pending: 0,
  duplicates: 0,
  bytesArrived: 0,
  bytesVerified: 0,
  changed: 0,
  created: 0,
  updated: 0,
  moved: 0,
  removed: 0,
  skipped: 0,
  conflicts: 0,
};

export function addCounters(a: Counters, b: Partial<Counters>): Counters {
  const names = Object.keys(a) as (keyof Counters)[];
  return Object.fromEntries(names.map((name) => [name, a[name] + (b[name] ?? 0)])) as unknown as Counters;
}

/** Every item is verified: nothing failed, nothing is left to do, nothing is written and not yet proven. */
export function isProven({ failures, pending, arrived }: Counters): boolean {
  return failures === 0 && pending === 0 && arrived === 0;
}
