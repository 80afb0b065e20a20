/** Units: their states, what they may wait for, and the steps they take. */
export type UnitState = 'waiting' | 'running' | 'parked' | 'done' | 'failed' | 'cancelled';

/** `order`: attendees' copies wait for the organisers' of all units; the run opens it by itself. */
export type Gate = 'credentials' | 'quota' | 'approval' | 'failures' | 'order';

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
