import { describe, expect, it } from 'vitest';
import { ago, instant } from './numbers.js';

const NOW = Date.parse('2026-03-01T12:00:00.000Z');

describe('how far away a time is', () => {
  it.each([
    [0, 'just now'],
    [-999, 'just now'],
    [-1_000, '1 s ago'],
    [-59_999, '59 s ago'],
    [-60_000, '1 min ago'],
    [-3_599_000, '59 min ago'],
    [-3_600_000, '1 h ago'],
    [-47.5 * 3_600_000, '47 h ago'],
    [-48 * 3_600_000, '2 d ago'],
    [-1_200 * 86_400_000, '1,200 d ago'],
    [500, 'in a moment'],
    [2 * 3_600_000, 'in 2 h'],
  ])('%d ms: %s', (ms, words) => {
    expect(ago(NOW + ms, NOW)).toBe(words);
  });
});

it('a time stands to the second, in UTC', () => {
  expect(instant(new Date('2026-03-01T12:00:00.987Z'))).toBe('2026-03-01T12:00:00Z');
});
