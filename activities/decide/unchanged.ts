/** Whether an item that the source shows under another version is still what its copy in the target says. */
import type { Entry } from './fitting.js';

/** Servers renew versions by themselves: what was settled with this content needs no write. */
export function isUnchanged({ item, digest }: Pick<Entry, 'item' | 'digest'>): boolean {
  return digest === item.digest && item.outcome !== 'conflict' && item.outcome !== 'missing';
}
