import { defineConfig } from 'vitest/config';

// The script is none of the tests: only this configuration finds it.
export default defineConfig({
  test: {
    include: ['tests/ledgers/make*.ts'],
    exclude: ['tests/ledgers/*.config.ts'],
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
