import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { generate, generatedFiles } from './generate.js';
import { createRecordingShell } from './recording-shell.js';

const root = fileURLToPath(new URL('..', import.meta.url));
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'drover-generate-'));
});
afterEach(() => rm(dir, { recursive: true }));

it('the committed files are what the schema and the manifests give', async () => {
  const { shell, out } = createRecordingShell({ argv: ['--check'], cwd: root });

  expect(await generate(shell), 'run `npm run generate`').toBe(0);

  expect(out).toEqual([]);
});

it('writes what is stale, and tells it with --check', async () => {
  const paths = [...generatedFiles().keys()];
  const first = createRecordingShell({ cwd: dir });
  expect(await generate(first.shell)).toBe(0);
  expect(first.out).toEqual(paths.map((path) => `wrote ${path}`));

  await writeFile(join(dir, 'docs/spec.md'), 'edited');
  const check = createRecordingShell({ argv: ['--check'], cwd: dir });
  expect(await generate(check.shell)).toBe(1);
  expect(check.out).toEqual(['stale: docs/spec.md']);
  expect(await readFile(join(dir, 'docs/spec.md'), 'utf8')).toBe('edited');

  await generate(createRecordingShell({ cwd: dir }).shell);
  expect(await generate(createRecordingShell({ argv: ['--check'], cwd: dir }).shell)).toBe(0);
});
