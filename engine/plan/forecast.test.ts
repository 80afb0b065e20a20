import { describe, expect, it } from 'vitest';
import type { PhaseSums } from '../../ledger/planned.js';
import type { Limits, Spec } from '../../schemas/spec.js';
import type { Work } from './forecast.js';
import { allowed, forecast } from './forecast.js';

const MB = 1_000_000;
const HOUR = 3_600;
/** A Wednesday. */
const NOON = Date.parse('2026-03-04T12:00:00Z');

describe('what limits allow', () => {
  it('is what the slower of both rates takes', () => {
    expect(allowed({ bytesPerSecond: MB }, { items: 5, bytes: 60 * MB }, NOON)).toBe(60);
    expect(allowed({ bytesPerSecond: MB, itemsPerSecond: 0.05 }, { items: 5, bytes: 60 * MB }, NOON)).toBe(100);
    expect(allowed({ connections: 2 }, { items: 5, bytes: 60 * MB }, NOON)).toBe(0);
  });

  it('follows a timetable from now on', () => {
    const limits: Limits = { bandwidth: { '08:00-18:00 UTC': MB, '18:00-08:00 UTC': 10 * MB } };
    const sixHours = 6 * HOUR * MB;
    expect(allowed(limits, { items: 1, bytes: sixHours }, NOON)).toBe(6 * HOUR);
    expect(allowed(limits, { items: 1, bytes: sixHours + 10 * MB * 100 }, NOON)).toBe(6 * HOUR + 100);
  });

  it('is nothing outside of all spans, where no steady rate holds', () => {
    const limits: Limits = { bandwidth: { '08:00-18:00 UTC': MB } };
    expect(allowed(limits, { items: 1, bytes: 1e15 }, NOON)).toBe(6 * HOUR);
    expect(allowed({ ...limits, bytesPerSecond: 2 * MB }, { items: 1, bytes: 6 * HOUR * MB + 2 * MB }, NOON)).toBe(
      6 * HOUR + 1,
    );
  });

  it('counts weeks off where it takes so long', () => {
    const limits: Limits = { bandwidth: { '00:00-24:00 UTC': MB } };
    const week = 7 * 24 * HOUR;
    expect(allowed(limits, { items: 1, bytes: (3 * week + 90) * MB }, NOON)).toBe(3 * week + 90);
    expect(allowed(limits, { items: 1, bytes: 2 * week * MB }, NOON)).toBe(2 * week);
  });
});

/** Sums over slices, each given as [seconds, items, bytes]. */
function sums(phase: string, slices: readonly (readonly [number, number, number])[]): PhaseSums {
  const sum = (of: (slice: readonly [number, number, number]) => number): number =>
    slices.reduce((total, slice) => total + of(slice), 0);
  return {
    phase,
    slices: slices.length,
    seconds: sum(([t]) => t),
    items: sum(([, i]) => i),
    bytes: sum(([, , b]) => b),
    itemsItems: sum(([, i]) => i * i),
    itemsBytes: sum(([, i, b]) => i * b),
    bytesBytes: sum(([, , b]) => b * b),
    itemsSeconds: sum(([t, i]) => i * t),
    bytesSeconds: sum(([t, , b]) => b * t),
  };
}

const work = (more: Partial<Work> = {}): Work => ({
  from: 'old',
  to: 'new',
  listed: 0,
  items: 100,
  bytes: 1_000 * MB,
  proven: { items: 0, bytes: 0 },
  measured: [],
  ...more,
});
const spec = (limits?: Limits): Spec => ({
  version: 1,
  name: 'acme',
  sources: { old: { type: 'folder', options: {}, ...(limits && { limits }) } },
  targets: { new: { type: 'folder', options: {} } },
  selections: [],
});

describe('forecast', () => {
  /** 10 ms an item, 10 MB a second. */
  const mixed = sums('move', [
    [10, 1_000, 0],
    [10.1, 10, 100 * MB],
    [10, 500, 50 * MB],
  ]);

  it('tells items and bytes apart where earlier slices do', () => {
    const seen = forecast(spec(), [work({ measured: [mixed] })], NOON);
    expect(seen?.atLeast).toBeCloseTo(101, 0);
    expect(seen?.atMost).toBeCloseTo(101, 0);
  });

  it('gives two bounds where they were all of one mix', () => {
    const measured = [sums('move', [[10, 1_000, 10 * MB]])];
    // By items a second, by bytes 1,000.
    expect(forecast(spec(), [work({ measured })], NOON)).toMatchObject({ atLeast: 1, atMost: 1_000, unmeasured: 0 });
  });

  it('gives two bounds where slices contradict each other', () => {
    const measured = [
      sums('move', [
        [12, 10, 100 * MB],
        [2, 100, 30 * MB],
        [6, 10, 50 * MB],
      ]),
    ];
    const seen = forecast(spec(), [work({ items: 1_200, bytes: 18 * MB, measured })], NOON);
    expect(seen).toMatchObject({ atLeast: 2, atMost: 200 });
  });

  it('does not go by a hundredth of the work, or by none', () => {
    const little = [sums('move', [[1, 100, 9 * MB]])];
    for (const measured of [little, [sums('survey', [[1, 1_000, 0]])], []]) {
      expect(forecast(spec(), [work({ measured })], NOON)).toEqual({ items: 100, bytes: 1_000 * MB, unmeasured: 1 });
    }
  });

  it('adds listing and proving', () => {
    const measured = [mixed, sums('survey', [[2, 1_000, 5]]), sums('verify', [[10, 100, 0]])];
    const seen = forecast(spec(), [work({ listed: 5_000, proven: { items: 100, bytes: 0 }, measured })], NOON);
    expect(seen?.atLeast).toBeCloseTo(10 + 101 + 10, 0);
  });

  it('takes several units for side by side at best, for one after the other at worst', () => {
    const works = [work({ measured: [mixed] }), work({ measured: [mixed] }), work({ items: 0, bytes: 0 })];
    const seen = forecast(spec(), works, NOON);
    expect(seen).toMatchObject({ items: 200, unmeasured: 0 });
    expect(seen?.atLeast).toBeCloseTo(101, 0);
    expect(seen?.atMost).toBeCloseTo(202, 0);
  });

  it('is never below the limits of a system, which its units share', () => {
    const works = [work({ measured: [mixed] }), work()];
    expect(forecast(spec({ bytesPerSecond: MB }), works, NOON)).toEqual({
      items: 200,
      bytes: 2_000 * MB,
      atLeast: 2_000,
      limit: { system: 'source old', seconds: 2_000 },
      unmeasured: 1,
    });
  });

  it('is silent when nothing is to do', () => {
    expect(forecast(spec({ bytesPerSecond: 1 }), [work({ items: 0, bytes: 0 })], NOON)).toBeUndefined();
  });
});
