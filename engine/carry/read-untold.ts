/** Edits of items whose listing does not tell what they are like: they are read before their flags are set. */
import type { ContainerRow } from '../../ledger/containers.js';
import type { ItemRow } from '../../ledger/items.js';
import { unreadItems } from '../../ledger/items.js';
import type { Slice } from '../slice/slice.js';
import { settle } from '../write/results.js';
import { readItems } from './read-items.js';
import { writeTold } from './told.js';

const PAGE = 500;

export async function readUntold(slice: Slice, row: ContainerRow): Promise<void> {
  for (let after = ''; !slice.ending(); ) {
    const items = await unreadItems(slice.deps.ledger.pool, row.id, 'meta', after, PAGE);
    const last = items.at(-1);
    if (!last) return;
    after = last.key;
    const told: ItemRow[] = [];
    for await (const read of readItems(slice, slice.source, row, items, slice.signal)) {
      if ('settled' in read) await settle(slice, row.id, [read.settled]);
      else told.push(read.item);
    }
    await writeTold(slice, row, told);
  }
}
