/** Adoption: what stands in the target already is claimed by its digest instead of being written again. */
import type { Target } from '../../connectors/contract.js';
import { hashIdentity, lockClaims, setIdentities } from '../../ledger/identities.js';
import { fenced } from '../../ledger/leases.js';
import { claimCopies, forgetGone, unclaimedByDigest } from '../../ledger/unclaimed.js';
import type { Adoption } from '../decide/adoption.js';
import { commonFlags, hasDate, pairCopies } from '../decide/adoption.js';
import type { Entry } from '../decide/fitting.js';
import type { Slice } from '../slice/slice.js';
import type { Bound } from './bind.js';
import type { OpenDestination } from './destination.js';
import { readEach } from './each-alone.js';
import type { Result } from './results.js';
import { count, reasonOf, writeDown } from './results.js';

/** Claims copies that are there already, and returns the entries that have none. Nothing is written. */
export async function adopt(
  slice: Slice,
  { bound }: OpenDestination,
  target: Target<unknown>,
  entries: readonly Entry[],
): Promise<readonly Entry[]> {
  const { deps, lease, pairing, run, tally } = slice;
  const digests = entries.map(({ digest }) => digest);
  await forgetRemoved(slice, bound, target, digests);
  const { settled, rest } = await fenced(deps.ledger, lease, async (sql) => {
    await lockClaims(sql, pairing.target, bound.targetKey);
    const free = await unclaimedByDigest(sql, pairing.target, bound.targetKey, digests);
    const { adopted, rest } = pairCopies(entries, free);
    const refs = adopted.map(({ copy }) => copy.ref);
    await claimCopies(sql, pairing.target, bound.targetKey, refs);
    const mine = adopted.map(({ entry }) => entry);
    const results = adopted.map((adoption) => asResult(adoption, run));
    const settled = await writeDown(sql, slice, { container: bound.id, bound, entries: mine }, results);
    const identities = mine.map(({ item, identities }) => ({
      key: item.key,
      identities: identities.map(hashIdentity),
    }));
    await setIdentities(sql, bound.id, identities);
    return { settled, rest };
  });
  count(tally, settled);
  return rest;
}

/** Copies that an earlier run saw may have been removed since: no item is to wait for them. */
async function forgetRemoved(
  { deps, lease, pairing, run, signal }: Slice,
  bound: Bound,
  target: Target<unknown>,
  digests: readonly string[],
): Promise<void> {
  const known = await unclaimedByDigest(deps.ledger.pool, pairing.target, bound.targetKey, digests);
  const old = known.flatMap((copy) => (copy.run === run ? [] : [copy.ref])).sort();
  if (old.length === 0) return;
  const gone = new Set(old);
  const hidden = new Map<string, string>();
  const standing = target.sizes?.(bound.target, old, signal) ?? readEach(target, bound.target, old, hidden, signal);
  for await (const { ref } of standing) gone.delete(ref);
  for (const ref of hidden.keys()) gone.delete(ref);
  await fenced(deps.ledger, lease, (sql) => forgetGone(sql, pairing.target, bound.targetKey, [...gone]));
}

/** The digest that this run's scan read is the proof; a copy that an earlier run saw may be gone, and is read again. */
function asResult(adoption: Adoption, run: number): Result {
  const { entry, copy } = adoption;
  const { flags, all } = commonFlags(adoption);
  const fresh = copy.run === run;
  return {
    key: entry.item.key,
    todo: all ? (fresh ? null : 'verify') : 'meta',
    ...(fresh ? { outcome: 'verified', proof: 'scan' } : { outcome: 'arrived' }),
    digest: entry.digest,
    ref: copy.ref,
    made: 'adopted',
    ...(copy.version !== null && { version: copy.version }),
    base: { ...entry.item.meta, flags },
    ...reasonOf([...entry.notes, ...(hasDate(copy, entry) ? [] : ['internal date not kept'])]),
  };
}
