/** A slice of work on a unit, as the phases see it: what they are handed, and what they answer. */
import type { Source, Target } from '../../connectors/contract.js';
import type { KindRules } from '../../connectors/kinds/kinds.js';
import type { Lease } from '../../ledger/leases.js';
import type { Pairing } from '../../ledger/places.js';
import type { UnitRow } from '../../ledger/units.js';
import type { Selection } from '../../schemas/spec.js';
import type { Counters } from '../../words/counters.js';
import type { SliceHeartbeat, Trouble } from '../../words/progress.js';
import type { RunReason } from '../../words/runs.js';
import type { Deps } from '../deps.js';
import type { Held } from '../session/connections.js';
import type { Rates } from '../session/rates.js';
import type { Side } from '../session/sides.js';
import type { GateOpened } from './gate-of.js';
import type { Tally } from './tally.js';

export interface SliceInput {
  readonly migration: string;
  readonly run: number;
  readonly unit: number;
  readonly specHash: string;
  readonly reason: RunReason;
  /** Of a two-way unit: from the target to the source. */
  readonly back?: boolean;
}

/** What Temporal, or a test, hands a slice. */
export interface SliceContext {
  /** Cancelled from outside, or the worker shuts down. */
  readonly signal: AbortSignal;
  /** Absent: nobody listens. */
  heartbeat?(details: SliceHeartbeat): void;
}

/**
 * What a phase returns. `more`: there is more to do, and it has done something, or its time is over; twice in a row with
 * neither is our own fault. `settled`: nothing is left for the phases after this one either.
 */
export type WorkResult = 'more' | 'done' | 'settled' | GateOpened;

export type SliceResult =
  | {
      readonly state: 'more' | 'done' | 'settled' | 'paused' | 'stopped';
      readonly counters: Counters;
      /** Why items failed, the most frequent reasons. */
      readonly troubles?: readonly Trouble[];
      readonly account?: string;
    }
  | ({ readonly state: 'parked'; readonly counters?: Counters; readonly account?: string } & GateOpened);

/** Everything the phases work with. Bodies are opaque here: `B` is the kind's standard form. */
export interface Slice<B = unknown> {
  readonly deps: Deps;
  readonly input: SliceInput;
  /** The run as items and containers remember it. */
  readonly run: number;
  readonly unit: UnitRow;
  /** As seen in this slice's direction: going back, its `map` and conflicts are turned round. */
  readonly selection: Selection;
  /** The account read from, and the one written to, in this slice's direction. */
  readonly account: { readonly from: string; readonly to: string };
  readonly pairing: Pairing;
  /** The other direction's pairing, of a two-way unit. */
  readonly other: number | undefined;
  /** Items of a higher rank wait for those of other units. */
  readonly maxRank: number;
  readonly lease: Lease;
  readonly rules: KindRules<B>;
  readonly source: Source<B>;
  readonly target: Target<B>;
  /** Another connection to the target or the source, when budgets allow. */
  lane(): Promise<Held<Target<B>> | undefined>;
  sourceLane(): Promise<Held<Source<B>> | undefined>;
  /** How many connections to the target the slice may write with, its first included. */
  lanes(): number;
  /** The rates that hold for a side at this moment. */
  rates(side: Side): Rates;
  /** The slice should end at the next safe point. */
  ending(): boolean;
  /** A person, or the worker's end, asks for that: not only its time is up. */
  asked(): boolean;
  /**
   * Throws when the lease may have lapsed. Asked right before each write: a process that was stopped and woke up
   * again must not write what another slice has written meanwhile.
   */
  assertHeld(): void;
  /** Aborted when it must end now: the lease is lost, or the grace after a pause has passed. */
  readonly signal: AbortSignal;
  readonly tally: Tally;
  /** Items that the source did not give in this slice (`unreadKey`): a later one asks for them again. */
  readonly unread: Set<string>;
  /** Where the unit stands, counted from the ledger. */
  count(): Promise<Counters>;
}
