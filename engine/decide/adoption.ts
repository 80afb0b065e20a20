/** Which copy that is there already becomes that of which item. */
import type { UnclaimedCopy } from '../../ledger/unclaimed.js';
import type { Entry } from './fitting.js';
import { flagsOf } from './flags.js';

export interface Adoption {
  readonly entry: Entry;
  readonly copy: UnclaimedCopy;
}

/**
 * One copy for one item, by digest. Twins may differ in their dates only: each takes the copy with its own date, and what
 * is left over goes round.
 */
export function pairCopies(
  entries: readonly Entry[],
  unclaimed: readonly UnclaimedCopy[],
): { readonly adopted: readonly Adoption[]; readonly rest: readonly Entry[] } {
  const free = new Map<string, UnclaimedCopy[]>();
  for (const copy of unclaimed) free.set(copy.digest, [...(free.get(copy.digest) ?? []), copy]);
  const adopted: Adoption[] = [];
  const take = (entry: Entry, fits: (copy: UnclaimedCopy) => boolean): boolean => {
    const alike = free.get(entry.digest) ?? [];
    const at = alike.findIndex(fits);
    if (at === -1) return false;
    adopted.push({ entry, copy: alike.splice(at, 1)[0] as UnclaimedCopy });
    return true;
  };
  const others = entries.filter((entry) => !take(entry, (copy) => hasDate(copy, entry)));
  const rest = others.filter((entry) => !take(entry, () => true));
  return { adopted, rest };
}

export function hasDate({ meta }: Pick<UnclaimedCopy, 'meta'>, { item }: Pick<Entry, 'item'>): boolean {
  const { date } = item.meta;
  return typeof date !== 'string' || (typeof meta.date === 'string' && Date.parse(meta.date) === Date.parse(date));
}

/** What the copy lacks of the source's flags is to be added; what it has beyond them is somebody's, and stays. */
export function commonFlags({ entry, copy }: Adoption): { readonly flags: readonly string[]; readonly all: boolean } {
  const wanted = flagsOf(entry.item.meta);
  const there = new Set(flagsOf(copy.meta));
  const flags = wanted.filter((flag) => there.has(flag));
  return { flags, all: flags.length === wanted.length };
}
