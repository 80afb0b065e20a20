/**
 * Items that have another key in the source now: another href, another file name. What an item is, its UID says, not
 * where it stands; so it takes over the copy of the one that left, and the row that it leaves is dropped. Nothing is
 * written for that, and nothing is left that could be removed.
 */
import type { Target, TargetRef } from '../../connectors/contract.js';
import { everyDigest, isDigestOf } from '../../connectors/kinds/digest-version.js';
import type { DepartedNamesake } from '../../ledger/departed.js';
import { departedNamesakes } from '../../ledger/departed.js';
import { hashIdentity, setIdentities } from '../../ledger/identities.js';
import { giveAway } from '../../ledger/items.js';
import type { Entry } from '../decide/fitting.js';
import type { Slice } from '../slice/slice.js';
import type { OpenDestination } from './destination.js';
import { readEach } from './each-alone.js';
import type { Result } from './results.js';
import { commit, reasonOf } from './results.js';

interface Renamed {
  readonly entry: Entry;
  readonly was: DepartedNamesake;
}

/** Returns the entries that have to be made. What was edited, too, is left to the updates that follow. */
export async function takeRenamed(
  slice: Slice,
  { bound }: OpenDestination,
  target: Target<unknown>,
  entries: readonly Entry[],
): Promise<readonly Entry[]> {
  const { pairs, rest } = await pairUp(slice, bound.targetKey, entries);
  if (pairs.length === 0) return entries;
  const copies = new Map<string, TargetRef>();
  const hidden = new Map<string, string>();
  const refs = pairs.map(({ was }) => was.targetRef).sort();
  for await (const copy of readEach(target, bound.target, refs, hidden, slice.signal)) copies.set(copy.ref, copy);
  const stands = ({ was }: Renamed): boolean => copies.has(was.targetRef) || hidden.has(was.targetRef);
  const taken = pairs.filter(stands);
  const lost = pairs.filter((pair) => !stands(pair));
  const results = taken.map((pair) => asResult(pair, bound.targetKey, copies.get(pair.was.targetRef)));
  await commit(
    slice,
    { container: bound.id, bound, entries: taken.map(({ entry }) => entry) },
    results,
    async (sql) => {
      await setIdentities(
        sql,
        bound.id,
        taken.map(({ entry }) => ({ key: entry.item.key, identities: entry.identities.map(hashIdentity) })),
      );
      for (const { was } of lost) await giveAway(sql, was.container, was.key, was.targetRef);
    },
  );
  return [...rest, ...lost.map(({ entry }) => entry)];
}

/** By UID; else by content, where the UID is none that counts. One copy for one item. */
async function pairUp(
  slice: Slice,
  targetKey: string,
  entries: readonly Entry[],
): Promise<{ readonly pairs: readonly Renamed[]; readonly rest: readonly Entry[] }> {
  const uids = new Map(entries.map((entry) => [entry, uidHash(slice, entry)]));
  const candidates = await departedNamesakes(slice.deps.ledger.pool, slice, targetKey, {
    identities: [...uids.values()].flatMap((hash) => hash ?? []),
    digests: entries.flatMap((entry) => everyDigest(slice.rules, entry)),
  });
  const pairs: Renamed[] = [];
  const rest = entries.filter((entry) => {
    const hash = uids.get(entry);
    const bySelf = candidates.findIndex((one) => hash !== undefined && one.identities?.includes(hash));
    const at = bySelf === -1 ? candidates.findIndex((one) => isDigestOf(slice.rules, entry, one.digest)) : bySelf;
    const was = at === -1 ? undefined : candidates.splice(at, 1)[0];
    if (was) pairs.push({ entry, was });
    return was === undefined;
  });
  return { pairs, rest };
}

function uidHash({ rules }: Slice, { body }: Entry): string | undefined {
  const uid = rules.identities(body, ['uid'])[0];
  return uid === undefined ? undefined : hashIdentity(uid);
}

function asResult({ entry, was }: Renamed, targetKey: string, copy: TargetRef | undefined): Result {
  const { key } = entry.item;
  const { container, targetRef: ref } = was;
  const shared = {
    key,
    ref,
    ...(was.base && { base: was.base }),
    replaces: { container, key: was.key, targetKey, ref },
  };
  if (copy?.digest === entry.digest && was.outcome !== 'conflict') {
    const { version = '' } = copy;
    const proven = { todo: null, outcome: 'verified', proof: 'readback', digest: entry.digest, version } as const;
    return { ...shared, ...proven, bytes: entry.bytes, ...reasonOf(entry.notes) };
  }
  // As it stood before: the update finds out whether it was edited here, there, on both sides, or not at all.
  return {
    ...shared,
    todo: 'update',
    outcome: was.outcome === 'conflict' ? 'conflict' : 'arrived',
    ...(was.digest !== null && { digest: was.digest }),
    version: was.targetVersion ?? '',
  };
}
