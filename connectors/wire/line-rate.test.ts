import { beforeEach, describe, expect, it } from 'vitest';
import { LineRate } from './line-rate.js';

/** Half of it: what is under way is answered within a second. */
const QUIET_MS = 2_000;
const FIRST_WINDOW = 64_000;

let now: number;
let line: LineRate;
beforeEach(() => {
  now = 0;
  line = new LineRate(QUIET_MS, () => now);
});

/** Sends full windows, each when the one before it is answered, over a line of `bytesPerMs` and a round trip. */
function fill(windows: number, bytesPerMs: number, roundTripMs: number): void {
  for (let n = 0; n < windows; n++) {
    const bytes = Math.floor(line.window);
    const underWay = line.sends(bytes);
    now += roundTripMs + bytes / bytesPerMs;
    underWay.answered();
  }
}

describe('the window', () => {
  it('begins with what a slow line carries in half of the quiet time', () => {
    expect(line.window).toBe(FIRST_WINDOW);
    expect(line.fits(FIRST_WINDOW)).toBe(true);
    line.sends(60_000);
    expect(line.fits(4_000)).toBe(true);
    expect(line.fits(4_001)).toBe(false);
  });

  it('opens to 4 MiB within four answers on a line of 10 MB/s, 40 ms away', () => {
    fill(4, 10_000, 40);
    expect(line.window).toBeGreaterThan(4 * 1024 * 1024);
  });

  it.each([100, 20, 3])('becomes what a line of %d kB/s carries in a second', (bytesPerMs) => {
    fill(5, bytesPerMs, 0);
    expect(line.window).toBeGreaterThan(bytesPerMs * 990);
    expect(line.window).toBeLessThanOrEqual(bytesPerMs * 1_000 + 1);
  });

  it('closes at once when the line becomes slow, and opens again', () => {
    fill(5, 10_000, 1);
    fill(1, 100, 1);
    expect(line.window).toBeLessThanOrEqual(100_001);
    fill(5, 10_000, 1);
    expect(line.window).toBeGreaterThan(4_000_000);
  });

  it('counts what is answered while several are under way, not each by itself', () => {
    // 100 bytes a millisecond, four at a time: each alone seems to take four times as long.
    const sent = [0, 1, 2, 3].map(() => line.sends(16_000));
    for (let n = 0; n < 20; n++) {
      now += 160;
      sent.shift()?.answered();
      sent.push(line.sends(16_000));
    }
    expect(line.window).toBeGreaterThan(95_000);
    expect(line.window).toBeLessThanOrEqual(100_001);
  });

  it('is not closed by a small message that took a round trip, nor opened wide by one that came at once', () => {
    const small = line.sends(500);
    now += 400;
    small.answered();
    expect(line.window).toBe(FIRST_WINDOW);
    const quick = line.sends(2_000);
    now += 1;
    quick.answered();
    expect(line.window).toBe(FIRST_WINDOW);
  });

  it('is closed by a small message that took longer than half of the quiet time', () => {
    const small = line.sends(5_000);
    now += 1_250;
    small.answered();
    expect(line.window).toBe(4_000);
  });

  it('lets a larger message go alone', () => {
    expect(line.fits(1_000_000)).toBe(true);
    const large = line.sends(1_000_000);
    expect(line.fits(1)).toBe(false);
    large.lost();
    expect(line.fits(1)).toBe(true);
  });
});

describe('the quiet time', () => {
  it('is that of the target for what fits the window', () => {
    expect(line.quietFor(0)).toBe(QUIET_MS);
    expect(line.quietFor(FIRST_WINDOW)).toBe(QUIET_MS);
  });

  it('takes a line that nobody has measured for slow', () => {
    expect(line.quietFor(640_000)).toBe(10_000);
  });

  it('is twice the time that the rate seen makes of it', () => {
    fill(5, 1_000, 0);
    expect(line.quietFor(4_000_000) / 1_000).toBeCloseTo(8, 1);
  });

  it('counts no more than a kernel holds, and ends with the patience of a living session', () => {
    fill(5, 1_000, 0);
    expect(line.quietFor(50_000_000)).toBe(line.quietFor(4 * 1024 * 1024));
    fill(3, 2, 0);
    expect(line.quietFor(50_000_000)).toBe(120_000);
  });
});
