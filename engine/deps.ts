/** What activities are handed. They reach for nothing else. */
import type { SecretRef } from '../connectors/contract.js';
import type { Registration } from '../connectors/registry.js';
import type { Ledger } from '../ledger/ledger.js';
import type { Connections } from './session/connections.js';
import type { Flight } from './session/flight.js';

export interface Deps {
  readonly ledger: Ledger;
  readonly connectors: Readonly<Record<string, Registration>>;
  readonly connections: Connections;
  readonly flight: Flight;
  readonly secret: (ref: SecretRef, signal: AbortSignal) => Promise<string>;
  readonly redact: (text: string) => string;
  readonly log: Log;
  readonly meters: Meters;
  readonly settings: EngineSettings;
  /** Where finished runs leave their reports; undefined: nowhere. */
  readonly reportFolder: string | undefined;
  /** Writes a run's report into a folder and returns the path of its HTML file. */
  readonly report: (migration: string, run: number, folder: string) => Promise<string>;
}

export interface EngineSettings {
  /** How long one slice of work lasts, in milliseconds. */
  readonly sliceMs: number;
  /** How long a lease outlives its last renewal, in milliseconds. The same in the whole fleet. */
  readonly leaseMs: number;
  /** How long a pause or a stop lets writes under way finish before it cuts them off. */
  readonly graceMs: number;
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
  leaseMs: 8_000,
  graceMs: 2_500,
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
