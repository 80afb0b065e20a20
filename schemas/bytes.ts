/** Sizes and rates in bytes, as people write them. */

const UNITS = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };

/** What a size looks like, for the schema: `10MB`, `1.5 GiB`. */
export const BYTES_PATTERN = '^[0-9]+(\\.[0-9]+)? ?([kMGT]?B|[KMGT]iB)$';
export const BYTES_HINT =
  'a whole number of bytes, or a size such as 10MB or 4GiB (B, kB, MB, GB, TB, KiB, MiB, GiB, TiB)';

/** What a rate looks like: a size with `/s`. */
export const RATE_PATTERN = `${BYTES_PATTERN.slice(0, -1)}/s$`;
export const RATE_HINT =
  'a number of bytes a second, or a rate such as 2MB/s (B, kB, MB, GB, TB, KiB, MiB, GiB or TiB a second)';

/**
 * Bytes of a size, where `kB` is 1,000 and `KiB` 1,024 of them (IEC 80000-13), rounded to whole ones; a number stands
 * for itself. Undefined for anything else.
 */
export function parseBytes(size: unknown): number | undefined {
  if (typeof size === 'number') return size;
  if (typeof size !== 'string' || size.length > 40 || !new RegExp(BYTES_PATTERN).test(size)) return undefined;
  const [, count, unit] = /^([0-9.]+) ?([A-Za-z]+)$/.exec(size) ?? [];
  const bytes = Math.round(Number(count) * UNITS[unit as keyof typeof UNITS]);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** Bytes a second of a rate such as `2MB/s`; a number stands for itself. Undefined for anything else. */
export function parseRate(rate: unknown): number | undefined {
  if (typeof rate === 'string') return rate.endsWith('/s') ? parseBytes(rate.slice(0, -2)) : undefined;
  return parseBytes(rate);
}
