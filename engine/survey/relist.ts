/** One item as the source lists it now: for one that changed while it was read, or that could not be had. */
import type { ItemRef, Source } from '../../connectors/contract.js';
import { isAbove } from '../../connectors/kinds/key-order.js';
import type { ContainerRow } from '../../ledger/containers.js';
import type { ItemRow } from '../../ledger/items.js';
import { opensFolder } from '../select/selecting-files.js';
import type { Slice } from '../slice/slice.js';

/**
 * Undefined when it is gone, or, of a listing in no order, when that lacks it. Lists from before its key on, and stops
 * behind it.
 */
export async function relisted(
  { signal, selection }: Slice,
  source: Source<unknown>,
  { key: container, path, validity }: ContainerRow,
  { key }: Pick<ItemRow, 'key'>,
): Promise<ItemRef | undefined> {
  const at = { key: container, path, validity };
  const opens = opensFolder(selection);
  const unordered = source.listing === 'unordered';
  const pages =
    source.present?.(at, [key], signal) ?? source.list(at, unordered ? undefined : key.slice(0, -1), signal, opens);
  for await (const page of pages) {
    const found = page.entries.find((one) => one.key === key);
    if (found) return found;
    if (!unordered && page.entries.some((one) => isAbove(one.key, key))) return undefined;
  }
  return undefined;
}
