import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The absolute path of a compiled file of this package, e.g. `worker/main.js`, for what must run in a process
 * of its own. The same answer from the sources (tests) and from `dist/`.
 *
 * Throws when it has not been built.
 */
export function compiledFile(path: string): string {
  const file = join(packageRoot(), 'dist', path);
  if (!existsSync(file)) throw new Error(`dist/${path} has not been built: run \`npm run build\``);
  return file;
}

/** The folder that holds this package's package.json. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('no package.json above the running code: install drover again');
    folder = parent;
  }
  return folder;
}
