/** One item as the source lists it now: for a file that changed while it was read. */
import type { ItemRef, Source } from '../connectors/contract.js';
import type { ContainerRow } from '../ledger/containers.js';
import type { ItemRow } from '../ledger/items.js';
import type { Slice } from './slice.js';

/** Undefined when it is gone. Lists from right before its key on, and stops behind it. */
export async function relisted(
  { signal }: Slice,
  source: Source<unknown>,
  { key: container, path, validity }: ContainerRow,
  { key }: Pick<ItemRow, 'key'>,
): Promise<ItemRef | undefined> {
  for await (const page of source.list({ key: container, path, validity }, before(key), signal)) {
    const found = page.entries.find((one) => one.key === key);
    if (found) return found;
    if (page.entries.some((one) => one.key > key)) return undefined;
  }
  return undefined;
}

/** A string that sorts right before `key`, and behind all that is shorter by its last character. */
function before(key: string): string {
  const last = key.charCodeAt(key.length - 1);
  return `${key.slice(0, -1)}${String.fromCharCode(Math.max(0, last - 1))}\uffff`;
}
