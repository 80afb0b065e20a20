/** Of two items with the same identity one moves: which, and what is said of the other. */
import { isDigestOf } from '../../connectors/kinds/digest-version.js';
import type { Namesake } from '../../ledger/identities.js';
import type { Settlement } from '../../ledger/items.js';
import type { Slice } from '../slice/slice.js';
import type { Entry } from './fitting.js';

/** How reasons begin that name another item of the source. */
export const TWIN = 'the source holds';

/** The strongest identity that another has too. */
export function firstMet(
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
export function twin({ rules }: Pick<Slice, 'rules'>, entry: Entry, other: Namesake, by: string): Settlement {
  const { item } = entry;
  const left = { key: item.key, todo: null, outcome: 'skipped' as const };
  if (isDigestOf(rules, entry, other.digest)) {
    return { ...left, reason: `${TWIN} the same item twice, also as ${other.key}` };
  }
  if (by !== 'uid') return { ...left, reason: `${TWIN} another with the same ${by}: ${other.key}` };
  return {
    ...left,
    outcome: 'refused',
    reason: `${TWIN} another item with the same UID: ${other.key}; give one of them another UID, then retry`,
  };
}
