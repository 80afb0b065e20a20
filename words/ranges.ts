/** Numbers of units as pairs of first and last: fifteen thousand of them are one pair, not fifteen thousand numbers. */
export type Ranges = readonly (readonly [first: number, last: number])[];

/** Of distinct numbers in any order. */
export function toRanges(numbers: Iterable<number>): Ranges {
  const ranges: [number, number][] = [];
  for (const n of [...numbers].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last && last[1] === n - 1) last[1] = n;
    else ranges.push([n, n]);
  }
  return ranges;
}

export function* numbersOf(ranges: Ranges): Generator<number> {
  for (const [first, last] of ranges) for (let n = first; n <= last; n++) yield n;
}
