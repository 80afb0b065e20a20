import { describe, expect, it } from 'vitest';
import type { Span } from './bandwidth.js';
import { bandwidthNow, readSpan, spansOverlap } from './bandwidth.js';

const at = (time: string): number => Date.parse(time);

describe('bandwidthNow', () => {
  const office = { '08:00-18:00 Europe/Berlin': 2e6, '22:00-06:00 Europe/Berlin': 50e6 };

  it.each([
    ['2026-01-14T06:59:59Z', undefined],
    ['2026-01-14T07:00:00Z', 2e6],
    ['2026-01-14T16:59:59Z', 2e6],
    ['2026-01-14T17:00:00Z', undefined],
    // In summer the clocks of Berlin are two hours ahead.
    ['2026-07-14T05:59:59Z', undefined],
    ['2026-07-14T06:00:00Z', 2e6],
    ['2026-07-14T16:00:00Z', undefined],
    // Over midnight.
    ['2026-01-14T20:59:59Z', undefined],
    ['2026-01-14T21:00:00Z', 50e6],
    ['2026-01-14T23:00:00Z', 50e6],
    ['2026-01-15T04:59:59Z', 50e6],
    ['2026-01-15T05:00:00Z', undefined],
  ])('at %s', (time, rate) => {
    expect(bandwidthNow(office, at(time))).toBe(rate);
  });

  it('follows the clocks where they repeat an hour', () => {
    const table = { '02:00-03:00 Europe/Berlin': 1 };
    // On 25 October 2026 Berlin has 02:00 to 03:00 twice: from 00:00Z and from 01:00Z.
    const hours = [23, 24, 25, 26].map((hour) => bandwidthNow(table, at('2026-10-24T00:30:00Z') + hour * 3_600_000));
    expect(hours).toEqual([undefined, 1, 1, undefined]);
  });

  it('follows the clocks where they skip an hour', () => {
    // On 29 March 2026 Berlin goes from 02:00 to 03:00 at 01:00Z.
    const skipped = { '02:00-03:00 Europe/Berlin': 1 };
    const after = { '03:00-04:00 Europe/Berlin': 1 };
    for (let minute = 0; minute < 180; minute++) {
      const now = at('2026-03-29T00:00:00Z') + minute * 60_000;
      expect(bandwidthNow(skipped, now)).toBeUndefined();
      expect(bandwidthNow(after, now)).toBe(minute >= 60 && minute < 120 ? 1 : undefined);
    }
  });

  it('takes the day on which a span begins', () => {
    const table = { 'Mon-Fri 22:00-06:00 UTC': 1, 'Sat,Sun 00:00-24:00 UTC': 2 };
    // 12 January 2026 is a Monday.
    expect(bandwidthNow({ 'Mon-Fri 22:00-06:00 UTC': 1 }, at('2026-01-12T03:00:00Z'))).toBeUndefined();
    expect(bandwidthNow(table, at('2026-01-13T03:00:00Z'))).toBe(1);
    expect(bandwidthNow({ 'Mon-Fri 22:00-06:00 UTC': 1 }, at('2026-01-17T05:59:00Z'))).toBe(1);
    expect(bandwidthNow(table, at('2026-01-18T23:59:59Z'))).toBe(2);
    expect(bandwidthNow(table, at('2026-01-12T00:00:00Z'))).toBeUndefined();
    expect(bandwidthNow({ 'Fri-Mon 00:00-24:00 UTC': 1 }, at('2026-01-12T12:00:00Z'))).toBe(1);
    expect(bandwidthNow({ 'fri-mon 00:00-24:00 UTC': 1 }, at('2026-01-13T12:00:00Z'))).toBeUndefined();
  });

  it('refuses a table that no validation has seen', () => {
    expect(() => bandwidthNow({ '8-18': 1 }, 0)).toThrow('limits.bandwidth: "8-18" is not a span of time');
  });
});

describe('spansOverlap', () => {
  it.each([
    ['08:00-18:00', '18:00-08:00', false],
    ['08:00-18:00', '17:59-19:00', true],
    ['22:00-06:00', '05:00-07:00', true],
    ['22:00-06:00', '06:00-22:00', false],
    ['00:00-24:00', '23:59-00:00', true],
    ['Mon-Fri 08:00-18:00', 'Sat,Sun 00:00-24:00', false],
    ['Mon-Fri 18:00-08:00', 'Sat 07:00-09:00', true],
    ['Sun 22:00-06:00', 'Mon 05:00-06:00', true],
    ['Sun 22:00-06:00', 'Sun 05:00-06:00', false],
    ['Sun 22:00-00:00', 'Mon 00:00-01:00', false],
    ['Mon 08:00-09:00', 'Tue 08:00-09:00', false],
  ])('%s and %s: %s', (one, two, overlap) => {
    const [a, b] = [one, two].map((text) => readSpan(`${text} UTC`)) as [Span, Span];
    expect(spansOverlap(a, b)).toBe(overlap);
    expect(spansOverlap(b, a)).toBe(overlap);
  });
});
