/** What planning one direction of a unit works with. */
import type { Kind, Source, Target } from '../../connectors/contract.js';
import type { KindRules } from '../../connectors/kinds/kinds.js';
import type { Planned } from '../../ledger/planned.js';
import type { Account, Selection } from '../../schemas/spec.js';
import type { PlanCounts, PlanVolume } from '../../words/plan.js';
import type { Deps } from '../deps.js';
import type { Arrivals } from './arrivals.js';
import type { Deletions } from './deletions.js';
import type { Remarks, Where } from './remarks.js';

export interface Look {
  readonly deps: Deps;
  readonly signal: AbortSignal;
  /** As seen in this direction. */
  readonly selection: Selection;
  readonly account: Account;
  readonly unit: number;
  /** The unit, as problems and remarks name it. */
  readonly where: Where;
  readonly reverse: boolean;
  /** Set for two-way selections, as in a slice; here only its presence counts. */
  readonly other: number | undefined;
  /** What the other direction knows, of a two-way selection. */
  readonly opposite: Planned | undefined;
  readonly kind: Kind;
  readonly rules: KindRules<unknown>;
  readonly source: Source<unknown>;
  readonly target: Target<unknown>;
  readonly planned: Planned;
  /** Everything that would be written is read. */
  readonly dryRun: boolean;
  readonly remarks: Remarks;
  /** Absent where nothing can have moved: nothing is known yet, or items stand under paths (renames.ts). */
  readonly arrivals?: Arrivals;
  /** Where every deletion is to be named. */
  readonly deletions?: Deletions;
  /** What the forward pass left for the reverse pass. */
  readonly handled: Handled;
  /**
   * Versions of everything a container of the target holds, by reference. Undefined where the target cannot be asked
   * cheaply: its copies are then read. An empty map where it has no such container any more.
   */
  versions(targetKey: string): Promise<ReadonlyMap<string, string> | undefined>;
}

export type Counts = { -readonly [key in keyof PlanCounts]: number };

export const noCounts = (): Counts => ({
  create: 0,
  update: 0,
  remove: 0,
  moved: 0,
  unchanged: 0,
  adopt: 0,
  compare: 0,
  skip: 0,
  conflict: 0,
  refuse: 0,
  changedThere: 0,
  excluded: 0,
  bytes: 0,
});

export type Volume = { -readonly [key in keyof PlanVolume]: number };

export const noVolume = (): Volume => ({ update: 0, remove: 0, moved: 0, unchanged: 0, compare: 0, excluded: 0 });

/**
 * Going both ways, copies that the forward pass has met are not new and not edited for the reverse pass; what it found to
 * be carried back is counted there. Bounded by what differs between the two sides, but for a first run, where it holds
 * a reference for each copy that is there already.
 */
export interface Handled {
  add(targetKey: string, ref: string, reverse?: 'create' | 'update'): void;
  has(targetKey: string, ref: string): boolean;
  reverse(targetKey: string): { readonly create: number; readonly update: number };
}

export function createHandled(): Handled {
  const refs = new Map<string, Set<string>>();
  const counts = new Map<string, { create: number; update: number }>();
  return {
    add(targetKey, ref, reverse) {
      const known = refs.get(targetKey);
      if (known) known.add(ref);
      else refs.set(targetKey, new Set([ref]));
      if (reverse === undefined) return;
      const count = counts.get(targetKey) ?? { create: 0, update: 0 };
      count[reverse]++;
      counts.set(targetKey, count);
    },
    has: (targetKey, ref) => refs.get(targetKey)?.has(ref) ?? false,
    reverse: (targetKey) => counts.get(targetKey) ?? { create: 0, update: 0 },
  };
}
