/** What carrying a container's items takes, and where each of them goes. */
import type { ItemRow } from '../../ledger/items.js';
import type { Names } from '../select/names.js';
import type { Slice } from '../slice/slice.js';
import type { Destination } from '../write/destination.js';
import type { Result } from '../write/results.js';
import type { Transfer } from './feed.js';
import type { SharedParts } from './shared-parts.js';

/** What carrying one container's items takes. */
export interface Carrying {
  readonly slice: Slice;
  readonly op: Transfer;
  readonly to: Destination;
  readonly stop: AbortSignal;
  readonly shared: SharedParts;
}

/** Some of them, with what tells where each goes. */
export interface Carriage extends Carrying {
  readonly names: Names;
}

export interface WithPath {
  readonly item: ItemRow;
  readonly path: string;
  readonly notes: readonly string[];
}

/** With where it goes; what goes nowhere is settled as the spec says. */
export function placedItem({ slice, names, op }: Carriage, item: ItemRow, refused: Result[]): WithPath[] {
  const named = names.of(item.key);
  // What is there keeps its place, whatever became of the rules since.
  if (op === 'update' && item.targetRef !== null) {
    const notes = 'path' in named && named.path === item.targetRef ? named.notes : [];
    return [{ item, path: item.targetRef, notes }];
  }
  if (!('problem' in named)) return [{ item, ...named }];
  const skipped = slice.selection.names === 'skip';
  refused.push({
    key: item.key,
    todo: null,
    outcome: skipped ? 'skipped' : 'refused',
    reason: `${named.problem}; ${skipped ? 'the spec skips such names' : 'rename it in the source, or set `names` to rename or skip'}`,
  });
  return [];
}
