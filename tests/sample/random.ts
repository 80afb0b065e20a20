/** A seeded source of chance: the same seed gives the same samples on every machine. */
export interface Random {
  /** 0 up to, but not including, 1. */
  next(): number;
  /** A whole number from 0 up to, but not including, `below`. */
  below(below: number): number;
  pick<T>(from: readonly T[]): T;
  /** True with this probability. */
  chance(probability: number): boolean;
  /** Log-normal with the given median; `spread` is the standard deviation of the logarithm. */
  logNormal(median: number, spread: number): number;
  bytes(count: number): Buffer;
}

/** mulberry32: small, fast, and good enough to make mail. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  return {
    next,
    below,
    pick: (from) => from[below(from.length)] as (typeof from)[number],
    chance: (probability) => next() < probability,
    logNormal: (median, spread) => {
      const gauss = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
      return median * Math.exp(spread * gauss);
    },
    bytes: (count) => {
      const out = Buffer.alloc(count);
      for (let at = 0; at < count; at += 4) {
        const value = Math.floor(next() * 2 ** 32);
        for (let byte = 0; byte < 4 && at + byte < count; byte++) out[at + byte] = value >>> (8 * byte);
      }
      return out;
    },
  };
}
