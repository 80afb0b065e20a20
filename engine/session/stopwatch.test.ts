import { expect, it } from 'vitest';
import { startStopwatch } from './stopwatch.js';

function clocks() {
  const now = { monotonic: 500, wall: 1_800_000_000_000 };
  return { now, monotonic: () => now.monotonic, wall: () => now.wall };
}

it('measures what both clocks agree on', () => {
  const { now, ...both } = clocks();
  const passed = startStopwatch(both);
  now.monotonic += 2_000;
  now.wall += 2_000;

  expect(passed()).toBe(2_000);
});

it('sees the time that a machine slept, when the monotonic clock stood still', () => {
  const { now, ...both } = clocks();
  const passed = startStopwatch(both);
  now.wall += 3_600_000;

  expect(passed()).toBe(3_600_000);
});

it('is not set back with the wall clock', () => {
  const { now, ...both } = clocks();
  const passed = startStopwatch(both);
  now.monotonic += 9_000;
  now.wall -= 3_600_000;

  expect(passed()).toBe(9_000);
});
