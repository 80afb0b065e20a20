import { existsSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

// Since 0.4 all files share one PostgreSQL.
const POSTGRES = 'tests/tiers/one-postgres.ts';

// The script is none of the tests: only this configuration finds it.
export default defineConfig({
  test: {
    include: ['tests/ledgers/make*.ts'],
    exclude: ['tests/ledgers/*.config.ts'],
    fileParallelism: false,
    globalSetup: existsSync(POSTGRES) ? [POSTGRES] : [],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
