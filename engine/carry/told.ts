/** What listings did not tell of items (`ItemRow.unread`): their content does. */
import type { Body } from '../../connectors/contract.js';
import type { ContainerRow } from '../../ledger/containers.js';
import type { ItemRow } from '../../ledger/items.js';
import { describeItems } from '../../ledger/items.js';
import { fenced } from '../../ledger/leases.js';
import { countExcluded } from '../../ledger/surveys.js';
import type { Slice } from '../slice/slice.js';
import { leaveUncovered } from '../survey/listing-rules.js';

/** An item with what its content told. It stays `unread` until that is written down. */
export function withTold({ rules }: Pick<Slice, 'rules'>, item: ItemRow, { body, meta }: Body<unknown>): ItemRow {
  return item.unread ? { ...item, bytes: rules.size(body), meta: meta ?? item.meta } : item;
}

/** Writes down the size and metadata of items that were unread, before anything is done with them. */
export async function writeTold(
  { deps, lease }: Slice,
  { id }: Pick<ContainerRow, 'id'>,
  items: readonly ItemRow[],
): Promise<void> {
  const told = items.filter(({ unread }) => unread);
  if (told.length > 0) await fenced(deps.ledger, lease, (sql) => describeItems(sql, id, told));
}

/** Of these it is known only now that the selection does not cover them. */
export async function leaveOutTold(
  slice: Slice,
  { id }: Pick<ContainerRow, 'id'>,
  items: readonly ItemRow[],
): Promise<void> {
  if (items.length === 0) return;
  const { deps, lease } = slice;
  await fenced(deps.ledger, lease, async (sql) => {
    await describeItems(sql, id, items);
    const keys = items.map(({ key }) => key);
    await leaveUncovered(sql, slice, id, keys);
    await countExcluded(sql, id, slice, items.length);
  });
  slice.tally.items += items.length;
}
