import { describe, expect, it } from 'vitest';
import { parseBytes, parseRate } from './bytes.js';

describe('parseBytes', () => {
  it.each([
    ['0B', 0],
    ['512 B', 512],
    ['10kB', 10_000],
    ['10KiB', 10_240],
    ['1.5MB', 1_500_000],
    ['1.5 GiB', 1_610_612_736],
    ['2TB', 2e12],
    ['8000TiB', 8_796_093_022_208_000],
    [7, 7],
  ])('%j is %i bytes', (size, bytes) => {
    expect(parseBytes(size)).toBe(bytes);
  });

  it.each(['', '10', '10kb', '10KB', '10Mb', '1,5MB', '-1MB', '.5MB', '1e3MB', '10MB ', '9000TiB', '2MB/s', null])(
    '%j is none',
    (size) => {
      expect(parseBytes(size)).toBeUndefined();
    },
  );
});

describe('parseRate', () => {
  it.each([
    ['2MB/s', 2_000_000],
    ['500 KiB/s', 512_000],
    [1.5, 1.5],
  ])('%j is %d bytes a second', (rate, bytes) => {
    expect(parseRate(rate)).toBe(bytes);
  });

  it.each(['2MB', '2MB/h', '/s', '100Mbit/s', true])('%j is none', (rate) => {
    expect(parseRate(rate)).toBeUndefined();
  });
});
