/** One item as the source lists it now: for one that changed while it was read, or that could not be had. */
import type { ItemRef, Source } from '../../connectors/contract.js';
import { isAbove } from '../../connectors/kinds/key-order.js';
import type { ContainerRow } from '../../ledger/containers.js';
import type { ItemRow } from '../../ledger/items.js';
import { opensFolder } from '../select/selecting-files.js';
import type { Slice } from '../slice/slice.js';

/** Undefined when it is gone. Lists from before its key on, and stops behind it. */
export async function relisted(
  { signal, selection }: Slice,
  source: Source<unknown>,
  { key: container, path, validity }: ContainerRow,
  { key }: Pick<ItemRow, 'key'>,
): Promise<ItemRef | undefined> {
  const opens = opensFolder(selection);
  for await (const page of source.list({ key: container, path, validity }, key.slice(0, -1), signal, opens)) {
    const found = page.entries.find((one) => one.key === key);
    if (found) return found;
    if (page.entries.some((one) => isAbove(one.key, key))) return undefined;
  }
  return undefined;
}
