/** What a slice tells of itself while it works. */
import type { Counters } from './counters.js';
import type { Phase } from './units.js';

/** So long nobody else goes on with what a killed worker was at. */
export const LEASE_MS = 8_000;

/** What tells how far it is: bytes, where files are among what moves; else items. */
export type Measure = 'items' | 'bytes';

/** The details that a slice's activity heartbeats: where the unit stands right now. */
export interface SliceHeartbeat {
  readonly unit: number;
  /** Whose it is, as people know it; never in ids or search attributes. */
  readonly account?: string;
  /** What it is at: the path of a folder or collection in the source. */
  readonly container?: string;
  readonly phase: Phase;
  /** Where the unit stands. */
  readonly counters: Counters;
  /** What the run's sum has of it; absent of older workers. */
  readonly summed?: Partial<Counters>;
  /** They are from before this slice: it has not been counted anew yet. */
  readonly isOld?: true;
  readonly itemsPerSecond: number;
  readonly bytesPerSecond: number;
  /** Large files under way, at most four of them. */
  readonly files?: readonly FileUnderWay[];
  /** Why items failed, or are tried again, at most five reasons. */
  readonly troubles?: readonly Trouble[];
}

/** The details that a look at many units heartbeats: how many it was asked for, and how many it knows of by now. */
export interface LookHeartbeat {
  readonly units: number;
  readonly looked: number;
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
