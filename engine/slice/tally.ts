/** What a slice has done so far. */

import type { FileUnderWay, Trouble } from '../../words/progress.js';
import { seenFromSpec } from '../../words/sides.js';

export interface Tally {
  items: number;
  arrived: number;
  verified: number;
  failures: number;
  bytes: number;
  /** What it is at: the path of a folder or collection in the source. */
  container?: string;
  /** Large files under way. */
  readonly carrying: Set<FileUnderWay>;
  /** How many items failed, or are tried again, by reason. */
  readonly troubles: Map<string, number>;
}

export function createTally(): Tally {
  return { items: 0, arrived: 0, verified: 0, failures: 0, bytes: 0, carrying: new Set(), troubles: new Map() };
}

/** Whether anything was settled, staged, read back or written. */
export function hasProgress({ items, arrived, verified, failures, bytes }: Tally): boolean {
  return items + arrived + verified + failures + bytes > 0;
}

/** A heartbeat carries no more of a name. */
const NAME_LENGTH = 300;

/** The slice is at this container now; within a tree, at the folder of this item. */
export function noteContainer(tally: Tally, path: readonly string[], key?: string): void {
  const folder = key === undefined ? [] : key.split('/').slice(0, -1);
  tally.container = [...path, ...folder].join('/').slice(0, NAME_LENGTH) || '/';
}

export function noteTrouble({ troubles }: Tally, reason: string, items = 1): void {
  troubles.set(reason, (troubles.get(reason) ?? 0) + items);
}

/** So many reasons are shown while a unit is worked on; all are in the report. */
const TROUBLES_SHOWN = 5;

/** What was known when the slice began, and what it met since, the largest first, as seen from the spec. */
export function troublesOf(
  before: readonly Trouble[],
  { troubles }: Pick<Tally, 'troubles'>,
  back = false,
): readonly Trouble[] {
  const all = new Map(before.map(({ reason, items }) => [reason, items]));
  for (const [met, items] of troubles) {
    const reason = seenFromSpec(met, back);
    all.set(reason, Math.max(items, all.get(reason) ?? 0));
  }
  return [...all]
    .map(([reason, items]) => ({ reason, items }))
    .sort((a, b) => b.items - a.items)
    .slice(0, TROUBLES_SHOWN);
}
