/** Where the lots of one container go. Opened by the first connection that has one to write, for all of them. */
import type { Target } from '../connectors/contract.js';
import type { ContainerRow } from '../ledger/containers.js';
import { hasFound } from '../ledger/found.js';
import { hasDeparted, knownRefs } from '../ledger/items.js';
import type { Bound } from './bind.js';
import { bindContainer, scanContainer } from './bind.js';
import type { Slice } from './slice.js';

export interface Destination {
  readonly row: ContainerRow;
  open(target: Target<unknown>): Promise<OpenDestination>;
}

/** What is known of a container before its first write. */
export interface OpenDestination {
  readonly bound: Bound;
  /** Where the target would put the next item, taken before the first write. */
  readonly anchor: string;
  /** Whether the target holds copies nobody has claimed. */
  readonly hasStrays: boolean;
  /** Whether items left other containers of the source, so that this one may have received them. */
  readonly hasDeparted: boolean;
  /** Copies that connections of this slice have moved: two must not move the same one. */
  readonly moved: Set<string>;
}

export function createDestination(slice: Slice, row: ContainerRow, moved: Set<string>): Destination {
  let opened: Promise<OpenDestination> | undefined;
  return {
    row,
    open: (target) => {
      opened ??= open(slice, row, target, moved);
      return opened;
    },
  };
}

async function open(
  slice: Slice,
  row: ContainerRow,
  target: Target<unknown>,
  moved: Set<string>,
): Promise<OpenDestination> {
  const { deps, pairing, signal } = slice;
  const bound = await bindContainer(slice, target, row);
  // Others may have added what is to be created now, since the target was read: what is new there is looked at.
  if (slice.rules.versioned && !slice.rules.paths && row.scanned && bound.target.items > 0) {
    const known = await knownRefs(deps.ledger.pool, pairing.target, bound.targetKey, '');
    await scanContainer(slice, target, bound, (ref) => known.has(ref));
  }
  return {
    bound,
    anchor: bound.target.anchor ?? (await target.anchor(bound.target, signal)),
    hasStrays: await hasFound(deps.ledger.pool, pairing.target, bound.targetKey),
    hasDeparted: await hasDeparted(deps.ledger.pool, slice),
    moved,
  };
}
