/** A tree in the order of its keys, listed folder by folder: depth first, never more than the folders above held. */
import type { ItemRef, Page } from './contract.js';
import { compareKeys, isAbove } from './key-order.js';

const PAGE = 1_000;

/**
 * All entries with a key above `after`. `children` gives those of one folder (a key that ends with "/", or "" for the
 * root), in any order, with their full keys; folders that lie wholly before `after` are not listed.
 */
export async function* walkTree(
  children: (folder: string) => Promise<readonly ItemRef[]>,
  after: string | undefined,
): AsyncGenerator<Page<ItemRef>> {
  let entries: ItemRef[] = [];
  const stack: (readonly ItemRef[])[] = [await ordered(children, '')];
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
    const before = after !== undefined && !isAbove(entry.key, after);
    if (!before) entries.push(entry);
    if (entries.length >= PAGE) {
      yield { entries };
      entries = [];
    }
    if (!entry.key.endsWith('/') || (before && !after.startsWith(entry.key))) continue;
    stack.push(await ordered(children, entry.key));
    places.push(0);
  }
  if (entries.length > 0) yield { entries };
}

async function ordered(
  children: (folder: string) => Promise<readonly ItemRef[]>,
  folder: string,
): Promise<readonly ItemRef[]> {
  return [...(await children(folder))].sort((a, b) => compareKeys(a.key, b.key));
}
