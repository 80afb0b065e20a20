/** The examples of specs/ are read by people who copy them: none has a problem. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { loadSpec } from './load.js';

const folder = fileURLToPath(new URL('../specs', import.meta.url));
const examples = readdirSync(folder).filter((name) => name.endsWith('.yaml'));

it.each(examples)('%s is valid', async (name) => {
  const loaded = await loadSpec(join(folder, name), async (path) => readFileSync(path));

  expect(loaded).toMatchObject({ spec: { version: 1 }, warnings: [] });
});
