import { describe, expect, it } from 'vitest';
import { NO_COUNTERS } from '../words/counters.js';
import type { Silences } from './silence.js';
import { createSilences } from './silence.js';
import type { SliceSeen } from './slices.js';

const T = 1_800_000_000_000;
const worker = 'drover/1f2e3d4c/workflows-1@host7:123';
const heartbeat = {
  unit: 3,
  account: 'anna@old',
  phase: 'move' as const,
  counters: NO_COUNTERS,
  itemsPerSecond: 1,
  bytesPerSecond: 1,
};
const beating: SliceSeen = {
  heartbeat,
  isBeating: true,
  attempt: 1,
  isScheduled: false,
  dueAt: T - 60_000,
  heardAt: T,
  wasLost: false,
  worker,
};
/** Seen after so many seconds. */
const at = (silences: Silences, seconds: number, more: Partial<SliceSeen> = {}) =>
  silences.note(T + 1_000 * seconds, 3, { ...beating, ...more });

describe('a unit at work', () => {
  it('is heard while it tells where it is, and lost when it has not for some seconds', () => {
    const silences = createSilences();

    expect(at(silences, 0)).toEqual({ isHeard: true });
    expect(at(silences, 2, { heardAt: T + 1_500 })).toEqual({ isHeard: true });
    expect(at(silences, 6, { heardAt: T + 1_500 })).toEqual({ isHeard: true });
    expect(at(silences, 10, { heardAt: T + 1_500 })).toEqual({
      isHeard: false,
      lost: { unit: 3, why: 'silent', seconds: 8, worker },
    });
    expect(at(silences, 11, { heardAt: T + 10_900 })).toEqual({ isHeard: true });
  });

  it('is given up until another goes on: not taken up yet, or waiting for the lease', () => {
    const silences = createSilences();
    const { heartbeat: _none, ...waiting } = beating;
    const wasLost = { attempt: 2, wasLost: true, isBeating: false };
    at(silences, 0);

    expect(at(silences, 8, { ...wasLost, isScheduled: true }).lost).toMatchObject({ why: 'given-up' });
    for (const seconds of [9, 10, 11])
      expect(
        silences.note(T + 1_000 * seconds, 3, { ...waiting, ...wasLost, heardAt: T + 1_000 * seconds }).lost,
      ).toMatchObject({ why: 'given-up' });
    expect(at(silences, 15, { ...wasLost, isBeating: true, heardAt: T + 15_000 })).toEqual({ isHeard: true });
  });

  it('only waits its turn where nobody had it yet, however long, or its last attempt failed for another reason', () => {
    const silences = createSilences();
    const scheduled = { isScheduled: true, isBeating: false, heardAt: 0 };

    expect(at(silences, 0, scheduled)).toEqual({ isHeard: false });
    expect(at(silences, 500, scheduled)).toEqual({ isHeard: false });
    expect(at(silences, 501, { ...scheduled, attempt: 3, dueAt: T + 560_000 })).toEqual({ isHeard: false });
  });

  it('that is seen for the first time is told by the clocks, which may differ', () => {
    expect(at(createSilences(), 15)).toEqual({ isHeard: true });
    expect(at(createSilences(), 40).lost).toMatchObject({ why: 'silent', seconds: 40 });
  });
});
