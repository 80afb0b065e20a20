import { defineConfig } from 'vitest/config';

// One file at a time: most tests start real servers, and two such files on two cores wait for each other.
export default defineConfig({ test: { fileParallelism: false } });
