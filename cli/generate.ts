/** `npm run generate`: writes what is made from the schema and the manifests; `--check` only compares. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { offered, specSchema } from '../schemas/load.js';
import { connectorsPage, specPage } from './pages.js';
import type { Shell } from './shell.js';
import { processShell } from './shell.js';

/** The files by their path from the project's root. */
export function generatedFiles(): ReadonlyMap<string, string> {
  const schema = specSchema();
  return new Map([
    ['schemas/generated/spec.schema.json', `${JSON.stringify(schema, null, 2)}\n`],
    ['docs/spec.md', specPage(schema, offered)],
    ['docs/connectors.md', connectorsPage(offered)],
  ]);
}

/** Writes into the shell's folder; with `--check` it writes nothing and returns 1 when a file is stale. */
export async function generate(shell: Shell): Promise<number> {
  const unknown = shell.argv.find((argument) => argument !== '--check');
  if (unknown !== undefined) {
    shell.err(`generate: unknown argument ${unknown}; there is --check`);
    return 64;
  }
  const check = shell.argv.includes('--check');
  const stale: string[] = [];
  for (const [path, text] of generatedFiles()) {
    const file = resolve(shell.cwd, path);
    if ((await readIfThere(file)) === text) continue;
    stale.push(path);
    if (check) continue;
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  for (const path of stale) shell.out(check ? `stale: ${path}` : `wrote ${path}`);
  if (check && stale.length > 0) shell.err('run `npm run generate` and commit what it writes');
  return check && stale.length > 0 ? 1 : 0;
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { shell, release } = processShell();
  process.exitCode = await generate(shell);
  release();
}
