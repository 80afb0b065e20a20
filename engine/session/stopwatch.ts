/** Measures how much time has passed for deadlines that others rely on, by two clocks, because each of them can be wrong. */

export interface Clocks {
  /** Never jumps, but stands still while a machine sleeps or is suspended (CLOCK_MONOTONIC on Linux). In milliseconds. */
  monotonic(): number;
  /** Runs on while a machine sleeps, but jumps when somebody sets it (NTP). In milliseconds. */
  wall(): number;
}

const CLOCKS: Clocks = { monotonic: () => performance.now(), wall: () => Date.now() };

/**
 * Starts measuring. The answer is asked for the milliseconds that have passed since, by whichever clock says more: so a
 * deadline is over as soon as either clock says so. Too early is harmless where too late is not.
 */
export function startStopwatch(clocks: Clocks = CLOCKS): () => number {
  const from = { monotonic: clocks.monotonic(), wall: clocks.wall() };
  return () => Math.max(clocks.monotonic() - from.monotonic, clocks.wall() - from.wall);
}
