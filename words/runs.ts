/** Runs: why one is asked for, and how it ends. */
import type { Spec } from '../schemas/spec.js';
import type { AccountNames } from './accounts.js';
import type { Counters } from './counters.js';
import type { LeftOutSum } from './left-out.js';
import type { Measure } from './progress.js';
import type { Ranges } from './ranges.js';
import type { TuningInput } from './tuning.js';
import type { Gate, ParkedUnit, UnitGroup } from './units.js';

export type RunReason = 'apply' | 'schedule' | 'retry' | 'verify';

export type RunState = 'running' | 'done' | 'failed' | 'cancelled' | 'replaced';

/** One execution asked for. */
export interface RunRequest {
  /** Unique for each asking; the same request twice is one run, until that has ended. */
  readonly id: string;
  readonly reason: RunReason;
  /** The schedule that started it. */
  readonly schedule?: string;
  /** Absent: that under `specHash` in the ledger, which its parts bring there; else the one that the migration ran last. */
  readonly spec?: Spec;
  readonly specHash?: string;
  /** Names of selections; absent: all. */
  readonly selections?: readonly string[];
  /** Accounts by their names on either side; absent: all. */
  readonly accounts?: readonly string[];
  /** With `retry` and `verify`: these units only. */
  readonly units?: readonly number[];
  /** Ids of workflows that are told how the run ended, by the signal `runEnded`. */
  readonly waiters?: readonly string[];
}

/** What all units of a run count, each as it ended last; of two sums the one with more `sums` is the later. */
export interface RunSum {
  readonly totals: Counters;
  readonly sums: number;
}

/** An open run, as the ledger knows it: a new one, or one that goes on in another workflow execution. */
export interface Prepared {
  readonly run: number;
  readonly specHash: string;
  readonly groups: readonly UnitGroup[];
  /** Units to be started. */
  readonly waiting: Ranges;
  /** Units that ended their last run as done, and of which nothing is asked anew: most have nothing to do. */
  readonly settled: Ranges;
  /** The first hundred units that wait at a gate, those for an approval before all others, with their reasons. */
  readonly parked: readonly ParkedUnit[];
  /** The others, by cause: one by one they would not fit into one answer. The earliest time opens the gate of all. */
  readonly parkedBesides: readonly {
    readonly gate: Gate;
    /** Absent where there are too many different ones. */
    readonly reason?: string;
    readonly next?: string;
    readonly retryAt?: number;
    readonly units: Ranges;
  }[];
  readonly failed: Ranges;
  /** Why, of most of them. */
  readonly failedFor?: readonly { readonly reason: string; readonly units: Ranges }[];
  /** Whose the units are that are started first: as many as one execution of the workflow starts. */
  readonly names?: AccountNames;
  readonly done: number;
  /** What all its units count. Of older workers: of those that are done. */
  readonly totals: Counters;
  readonly sums?: number;
  /** A pause outlives the run it was asked in. */
  readonly paused: boolean;
  /** Absent: items. */
  readonly measure?: Measure;
  /** What somebody has tuned; of older workers only `lanes`. */
  readonly tuning?: TuningInput;
  /** Units at work at once, where somebody has tuned that. */
  readonly lanes?: number;
  /** When its history has so many events, the migration stops its units at a safe point and continues as new. */
  readonly historyEvents: number;
}

/** Units that one activity looks at. */
export interface LookInput {
  readonly migration: string;
  readonly run: number;
  readonly specHash: string;
  readonly reason: RunReason;
  readonly units: readonly number[];
}

export interface LookResult {
  /** Nothing to do: written down as done in this run. */
  readonly idle: Ranges;
  /** Absent of older workers, as is what follows. */
  readonly sum?: RunSum;
  /** Something to do, or anything out of the ordinary: each gets a workflow of its own. */
  readonly changed: Ranges;
  /** Whose these are. */
  readonly names?: AccountNames;
  /** Not looked at: the time was over, or a pause, a stop or a cancel came. */
  readonly left: Ranges;
}

/** What the migration's workflow returns, and what `status` shows of a finished one. */
export interface RunResult {
  readonly name: string;
  readonly run: number;
  readonly state: Exclude<RunState, 'running'>;
  readonly units: number;
  readonly done: number;
  readonly failed: number;
  readonly totals: Counters;
  /** Folders and collections that the spec leaves out; absent where there are none. */
  readonly leftOut?: LeftOutSum;
  /** No unit of the migration is left with anything to prove, also none that this run did not cover. */
  readonly allProven?: true;
  /** Why it is not done, in a sentence. */
  readonly reason?: string;
}
