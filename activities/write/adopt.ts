/** Adoption: what stands in the target already is claimed by its digest instead of being written again. */
import { strays, takeStrays } from '../../ledger/found.js';
import { hashIdentity, lockClaims, setIdentities } from '../../ledger/identities.js';
import { fenced } from '../../ledger/leases.js';
import type { Adoption } from '../decide/adoption.js';
import { commonFlags, hasDate, pairCopies } from '../decide/adoption.js';
import type { Entry } from '../decide/fitting.js';
import type { OpenDestination } from '../destination.js';
import type { Slice } from '../slice.js';
import type { Result } from './results.js';
import { count, reasonOf, writeDown } from './results.js';

/** Claims copies that are there already, and returns the entries that have none. Nothing is written. */
export async function adopt(
  slice: Slice,
  { bound }: OpenDestination,
  entries: readonly Entry[],
): Promise<readonly Entry[]> {
  const { deps, lease, pairing, run, tally } = slice;
  const digests = entries.map(({ digest }) => digest);
  const { settled, rest } = await fenced(deps.ledger, lease, async (sql) => {
    await lockClaims(sql, pairing.target, bound.targetKey);
    const free = await strays(sql, pairing.target, bound.targetKey, digests);
    const { adopted, rest } = pairCopies(entries, free);
    const refs = adopted.map(({ stray }) => stray.ref);
    await takeStrays(sql, pairing.target, bound.targetKey, refs);
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

/** The digest that this run's scan read is the proof; a copy that an earlier run saw may be gone, and is read again. */
function asResult(adoption: Adoption, run: number): Result {
  const { entry, stray } = adoption;
  const { flags, all } = commonFlags(adoption);
  const fresh = stray.run === run;
  return {
    key: entry.item.key,
    todo: all ? (fresh ? null : 'verify') : 'meta',
    ...(fresh ? { outcome: 'verified', proof: 'scan' } : { outcome: 'arrived' }),
    digest: entry.digest,
    ref: stray.ref,
    made: 'adopted',
    ...(stray.version !== null && { version: stray.version }),
    base: { ...entry.item.meta, flags },
    ...reasonOf([...entry.notes, ...(hasDate(stray, entry) ? [] : ['internal date not kept'])]),
  };
}
