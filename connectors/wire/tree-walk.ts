/** A tree in the order of its keys, listed folder by folder: depth first, never more than the folders above held. */
import type { ItemRef, OpensFolder, Page } from '../contract.js';
import { Fault } from '../errors.js';
import { isUnseen, unseen } from '../kinds/files.js';
import { compareKeys, isAbove } from '../kinds/key-order.js';

const PAGE = 1_000;

/** Why a folder cannot be listed. */
export interface Unlisted {
  readonly unlisted: string;
}

/**
 * All entries with a key above `after`. `children` gives those of one folder (a key that ends with "/", or "" for the
 * root), in any order, with their full keys; folders that lie wholly before `after`, and those that `opens` says no to, are
 * not listed. One that cannot be listed is unseen (files.ts).
 */
export async function* walkTree(
  children: (folder: string) => Promise<readonly ItemRef[] | Unlisted>,
  after: string | undefined,
  opens: OpensFolder = () => true,
): AsyncGenerator<Page<ItemRef>> {
  let entries: ItemRef[] = [];
  const root = await children('');
  if ('unlisted' in root) throw new Fault('refused', root.unlisted);
  const stack: (readonly ItemRef[])[] = [ordered(root)];
  const places = [0];
  while (stack.length > 0) {
    const level = stack.at(-1) as readonly ItemRef[];
    const at = places[places.length - 1] as number;
    const entry = level[at];
    if (!entry) {
      stack.pop();
      places.pop();
      continue;
    }
    places[places.length - 1] = at + 1;
    const { key } = entry;
    const before = after !== undefined && !isAbove(key, after);
    const enters = key.endsWith('/') && !isUnseen(entry) && !(before && !after.startsWith(key)) && opens(key);
    const below = enters ? await children(key) : [];
    if ('unlisted' in below) {
      // It was shown by the listing that this one goes on with: that is not whole any more.
      if (before) throw new Fault('refused', below.unlisted);
      entries.push(unseen(key, below.unlisted));
    } else if (!before) entries.push(entry);
    if (entries.length >= PAGE) {
      yield { entries };
      entries = [];
    }
    if (!enters || 'unlisted' in below) continue;
    stack.push(ordered(below));
    places.push(0);
  }
  if (entries.length > 0) yield { entries };
}

function ordered(children: readonly ItemRef[]): readonly ItemRef[] {
  return [...children].sort((a, b) => compareKeys(a.key, b.key));
}
