/** How commands get from a path on the command line to a spec. */
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { formatDiagnostic } from '../schemas/diagnostic.js';
import { loadSpec } from '../schemas/load.js';
import type { Spec } from '../schemas/spec.js';
import type { Loaded, Read } from '../schemas/validate.js';
import { CommandError, exitCodes } from './exit-codes.js';
import type { Shell } from './shell.js';

/** Loads the spec that `path` names, from the shell's folder; `-` is stdin. Problems are returned. */
export async function loadFrom(shell: Shell, path: string): Promise<Loaded> {
  return await loadSpec(path, createRead(shell));
}

/**
 * The spec, for a command that needs a right one: problems and warnings go to stderr, and for problems
 * `CommandError` with exit code 65 is thrown.
 */
export async function requireSpec(shell: Shell, path: string): Promise<Spec> {
  const loaded = await loadFrom(shell, path);
  if ('spec' in loaded) {
    for (const warning of loaded.warnings) if (warning.severity === 'warning') shell.err(formatDiagnostic(warning));
    return loaded.spec;
  }
  for (const problem of loaded.problems) shell.err(formatDiagnostic(problem));
  throw new CommandError(
    exitCodes.invalidSpec,
    countProblems(loaded.problems.length, path),
    'mend the spec and try again',
  );
}

export function countProblems(count: number, path: string, word = 'problem'): string {
  return `${count} ${count === 1 ? word : `${word}s`} in ${path === '-' ? 'the spec' : path}`;
}

/** Reads no more than the limit asks for, so that a wrong path cannot fill the memory. */
function createRead(shell: Shell): Read {
  return async (path, maxBytes) => {
    if (path === '-') return await collect(shell.stdin, maxBytes);
    const file = await open(resolve(shell.cwd, path), 'r');
    try {
      return await collect(file.createReadStream({ autoClose: false, end: maxBytes }), maxBytes);
    } finally {
      await file.close();
    }
  };
}

async function collect(chunks: AsyncIterable<Uint8Array | string>, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    const bytes = Buffer.from(chunk);
    parts.push(bytes);
    length += bytes.length;
    if (length > maxBytes) break;
  }
  return Buffer.concat(parts);
}
