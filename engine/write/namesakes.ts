/** Before something new is written: does the target, or the source itself, hold the same thing already? */

import { hashIdentity, lockClaims, namesakes, setIdentities } from '../../ledger/identities.js';
import { fenced } from '../../ledger/leases.js';
import type { Conflict } from '../decide/conflict.js';
import type { Entry } from '../decide/fitting.js';
import { firstMet, twin } from '../decide/twins.js';
import type { Slice } from '../slice/slice.js';
import type { OpenDestination } from './destination.js';
import type { Result } from './results.js';
import { count, writeDown } from './results.js';

interface Claimed {
  /** Nobody else has their identities. */
  readonly free: readonly Entry[];
  /** The target holds another of the same identity, which none of our items stands for. */
  readonly conflicts: readonly Conflict[];
}

/**
 * Claims the identities of new items for them. Of two items of the source with the same one only the first moves; an
 * identity that a copy in the target has is a conflict, which the spec's `onConflict` decides.
 */
export async function claimIdentities(
  slice: Slice,
  { bound }: OpenDestination,
  entries: readonly Entry[],
): Promise<Claimed> {
  const { deps, lease, pairing, tally } = slice;
  const hashes = new Map(entries.map((entry) => [entry, entry.identities.map(hashIdentity)]));
  const all = [...hashes.values()].flat();
  if (all.length === 0) return { free: entries, conflicts: [] };
  const { settled, ...claimed } = await fenced(deps.ledger, lease, async (sql) => {
    await lockClaims(sql, pairing.target, bound.targetKey);
    const others = await namesakes(sql, pairing.target, bound.targetKey, all);
    const free: Entry[] = [];
    const conflicts: Conflict[] = [];
    const twins: Result[] = [];
    for (const entry of entries) {
      const mine = hashes.get(entry) as string[];
      const met = firstMet(mine, others, (other) => other.key === entry.item.key && other.container === bound.id);
      if (!met) {
        free.push(entry);
        others.push({
          identities: mine,
          key: entry.item.key,
          container: bound.id,
          ref: null,
          digest: entry.digest,
        });
        continue;
      }
      const by = (entry.identities[met.at] as string).split(':', 1)[0] as string;
      if (met.other.key === null) conflicts.push({ entry, ref: met.other.ref ?? undefined, by });
      else twins.push(twin(slice, entry, met.other, by));
    }
    // Of twins, too: they are looked at again when nobody else is called so any more.
    await setIdentities(
      sql,
      bound.id,
      entries.map((entry) => ({ key: entry.item.key, identities: hashes.get(entry) as string[] })),
    );
    const settled = await writeDown(sql, slice, { container: bound.id }, twins);
    return { free, conflicts, settled };
  });
  count(tally, settled);
  return claimed;
}
