/** What `plan` finds: what a run would do, and what stands in its way. */
import type { Kind } from '../connectors/contract.js';
import type { Choice } from '../schemas/choice.js';
import type { Spec } from '../schemas/spec.js';
import type { UnitName } from './accounts.js';
import type { LeftOutRule } from './left-out.js';

/** What a run would do with items, and with those it leaves alone. Disjoint, but for `changedThere` and `bytes`. */
export interface PlanCounts {
  readonly create: number;
  readonly update: number;
  readonly remove: number;
  /**
   * Items that stand in another container, or files that have another name, in the source now: moved in the target, and
   * neither created nor removed.
   */
  readonly moved: number;
  readonly unchanged: number;
  /** The other side holds an equal item already: nothing is written. */
  readonly adopt: number;
  /** Files whose path is taken in the target by one of the same size, which a run compares by its content. */
  readonly compare: number;
  /** Left out by the rules of the spec: duplicates, no e-mail, the other side won. */
  readonly skip: number;
  /** Nobody wins: reported, and both sides stay as they are. */
  readonly conflict: number;
  /** Cannot be read or held by the other side; or could not in an earlier run and was not changed since. */
  readonly refuse: number;
  /** Unchanged here, but edited or deleted on the other side, where it is left alone. Going one way only. */
  readonly changedThere: number;
  /** Outside the selection's filters. */
  readonly excluded: number;
  /** To be created. */
  readonly bytes: number;
}

/** One container in one direction. */
export interface PlanContainer extends PlanCounts {
  readonly selection: string;
  readonly unit: number;
  /** Whose it is, as people know it. */
  readonly account: string;
  /** Set on the second row of a two-way selection: from the target to the source; `path` is then the target's. */
  readonly back?: true;
  readonly path: string;
  readonly target: string;
  /** The other side does not have it: it would be made. */
  readonly make: boolean;
  /** False: what the other side holds already was not looked at, and is counted in `create`. */
  readonly looked: boolean;
  /** Of files: the bytes behind the other numbers. */
  readonly volume?: PlanVolume;
}

/** The containers of one name that go to one name, over all accounts of a selection. */
export interface PlanFolder extends PlanCounts, Pick<PlanContainer, 'selection' | 'back' | 'path' | 'target'> {
  readonly accounts: number;
  /** In so many accounts it would be made. */
  readonly make: number;
}

/** One account of a selection, over its containers and both directions. */
export interface PlanAccount extends PlanCounts, Pick<PlanContainer, 'selection' | 'unit' | 'account'> {
  readonly folders: number;
  /** Containers that would be made. */
  readonly make: number;
}

/** One selection of the spec, over all that could be looked at. */
export interface PlanSelection extends PlanCounts {
  readonly name: string;
  readonly kind: Kind;
  readonly from: string;
  readonly to: string;
  readonly twoWay?: true;
  /** Those that could not be looked at included. */
  readonly accounts: number;
  /** Different ones, by name. */
  readonly folders: number;
  readonly make: number;
}

/** Bytes, as listings and the ledger tell them. */
export interface PlanVolume {
  /** The new sizes of what is to be updated. */
  readonly update: number;
  readonly remove: number;
  readonly moved: number;
  readonly unchanged: number;
  readonly compare: number;
  readonly excluded: number;
}

/** Something that stands in the way. */
export interface PlanProblem {
  readonly where: string;
  readonly problem: string;
  readonly next?: string;
  /** The account that it is about, where it is about one, and which side of it. */
  readonly unit?: UnitName;
  readonly side?: string;
}

/** Something worth knowing that stands in nobody's way, with how many items it is said of. */
export interface PlanNote {
  readonly where: string;
  readonly note: string;
  readonly count: number;
  /** Why these items are left out: they are counted so. Absent: they are not. */
  readonly what?: 'skip' | 'conflict' | 'refuse';
}

/** What would be deleted, item by item; only where that is asked for. */
export interface PlanDeletions {
  readonly count: number;
  /** How many of them are in `packed`. */
  readonly listed: number;
  /** An array of `PlanDeletion` as JSON, gzip, in base64. */
  readonly packed: string;
}

/** One copy that would be deleted. */
export interface PlanDeletion {
  readonly unit: number;
  readonly selection: string;
  /** The accounts in the spec's source and target. */
  readonly from: string;
  readonly to: string;
  /** The copy is in what the spec calls the source. */
  readonly back: boolean;
  /** Where it stood in the system that it has left. */
  readonly path: readonly string[];
  readonly targetPath: readonly string[] | null;
  readonly key: string;
  readonly ref: string | null;
  readonly bytes: number;
  readonly date: string | null;
}

export interface PlanResult {
  readonly name: string;
  readonly selections: readonly PlanSelection[];
  /** Those in which the most is to do, as many as have room; all are in `selections`. */
  readonly folders: readonly PlanFolder[];
  readonly accounts: readonly PlanAccount[];
  readonly containers: readonly PlanContainer[];
  readonly problems: readonly PlanProblem[];
  readonly notes: readonly PlanNote[];
  readonly totals: PlanTotals;
  /** Files whose names the target cannot keep; absent where there are none. */
  readonly names?: PlanNames;
  /** Folders, calendars and address books that the spec leaves out, by rule; absent where there are none. */
  readonly leftOut?: readonly LeftOutRule[];
  /** How long a run would take, for units of kind `files`; absent where nothing is to do. */
  readonly forecast?: PlanForecast;
  /** There were more containers, folders or accounts than are listed; all are in the sums. */
  readonly truncated: boolean;
  /** Where `PlanInput.deletions` asks for them. */
  readonly deletions?: PlanDeletions;
}

/** What becomes of names, as the spec's `names` says; the first are named, all are counted. */
export interface PlanNames {
  readonly renamed: number;
  readonly skipped: number;
  readonly refused: number;
  readonly first: readonly PlanName[];
}

export interface PlanName {
  readonly where: string;
  /** In the source. */
  readonly path: string;
  readonly becomes: 'renamed' | 'skipped' | 'refused';
  /** Where it would go, when it is renamed. */
  readonly to?: string;
  readonly reason: string;
}

/** How long a run would take, in seconds: from the limits of the spec, and what earlier runs of the units took. */
export interface PlanForecast {
  /** To be written, looked into or removed. */
  readonly items: number;
  readonly bytes: number;
  /** Absent where nothing can be told. */
  readonly atLeast?: number;
  /** Absent where some unit has no earlier run to go by. */
  readonly atMost?: number;
  /** The system whose limits allow the least. */
  readonly limit?: { readonly system: string; readonly seconds: number };
  /** Units with something to do that earlier runs tell nothing of, or too little. */
  readonly unmeasured: number;
}

export interface PlanTotals extends PlanCounts {
  /** Containers. */
  readonly make: number;
  readonly volume?: PlanVolume;
}

export interface PlanInput extends Choice {
  /** Absent: that under `specHash` in the ledger. */
  readonly spec?: Spec;
  readonly specHash: string;
  /** Read every item that would be written, so that what cannot be read is known. */
  readonly dryRun: boolean;
  /** Name every item that would be deleted. */
  readonly deletions?: boolean;
}
