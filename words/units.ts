/** Units: their states, what they may wait for, and the steps they take. */
import type { Covers } from './covers.js';
import { count, plural } from './numbers.js';
import type { Ranges } from './ranges.js';
import { numbersOf } from './ranges.js';

export type UnitState = 'waiting' | 'running' | 'parked' | 'done' | 'failed' | 'cancelled';

/** `order`: attendees' copies wait for the organisers' of all units; the run opens it by itself. */
export type Gate = 'credentials' | 'quota' | 'approval' | 'failures' | 'order';

/** Of gates that an approval opens: it opens those alone that it was shown, so that these are shown before all others. */
export const waitsForApproval = ({ gate }: { readonly gate?: Gate | null }): boolean =>
  gate === 'approval' || gate === 'failures';

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

/** A unit called to a run. */
export interface UnitCall {
  readonly n: number;
  readonly selection: string;
  readonly kind: string;
  /** Both directions: each is surveyed before either moves. */
  readonly twoWay?: boolean;
  /** Whose it is, as people know it: `anna@old.example`, or `anna@old.example → anna@new.example`. */
  readonly account?: string;
}

export interface ParkedUnit extends UnitCall {
  readonly gate: Gate;
  readonly reason: string;
  readonly next?: string;
  /** When time opens the gate by itself, in milliseconds since the epoch. */
  readonly retryAt?: number;
  /** At the gates `approval` and `failures`: what an approval lets pass. */
  readonly covers?: Covers;
}

/** The units of one selection that are called to a run. */
export interface UnitGroup {
  readonly selection: string;
  readonly kind: string;
  readonly twoWay?: boolean;
  readonly units: Ranges;
}

export function callsOf(groups: readonly UnitGroup[]): UnitCall[] {
  return groups.flatMap(({ units, ...group }) => [...numbersOf(units)].map((n) => ({ n, ...group })));
}

/** How many units of a run stand where. */
export interface UnitCounts {
  readonly total: number;
  readonly waiting: number;
  readonly running: number;
  readonly parked: number;
  readonly done: number;
  readonly failed: number;
}

/** `3 of 7 units done, 3 parked, 1 failed`. */
export function unitCounts(units: UnitCounts): string {
  const parts = [
    `${count(units.done)} of ${plural(units.total, 'unit')} done`,
    units.running > 0 && `${count(units.running)} running`,
    units.waiting > 0 && `${count(units.waiting)} waiting`,
    units.parked > 0 && `${count(units.parked)} parked`,
    units.failed > 0 && `${count(units.failed)} failed`,
  ];
  return parts.filter((part) => part !== false).join(', ');
}
