/** Adoption: what stands in the target already is claimed by its digest instead of being written again. */
import type { Stray } from '../../ledger/found.js';
import { strays, takeStrays } from '../../ledger/found.js';
import { hashIdentity, lockContainer, setIdentities } from '../../ledger/identities.js';
import type { Settlement } from '../../ledger/items.js';
import { settleItems } from '../../ledger/items.js';
import { fenced } from '../../ledger/leases.js';
import type { Entry } from '../decide/fitting.js';
import { flagsOf } from '../decide/flags.js';
import type { OpenDestination } from '../destination.js';
import type { Slice } from '../slice.js';
import { link } from './link.js';
import { reasonOf } from './settle.js';

/** Claims copies that are there already: nothing is written, the digest read by the scan is the proof. */
export async function adopt(slice: Slice, to: OpenDestination, entries: readonly Entry[]): Promise<readonly Entry[]> {
  const { deps, lease, pairing } = slice;
  const { bound } = to;
  return fenced(deps.ledger, lease, async (sql) => {
    // One connection of this slice adopts at a time: two must not claim the same copy.
    await lockContainer(sql, bound.id);
    const free = await strays(
      sql,
      pairing.target,
      bound.targetKey,
      entries.map((e) => e.digest),
    );
    if (free.length === 0) return entries;
    const settled: Settlement[] = [];
    const rest: Entry[] = [];
    const taken: string[] = [];
    const claim = (entry: Entry, at: number): void => {
      const stray = free.splice(at, 1)[0] as Stray;
      taken.push(stray.ref);
      settled.push(adopted(entry, stray));
    };
    // Twins may differ in their dates only: each takes the copy with its own date, and what is left over goes round.
    const others: Entry[] = [];
    for (const entry of entries) {
      const at = free.findIndex((stray) => stray.digest === entry.digest && hasDate(stray, entry));
      if (at === -1) others.push(entry);
      else claim(entry, at);
    }
    for (const entry of others) {
      const at = free.findIndex((stray) => stray.digest === entry.digest);
      if (at === -1) rest.push(entry);
      else claim(entry, at);
    }
    await takeStrays(sql, pairing.target, bound.targetKey, taken);
    await settleItems(sql, bound.id, settled, slice.run);
    const claimed = new Set(settled.map((s) => s.key));
    const mine = entries.filter((entry) => claimed.has(entry.item.key));
    await setIdentities(
      sql,
      bound.id,
      mine.map((entry) => ({ key: entry.item.key, identities: entry.identities.map(hashIdentity) })),
    );
    await link(sql, slice, bound, mine, settled);
    slice.tally.verified += settled.length;
    slice.tally.items += settled.length;
    return rest;
  });
}

function hasDate(stray: Stray, { item }: Entry): boolean {
  const { date } = item.meta;
  return (
    typeof date !== 'string' ||
    (typeof stray.meta.date === 'string' && Date.parse(stray.meta.date) === Date.parse(date))
  );
}

/** What the copy lacks of the source's flags is added; what it has beyond them is somebody's, and stays. */
function adopted(entry: Entry, stray: Stray): Settlement {
  const wanted = flagsOf(entry.item.meta);
  const there = new Set(flagsOf(stray.meta));
  const common = wanted.filter((flag) => there.has(flag));
  return {
    key: entry.item.key,
    todo: common.length < wanted.length ? 'meta' : null,
    outcome: 'verified',
    proof: 'scan',
    digest: entry.digest,
    ref: stray.ref,
    made: 'adopted',
    ...(stray.version !== null && { version: stray.version }),
    base: { ...entry.item.meta, flags: common },
    ...reasonOf([...entry.notes, ...(hasDate(stray, entry) ? [] : ['internal date not kept'])]),
  };
}
