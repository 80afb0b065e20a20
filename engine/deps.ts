/** What activities are handed. They reach for nothing else. */
import type { SecretRef } from '../connectors/contract.js';
import type { Registration } from '../connectors/registry.js';
import type { Ledger } from '../ledger/ledger.js';
import { LEASE_MS } from '../words/progress.js';
import type { Retention } from '../words/upkeep.js';
import type { ByteBudget } from './session/byte-budget.js';
import type { Connections } from './session/connections.js';

export interface Deps {
  readonly ledger: Ledger;
  readonly connectors: Readonly<Record<string, Registration>>;
  readonly connections: Connections;
  readonly byteBudget: ByteBudget;
  readonly secret: (ref: SecretRef, signal: AbortSignal) => Promise<string>;
  readonly redact: (text: string) => string;
  readonly log: Log;
  readonly meters: Meters;
  readonly settings: EngineSettings;
  /** Where finished runs leave their reports; undefined: nowhere. */
  readonly reports: Reports | undefined;
  /** What this worker removes for its age. */
  readonly retention: Retention;
}

/** The reports in this worker's folder. */
export interface Reports {
  /** Leaves what a run has to say, and returns the path of the page that says it. */
  leave(migration: string, run: number): Promise<string>;
  /** Those of a migration, the first run first. */
  list(migration: string): Promise<readonly LeftReport[]>;
  remove(report: LeftReport): Promise<void>;
  /** Leaves the whole report of a run once more, as the ledger stands now. */
  rewrite(migration: string, run: number): Promise<void>;
  /** Whether any of its files names one of these. */
  names(report: LeftReport, words: readonly string[]): Promise<boolean>;
}

export interface LeftReport {
  readonly run: number;
  readonly folder: string;
  readonly bytes: number;
  readonly writtenAt: Date;
}

export interface EngineSettings {
  /** How long one slice of work lasts, in milliseconds. */
  readonly sliceMs: number;
  /** How long a lease outlives its last renewal, in milliseconds. The same in the whole fleet. */
  readonly leaseMs: number;
  /** How long a pause or a stop lets writes under way finish before it cuts them off. */
  readonly graceMs: number;
  /** How long one look at many idle units lasts, and how much of it one of them may take, in milliseconds. */
  readonly lookMs: number;
  readonly lookUnitMs: number;
  /** When a full target is tried again. */
  readonly quotaRetryMs: number;
  /** When items are asked for again that the source did not give, in milliseconds. */
  readonly rereadMs: number;
  /** How long a migration's history grows, in events, until its units stop at a safe point and it continues as new. */
  readonly historyEvents: number;
  /** Items and bytes of one batch, at most. */
  readonly batchItems: number;
  readonly batchBytes: number;
}

export const ENGINE_DEFAULTS: EngineSettings = {
  sliceMs: 30_000,
  leaseMs: LEASE_MS,
  graceMs: 2_500,
  lookMs: 45_000,
  lookUnitMs: 5_000,
  quotaRetryMs: 600_000,
  rereadMs: 2_000,
  // A fifth of what Temporal bears; some 800 units.
  historyEvents: 10_000,
  batchItems: 200,
  batchBytes: 4 * 1024 * 1024,
};

export interface Log {
  info(detail: object, message: string): void;
  warn(detail: object, message: string): void;
  error(detail: object, message: string): void;
}

/** Counters for whoever watches the fleet. Labels never name people. */
export interface Meters {
  itemsMoved(count: number, labels: MeterLabels): void;
  bytesMoved(bytes: number, labels: MeterLabels): void;
  itemsVerified(count: number, labels: MeterLabels): void;
  fault(code: string, labels: MeterLabels): void;
  gateOpened(gate: string, labels: MeterLabels): void;
  sliceTook(seconds: number, labels: MeterLabels): void;
}

export interface MeterLabels {
  readonly migration: string;
  readonly kind: string;
}
