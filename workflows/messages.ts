/** What is said to and by the workflows. Pure: the command imports this file too. */

import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { Cause } from '../words/causes.js';
import type { Counters } from '../words/counters.js';
import type { Covers } from '../words/covers.js';
import type { Measure, Trouble } from '../words/progress.js';
import type { RunReason, RunRequest, RunResult } from '../words/runs.js';
import type { TuningInput } from '../words/tuning.js';
import type { Gate, ParkedUnit, UnitCall, UnitCounts } from '../words/units.js';

export const TASK_QUEUE = 'drover';

export const makeMigrationId = (name: string): string => `migrate/${name}`;
/** The name in the id of a migration's workflow: what `makeMigrationId` was given. Empty for any other id. */
export const migrationOf = (workflowId: string): string => /^migrate\/([^/]+)$/.exec(workflowId)?.[1] ?? '';
export const makeUnitId = (name: string, n: number): string => `migrate/${name}/${n}`;
export const makePartId = (hash: string, part: number): string => `spec/${hash}/${part}`;
export const makePlanId = (name: string, request: string): string => `plan/${name}/${request}`;
export const makeSearchId = (name: string, request: string): string => `search/${name}/${request}`;
export const makeDoctorId = (request: string): string => `doctor/${request}`;
export const makeScheduleId = (name: string, schedule: string): string => `migrate/${name}/${schedule}`;
export const makeTickId = (name: string, schedule: string): string => `tick/${name}/${schedule}`;

/** Search attributes, registered at the worker's start. All keywords; never personal data. */
export const SEARCH_ATTRIBUTES = ['DroverMigration', 'DroverSelection', 'DroverKind', 'DroverState'] as const;

export interface MigrationInput {
  readonly name: string;
  /** Runs to be made, in their order; the first may be open already: the ledger knows where it stands. */
  readonly queue: readonly RunRequest[];
}

/** The type of the failure that a run ends with which is not done; its details carry the `RunResult`. */
export const RUN_FAILED = 'RunFailed';

export interface UnitInput extends UnitCall {
  readonly migration: string;
  readonly run: number;
  readonly specHash: string;
  readonly reason: RunReason;
}

export type UnitResult =
  | { readonly state: 'done'; readonly counters: Counters; readonly troubles?: readonly Trouble[] }
  | { readonly state: 'failed'; readonly reason: string }
  | {
      readonly state: 'parked';
      readonly gate: Gate;
      readonly reason: string;
      readonly next?: string;
      readonly covers?: Covers;
      readonly retryAfterMs?: number;
      readonly counters?: Counters;
      readonly account?: string;
    }
  | { readonly state: 'paused' | 'stopped'; readonly counters?: Counters };

export interface Progress {
  readonly name: string;
  readonly run: number;
  readonly reason: RunReason;
  readonly specHash: string;
  /** What of the spec was asked for; absent: all. */
  readonly selections?: readonly string[];
  readonly accounts?: readonly string[];
  readonly state: 'preparing' | 'running' | 'pausing' | 'paused' | 'waiting' | 'stopping' | 'done';
  readonly units: UnitCounts;
  /** Of all units of the run, each as it ended last. What running units have done since is in their slice's heartbeat. */
  readonly totals: Counters;
  /** Units whose workflows are open: `migrate/<name>/<n>`. */
  readonly running: readonly UnitCall[];
  /** The first hundred units that wait, those for an approval before all others; `units.parked` counts all. */
  readonly gates: readonly ParkedUnit[];
  /** What units wait for, each cause once; absent: by a worker of an older version. */
  readonly waitingFor?: readonly Cause[];
  /** Why units failed, each cause once. */
  readonly failedFor?: readonly Cause[];
  /** Why items failed of units that got through. */
  readonly itemsFailedFor?: readonly Cause[];
  readonly queued: number;
  /** Absent: items. */
  readonly measure?: Measure;
  /** What `retune` has put in the place of the spec's limits. */
  readonly tuning?: TuningInput;
  readonly last?: RunResult;
}

export interface UnitSelector {
  /** Absent: every unit whose gate this signal opens. */
  readonly unit?: number;
}

export interface Approval extends UnitSelector {
  /** Tokens of what was shown to whoever approves (`Covers`): no other gate is opened. Absent: all that wait now. */
  readonly shown?: readonly string[];
}

/** Asks for a run; a `replace` stops the present one at a safe point first. */
export const requestSignal = defineSignal<[RunRequest & { readonly replace?: boolean }]>('request');
export const pauseSignal = defineSignal('pause');
export const resumeSignal = defineSignal('resume');
export const cancelSignal = defineSignal('cancel');
/** Starts failed units of the present run again, and opens every gate. */
export const retrySignal = defineSignal<[UnitSelector]>('retry');
export const credentialsSignal = defineSignal<[UnitSelector]>('credentials');
/** Opens the gates `approval` and `failures`, and does nothing else. */
export const approveSignal = defineSignal<[Approval]>('approve');
/** Tells a `tick` how the run ended that it had asked for. */
export const runEndedSignal = defineSignal<[RunResult]>('runEnded');
export const progressQuery = defineQuery<Progress>('progress');
export const retuneUpdate = defineUpdate<TuningInput, [TuningInput]>('retune');

export interface TickInput {
  readonly name: string;
  readonly schedule: string;
  readonly selections: readonly string[];
}
