/** What is said to and by the workflows. Pure: the command imports this file too. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { JsonObject } from '../connectors/contract.js';
import type { Spec } from '../schemas/spec.js';

export const TASK_QUEUE = 'drover';

export const makeMigrationId = (name: string): string => `migrate/${name}`;
export const makeUnitId = (name: string, n: number): string => `migrate/${name}/${n}`;
export const makePlanId = (name: string, request: string): string => `plan/${name}/${request}`;
export const makeDoctorId = (request: string): string => `doctor/${request}`;
export const makeScheduleId = (name: string, schedule: string): string => `migrate/${name}/${schedule}`;
export const makeTickId = (name: string, schedule: string): string => `tick/${name}/${schedule}`;

/** Search attributes, registered at the worker's start. All keywords; never personal data. */
export const SEARCH_ATTRIBUTES = ['DroverMigration', 'DroverSelection', 'DroverKind', 'DroverState'] as const;

export type RunReason = 'apply' | 'schedule' | 'retry' | 'verify';

/** One execution asked for. */
export interface RunRequest {
  /** Unique for each asking; the same request twice is one run. */
  readonly id: string;
  readonly reason: RunReason;
  /** The schedule that started it. */
  readonly schedule?: string;
  /** Absent: the spec that the migration ran last. */
  readonly spec?: Spec;
  readonly specHash?: string;
  /** Names of selections; absent: all. */
  readonly selections?: readonly string[];
  /** With `retry`: these units only. */
  readonly units?: readonly number[];
}

export interface MigrationInput {
  readonly name: string;
  readonly queue: readonly RunRequest[];
  /** Set when the migration continues as new in the middle of a run. */
  readonly carried?: Carried;
}

/** A run's state across continue-as-new. */
export interface Carried {
  readonly request: RunRequest;
  readonly run: number;
  readonly specHash: string;
  readonly total: number;
  readonly waiting: readonly UnitCall[];
  readonly parked: readonly ParkedUnit[];
  readonly failures: readonly UnitCall[];
  readonly done: number;
  readonly failed: number;
  readonly totals: UnitCounters;
  readonly standing: readonly (readonly [unit: number, counters: UnitCounters])[];
  readonly paused: boolean;
  readonly lanes: number;
}

/** A unit called to a run. */
export interface UnitCall {
  readonly n: number;
  readonly selection: string;
  readonly kind: string;
  /** Both directions: each is surveyed before either moves. */
  readonly twoWay?: boolean;
}

/** `order`: attendees' copies wait for the organisers' of all units; the run opens it by itself. */
export type GateName = 'credentials' | 'quota' | 'approval' | 'failures' | 'order';

export interface ParkedUnit extends UnitCall {
  readonly gate: GateName;
  readonly reason: string;
  readonly next?: string;
  /** When time opens the gate by itself, in milliseconds since the epoch. */
  readonly retryAt?: number;
}

export interface UnitInput extends UnitCall {
  readonly migration: string;
  readonly run: number;
  readonly specHash: string;
  readonly reason: RunReason;
}

export type UnitResult =
  | { readonly state: 'done'; readonly counters: UnitCounters }
  | { readonly state: 'failed'; readonly reason: string }
  | {
      readonly state: 'parked';
      readonly gate: GateName;
      readonly reason: string;
      readonly next?: string;
      readonly retryAfterMs?: number;
      readonly counters?: UnitCounters;
    }
  | { readonly state: 'paused' | 'stopped'; readonly counters?: UnitCounters };

export interface UnitCounters {
  readonly items: number;
  readonly bytes: number;
  readonly verified: number;
  readonly arrived: number;
  readonly failures: number;
  readonly pending: number;
  readonly duplicates: number;
  readonly bytesArrived: number;
  readonly changed: number;
  readonly created: number;
  readonly updated: number;
  readonly removed: number;
  readonly skipped: number;
  readonly conflicts: number;
}

export const NO_COUNTERS: UnitCounters = {
  items: 0,
  bytes: 0,
  verified: 0,
  arrived: 0,
  failures: 0,
  pending: 0,
  duplicates: 0,
  bytesArrived: 0,
  changed: 0,
  created: 0,
  updated: 0,
  removed: 0,
  skipped: 0,
  conflicts: 0,
};

/** What the migration's workflow returns, and what `status` shows of a finished one. */
export interface RunResult {
  readonly name: string;
  readonly run: number;
  readonly state: 'done' | 'failed' | 'cancelled' | 'replaced';
  readonly units: number;
  readonly done: number;
  readonly failed: number;
  readonly totals: UnitCounters;
}

export interface Progress {
  readonly name: string;
  readonly run: number;
  readonly reason: RunReason;
  readonly specHash: string;
  readonly state: 'preparing' | 'running' | 'pausing' | 'paused' | 'waiting' | 'stopping' | 'done';
  readonly units: {
    readonly total: number;
    readonly waiting: number;
    readonly running: number;
    readonly parked: number;
    readonly done: number;
    readonly failed: number;
  };
  /** Of units that ended or stand still in this run. What running units have done so far is in their slice's heartbeat. */
  readonly totals: UnitCounters;
  /** Units whose workflows are open: `migrate/<name>/<n>`. */
  readonly running: readonly UnitCall[];
  readonly gates: readonly ParkedUnit[];
  readonly queued: number;
  readonly last?: RunResult;
}

/** The details that a slice's activity heartbeats: where the unit stands right now. */
export interface SliceHeartbeat {
  readonly unit: number;
  readonly phase: Phase;
  readonly counters: UnitCounters;
  readonly itemsPerSecond: number;
  readonly bytesPerSecond: number;
  /** Large files under way, at most four of them. */
  readonly files?: readonly FileUnderWay[];
  /** Why items failed, or are tried again, at most five reasons. */
  readonly troubles?: readonly Trouble[];
}

/** Items that failed for one reason, in a system's words. */
export interface Trouble {
  readonly reason: string;
  readonly items: number;
}

/** A file that is too large to be held, while it is carried. */
export interface FileUnderWay {
  /** Where it goes, below the root of the target. */
  readonly path: string;
  readonly bytes: number;
  done: number;
}

export const PHASES = ['survey', 'move', 'verify'] as const;
/** The slices of a unit, in their order. */
export type Phase = (typeof PHASES)[number];

/** One phase in one direction. */
export interface Step {
  readonly phase: Phase;
  readonly back?: true;
}

/** Two-way units survey both sides before either is written: what both have edited is a conflict. */
export function stepsOf(twoWay: boolean | undefined): readonly Step[] {
  return PHASES.flatMap((phase): Step[] => (twoWay ? [{ phase }, { phase, back: true }] : [{ phase }]));
}

export interface UnitSelector {
  /** Absent: every unit whose gate this signal opens. */
  readonly unit?: number;
}

export interface TuningInput {
  /** Units at once. */
  readonly lanes?: number;
  /** Open connections to each system, and for each account, over all workers. */
  readonly connections?: number;
  readonly connectionsPerAccount?: number;
  readonly itemsPerSecond?: number;
  readonly bytesPerSecond?: number;
}

/** Asks for a run; a `replace` stops the present one at a safe point first. */
export const requestSignal = defineSignal<[RunRequest & { readonly replace?: boolean }]>('request');
export const pauseSignal = defineSignal('pause');
export const resumeSignal = defineSignal('resume');
export const cancelSignal = defineSignal('cancel');
/** Starts failed units of the present run again, and opens every gate. */
export const retrySignal = defineSignal<[UnitSelector]>('retry');
export const credentialsSignal = defineSignal<[UnitSelector]>('credentials');
export const approveSignal = defineSignal<[UnitSelector]>('approve');
export const progressQuery = defineQuery<Progress>('progress');
export const retuneUpdate = defineUpdate<TuningInput, [TuningInput]>('retune');

export interface PlanInput {
  readonly spec: Spec;
  readonly specHash: string;
  /** Read every item that would be written, so that what cannot be read is known. */
  readonly dryRun: boolean;
}

/** One container in one direction, and what a run would do with its items. */
export interface PlanContainer {
  readonly selection: string;
  readonly unit: number;
  /** Set on the second row of a two-way selection: from the target to the source; `path` is then the target's. */
  readonly back?: true;
  readonly path: string;
  readonly target: string;
  /** The other side does not have it: it would be made. */
  readonly make: boolean;
  /** False: what the other side holds already was not looked at, and is counted in `create`. */
  readonly looked: boolean;
  readonly create: number;
  readonly update: number;
  readonly remove: number;
  /** Files that have another name in the source now: renamed in the target, and neither created nor removed. */
  readonly renamed: number;
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
  /** Of files: the bytes behind the other numbers. */
  readonly volume?: PlanVolume;
}

/** Bytes, as listings and the ledger tell them. */
export interface PlanVolume {
  /** The new sizes of what is to be updated. */
  readonly update: number;
  readonly remove: number;
  readonly renamed: number;
  readonly unchanged: number;
  readonly compare: number;
  readonly excluded: number;
}

/** Something that stands in the way. */
export interface PlanProblem {
  readonly where: string;
  readonly problem: string;
  readonly next?: string;
}

/** Something worth knowing that stands in nobody's way, with how many items it is said of. */
export interface PlanNote {
  readonly where: string;
  readonly note: string;
  readonly count: number;
}

export interface PlanResult {
  readonly name: string;
  readonly containers: readonly PlanContainer[];
  readonly problems: readonly PlanProblem[];
  readonly notes: readonly PlanNote[];
  readonly totals: PlanTotals;
  /** Files whose names the target cannot keep; absent where there are none. */
  readonly names?: PlanNames;
  /** How long a run would take, for units of kind `files`; absent where nothing is to do. */
  readonly forecast?: PlanForecast;
  /** Accounts whose containers were too many to list here, summed up. */
  readonly truncated: boolean;
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

export interface PlanTotals {
  /** Containers. */
  readonly make: number;
  readonly create: number;
  readonly update: number;
  readonly remove: number;
  readonly renamed: number;
  readonly unchanged: number;
  readonly adopt: number;
  readonly skip: number;
  readonly conflict: number;
  readonly refuse: number;
  readonly changedThere: number;
  readonly bytes: number;
  readonly compare: number;
  readonly volume?: PlanVolume;
}

export interface DoctorInput {
  readonly spec?: Spec;
}

export interface Check {
  /** E.g. `ledger`, `source old`, `target new`. */
  readonly subject: string;
  readonly check: string;
  readonly ok: boolean;
  readonly value: string;
  /** What to do when it is not ok. */
  readonly fix?: string;
}

export interface TickInput {
  readonly name: string;
  readonly schedule: string;
  readonly selections: readonly string[];
}

/** What the CLI puts into the memo of a migration and a schedule. */
export interface Memo extends JsonObject {
  readonly specHash: string;
}
