/** From a key to the place of a file, by the policy for links. */
import { lstat, realpath } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { ifThere } from '../local/local-files.js';

/** What a source does with symbolic links. */
export type LinkPolicy = 'skip' | 'keep' | 'follow';

export type Resolved = { readonly parts: readonly string[] } | { readonly problem: string };

/**
 * Where a link below `root` leads, as names from the root on, itself without links. For keys on whose way there may be
 * links, too. Undefined when nothing stands at `parts`.
 */
export async function resolve(root: string, parts: readonly string[]): Promise<Resolved | undefined> {
  const path = join(root, ...parts);
  const real = await ifThere(realpath(path)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ELOOP' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  if (real === undefined) {
    const dangling = await ifThere(lstat(path)).catch(() => undefined);
    return dangling && { problem: 'the link points to nothing; remove it, or restore what it points to' };
  }
  if (real !== root && !real.startsWith(root.endsWith(sep) ? root : root + sep)) {
    return { problem: 'the link points out of the folder, where nothing is read; move what it points to into it' };
  }
  return { parts: real === root ? [] : relative(root, real).split(sep) };
}
