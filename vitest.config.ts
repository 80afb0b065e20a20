import { configDefaults, defineConfig } from 'vitest/config';
import { tiers } from './tests/tiers/tiers.js';

/** A limit ends a test that hangs. No limit here says how fast a test must be: machines are busy. */
const LIMITS = {
  quick: 60_000,
  real: 300_000,
  deep: 900_000,
};

/** Real servers mostly wait, for disks, for clocks and for each other: more files at once than there are cores. */
const WORKERS = { quick: '100%', real: 3, deep: 3 };

const NAMES = ['quick', 'real', 'deep'] as const;

export default defineConfig({
  test: {
    projects: NAMES.map((name, groupOrder) => ({
      test: {
        name,
        include: [...tiers[name].include],
        exclude: [...configDefaults.exclude, 'dist/**', ...tiers[name].exclude],
        testTimeout: LIMITS[name],
        hookTimeout: LIMITS[name],
        expect: { poll: { timeout: LIMITS[name] } },
        maxWorkers: WORKERS[name],
        // Projects with another number of workers run one after the other.
        sequence: { groupOrder },
        ...(name !== 'quick' && { globalSetup: 'tests/tiers/one-postgres.ts' }),
      },
    })),
  },
});
