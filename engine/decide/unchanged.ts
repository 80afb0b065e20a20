/** Whether an item that the source shows under another version is still what its copy in the target says. */
import { isDigestOf } from '../../connectors/kinds/digest-version.js';
import type { Slice } from '../slice/slice.js';
import type { Entry } from './fitting.js';

/** Servers renew versions by themselves: what was settled with this content needs no write. */
export function isUnchanged({ rules }: Pick<Slice, 'rules'>, entry: Pick<Entry, 'item' | 'body' | 'digest'>): boolean {
  const { digest, outcome } = entry.item;
  return isDigestOf(rules, entry, digest) && outcome !== 'conflict' && outcome !== 'missing';
}
