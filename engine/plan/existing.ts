/** What stands in the target under the paths of a tree, by size and version: no content is read. */
import type { TargetContainer } from '../../connectors/contract.js';
import { foldersAbove } from '../../connectors/kinds/files.js';
import type { PlannedItem } from '../../ledger/planned.js';
import type { Look } from './look.js';

export interface Copy {
  readonly bytes: number;
  readonly version?: string;
}

export interface Existing {
  /** Copies by reference; what is not there is left out. `fresh`: paths that may well not be there. */
  at(refs: readonly string[], fresh: readonly string[]): Promise<ReadonlyMap<string, Copy>>;
}

/** Whether a copy is not what was written. Where no version is told, its size tells. */
export function isEdited({ targetVersion, bytes, targetRef }: PlannedItem, copy: Copy): boolean {
  if (targetRef?.endsWith('/')) return false;
  return targetVersion && copy.version !== undefined ? copy.version !== targetVersion : copy.bytes !== bytes;
}

/** Undefined where the target cannot tell sizes. `container` undefined: the target has nothing yet. */
export function createExisting(
  { target, signal }: Pick<Look, 'target' | 'signal'>,
  container: TargetContainer | undefined,
): Existing | undefined {
  if (!target.sizes) return undefined;
  /** The outermost folders that the target does not have: nothing below them is asked for. */
  const absent = new Set<string>();
  const isBelowAbsent = (path: string): boolean => foldersAbove(path).some((folder) => absent.has(folder));
  const ask = async (refs: readonly string[], found: Map<string, Copy>): Promise<void> => {
    if (!container || refs.length === 0) return;
    for await (const { ref, ...copy } of target.sizes?.(container, [...refs].sort(), signal) ?? [])
      found.set(ref, copy);
  };
  return {
    async at(refs, fresh) {
      const found = new Map<string, Copy>();
      for (const level of byDepth(fresh.filter((path) => path.endsWith('/')))) {
        const open = level.filter((path) => !isBelowAbsent(path));
        await ask(open, found);
        for (const path of open) if (!found.has(path)) absent.add(path);
      }
      const files = fresh.filter((path) => !path.endsWith('/') && !isBelowAbsent(path));
      await ask([...new Set([...refs, ...files])], found);
      return found;
    },
  };
}

/** The outermost first. */
function byDepth(folders: readonly string[]): string[][] {
  const levels: string[][] = [];
  for (const folder of folders) {
    const depth = foldersAbove(folder).length;
    levels[depth] ??= [];
    levels[depth].push(folder);
  }
  return levels.filter((level) => level !== undefined);
}
