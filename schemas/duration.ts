const UNITS = { w: 604_800_000, d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;

/** What a duration looks like, for the schema; `parseDuration` has the last word. */
export const DURATION_PATTERN = '^([0-9]+(ms|[wdhms]))+$';

/**
 * Milliseconds of a duration such as `90s`, `15m`, `1h30m`, `1d`: whole numbers with a unit, the larger unit
 * first, each unit once. Nothing for anything else, and for what is longer than 100 years.
 */
export function parseDuration(text: string): number | undefined {
  if (text.length > 40 || !new RegExp(DURATION_PATTERN).test(text)) return undefined;
  let total = 0;
  let unitBefore = Number.POSITIVE_INFINITY;
  for (const [, count, unit] of text.matchAll(/(?<![0-9])([0-9]+)(ms|[wdhms])/g)) {
    const unitMs = UNITS[unit as keyof typeof UNITS];
    if (unitMs >= unitBefore) return undefined;
    unitBefore = unitMs;
    total += Number(count) * unitMs;
  }
  return total <= 100 * 365 * UNITS.d ? total : undefined;
}
