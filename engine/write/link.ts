/** Going both ways: what this direction settled, the other takes for its own, in the same transaction. */
import type { ItemRow, Settlement } from '../../ledger/items.js';
import type { Sql } from '../../ledger/ledger.js';
import { linkReverse } from '../../ledger/links.js';
import type { Slice } from '../slice/slice.js';
import type { Bound } from './bind.js';

export interface Linkable {
  readonly item: ItemRow;
  readonly bytes: number;
  readonly uid?: string;
  readonly identities?: readonly string[];
}

type Linked = Settlement & { readonly copy?: { readonly version: string; readonly digest: string } };

function ownUid(identities: readonly string[] = []): string | undefined {
  return identities.find((one) => one.startsWith('uid:'))?.slice('uid:'.length);
}

/** Links the settlements that say where an item stands; `entries` are at least the items settled. */
export async function link(
  sql: Sql,
  slice: Pick<Slice, 'other' | 'run'>,
  bound: Bound,
  entries: readonly Linkable[],
  settled: readonly Linked[],
): Promise<void> {
  if (slice.other === undefined) return;
  const items = new Map(entries.map((entry) => [entry.item.key, entry]));
  const links = settled.flatMap(({ key, ref, version, digest, outcome, copy }) => {
    const entry = items.get(key);
    if (!entry || !ref || (outcome !== 'arrived' && outcome !== 'verified' && outcome !== 'conflict')) return [];
    return [
      {
        key,
        version: entry.item.version,
        ref,
        refVersion: copy?.version ?? version ?? '',
        digest: copy?.digest ?? digest ?? entry.item.digest ?? '',
        bytes: entry.bytes,
        // Going back, the item keeps the UID that it has on this side.
        uid: entry.uid === undefined ? undefined : ownUid(entry.identities),
      },
    ];
  });
  await linkReverse(sql, slice.other, bound, links, slice.run);
}
