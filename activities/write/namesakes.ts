/** Before something new is written: does the target, or the source itself, hold the same thing already? */

import { writeOutcomes } from '../../ledger/events.js';
import type { Namesake } from '../../ledger/identities.js';
import { hashIdentity, lockContainer, namesakes, setIdentities } from '../../ledger/identities.js';
import type { Settlement } from '../../ledger/items.js';
import { settleItems } from '../../ledger/items.js';
import { fenced } from '../../ledger/leases.js';
import type { Entry } from '../decide/fitting.js';
import type { OpenDestination } from '../destination.js';
import type { Slice } from '../slice.js';
import type { Clash } from './conflicts.js';
import { exceptions } from './settle.js';

interface Claimed {
  /** Nobody else has their identities. */
  readonly free: readonly Entry[];
  /** The target holds another of the same identity, which none of our items stands for. */
  readonly clashes: readonly Clash[];
}

/**
 * Claims the identities of new items for them. Of two items of the source with the same one only the first moves; an
 * identity that a copy in the target has is a clash, which the spec's `onConflict` decides.
 */
export async function claimIdentities(
  slice: Slice,
  { bound }: OpenDestination,
  entries: readonly Entry[],
): Promise<Claimed> {
  const { deps, lease, pairing, input } = slice;
  const hashes = new Map(entries.map((entry) => [entry, entry.identities.map(hashIdentity)]));
  const all = [...hashes.values()].flat();
  if (all.length === 0) return { free: entries, clashes: [] };
  return fenced(deps.ledger, lease, async (sql) => {
    await lockContainer(sql, bound.id);
    const others = await namesakes(sql, pairing.target, bound.targetKey, all);
    const free: Entry[] = [];
    const clashes: Clash[] = [];
    const twins: Settlement[] = [];
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
      if (met.other.key === null) clashes.push({ entry, ref: met.other.ref ?? undefined, by });
      else twins.push(twin(entry, met.other, by));
    }
    const claiming = [...free, ...clashes.map((clash) => clash.entry)];
    await setIdentities(
      sql,
      bound.id,
      claiming.map((entry) => ({ key: entry.item.key, identities: hashes.get(entry) as string[] })),
    );
    await settleItems(sql, bound.id, twins, slice.run);
    await writeOutcomes(sql, input, exceptions(bound.id, twins));
    slice.tally.failures += twins.filter((s) => s.outcome === 'refused').length;
    return { free, clashes };
  });
}

/** The strongest identity that another has too. */
function firstMet(
  mine: readonly string[],
  others: readonly Namesake[],
  isSelf: (other: Namesake) => boolean,
): { readonly other: Namesake; readonly at: number } | undefined {
  for (const [at, identity] of mine.entries()) {
    const other = others.find((one) => one.identities.includes(identity) && !isSelf(one));
    if (other) return { other, at };
  }
  return undefined;
}

/** How the second of two items of the source with the same identity ends. */
export function twin({ item, digest }: Entry, other: Namesake, by: string): Settlement {
  const left = { key: item.key, todo: null, outcome: 'skipped' as const };
  if (other.digest === digest) return { ...left, reason: `the source holds the same item twice, also as ${other.key}` };
  if (by !== 'uid') return { ...left, reason: `the source holds another with the same ${by}: ${other.key}` };
  return {
    ...left,
    outcome: 'refused',
    reason: `the source holds another item with the same UID: ${other.key}; give one of them another UID, then retry`,
  };
}
