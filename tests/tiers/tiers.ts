/**
 * Which tier a test file belongs to. Its path alone decides, so that the listing of a folder shows it
 * (CONTRIBUTING.md, "Tests"). Everything in tests/ may use the ledger unless it is named here as pure.
 */
const PURE = ['rooms', 'tiers', 'sample', 'deploy', 'bounds'];

const deep = ['**/*.deep.test.ts', 'tests/faults/**/*.test.ts'];
const real = ['**/*.real.test.ts', `tests/!(faults|${PURE.join('|')})/**/*.test.ts`];

export interface Tier {
  /** Globs, from the root of the repository. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

/**
 * quick: needs nothing but Node, starts no program. real: starts the ledger, servers or other programs.
 * deep: what takes minutes, on real servers that are killed, stopped or lied about.
 */
export const tiers = {
  quick: { include: ['**/*.test.ts'], exclude: [...real, ...deep] },
  real: { include: real, exclude: deep },
  deep: { include: deep, exclude: [] },
} satisfies Record<string, Tier>;
