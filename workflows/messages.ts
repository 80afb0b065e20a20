/** What is said to and by the workflows. Pure: the command imports this file too. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { JsonObject } from '../connectors/contract.js';
import type { Spec } from '../schemas/spec.js';
import type { Counters } from '../words/counters.js';
import type { RunReason } from '../words/runs.js';
import type { Gate } from '../words/units.js';

export const TASK_QUEUE = 'drover';

export const makeMigrationId = (name: string): string => `migrate/${name}`;
export const makeUnitId = (name: string, n: number): string => `migrate/${name}/${n}`;
export const makePartId = (hash: string, part: number): string => `spec/${hash}/${part}`;
export const makePlanId = (name: string, request: string): string => `plan/${name}/${request}`;
export const makeDoctorId = (request: string): string => `doctor/${request}`;
export const makeScheduleId = (name: string, schedule: string): string => `migrate/${name}/${schedule}`;
export const makeTickId = (name: string, schedule: string): string => `tick/${name}/${schedule}`;

/** Search attributes, registered at the worker's start. All keywords; never personal data. */
export const SEARCH_ATTRIBUTES = ['DroverMigration', 'DroverSelection', 'DroverKind', 'DroverState'] as const;

/** One execution asked for. */
export interface RunRequest {
  /** Unique for each asking; the same request twice is one run. */
  readonly id: string;
  readonly reason: RunReason;
  /** The schedule that started it. */
  readonly schedule?: string;
  /** Absent: the spec under `specHash`, whose parts were sent ahead. */
  readonly spec?: Spec;
  /** Absent: the spec that the migration ran last. */
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
  readonly totals: Counters;
  readonly standing: readonly (readonly [unit: number, counters: Counters])[];
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

export interface ParkedUnit extends UnitCall {
  readonly gate: Gate;
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
  | { readonly state: 'done'; readonly counters: Counters }
  | { readonly state: 'failed'; readonly reason: string }
  | {
      readonly state: 'parked';
      readonly gate: Gate;
      readonly reason: string;
      readonly next?: string;
      readonly retryAfterMs?: number;
      readonly counters?: Counters;
    }
  | { readonly state: 'paused' | 'stopped'; readonly counters?: Counters };

/** What the migration's workflow returns, and what `status` shows of a finished one. */
export interface RunResult {
  readonly name: string;
  readonly run: number;
  readonly state: 'done' | 'failed' | 'cancelled' | 'replaced';
  readonly units: number;
  readonly done: number;
  readonly failed: number;
  readonly totals: Counters;
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
  readonly totals: Counters;
  /** Units whose workflows are open: `migrate/<name>/<n>`. */
  readonly running: readonly UnitCall[];
  readonly gates: readonly ParkedUnit[];
  readonly queued: number;
  readonly last?: RunResult;
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
  /** Absent: the spec under `specHash`, whose parts have arrived. */
  readonly spec?: Spec;
  readonly specHash: string;
  /** Read every item that would be written, so that what cannot be read is known. */
  readonly dryRun: boolean;
}

export interface DoctorInput {
  readonly spec?: Spec;
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
