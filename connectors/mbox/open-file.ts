/** Opens one mbox file below a root, never through a symbolic link, and tells what identifies it. */
import type { BigIntStats } from 'node:fs';
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { inside, onFiles } from '../local/local-files.js';

export async function fileAt(root: string, key: string): Promise<string> {
  return inside(root, key === '' ? [] : key.split('/'));
}

/** Runs `step` with the open file and closes it, also when the caller stops early. */
export async function* withFile<T>(
  path: string,
  step: (handle: FileHandle, facts: BigIntStats) => AsyncIterable<T>,
): AsyncIterable<T> {
  const handle = await onFiles(`opening ${path}`, () => open(path, constants.O_RDONLY | constants.O_NONBLOCK));
  try {
    yield* step(handle, await handle.stat({ bigint: true }));
  } finally {
    await handle.close();
  }
}

/**
 * The same while messages are only appended: programs that take messages out write a new file and rename
 * it. One that rewrites in place keeps it, but not the keys: they hold a digest of what stands there.
 */
export function validityOf(facts: BigIntStats): string {
  return `${facts.ino}.${facts.birthtimeNs}`;
}
