/** Where the chunks of one container go. Opened by the first connection that has one to write, for all of them. */
import type { Target } from '../../connectors/contract.js';
import type { ContainerRow } from '../../ledger/containers.js';
import { rememberAnchor } from '../../ledger/containers.js';
import { hasDeparted } from '../../ledger/departed.js';
import { fenced } from '../../ledger/leases.js';
import { hasUnclaimed } from '../../ledger/unclaimed.js';
import type { Slice } from '../slice/slice.js';
import type { Bound } from './bind.js';
import { bindContainer, refusalOf, scanContainer } from './bind.js';
import type { Shared } from './shared.js';
import { sharedBy } from './shared.js';

export interface Destination {
  readonly row: ContainerRow;
  /** Why the target does not let this container be opened; set once it was tried. */
  readonly refused: string | undefined;
  open(target: Target<unknown>): Promise<OpenDestination>;
  /** Everything was written that there was: what the target holds now was looked at. */
  close(target: Target<unknown>): Promise<void>;
}

/** What is known of a container before its first write. */
export interface OpenDestination {
  readonly bound: Bound;
  /** Where the target would put the next item, taken before the first write. */
  readonly anchor: string;
  /** Whether the target holds copies nobody has claimed. */
  readonly hasUnclaimed: boolean;
  /** Whether items left other containers of the source, so that this one may have received them. */
  readonly hasDeparted: boolean;
  readonly shared: Shared;
}

export function createDestination(slice: Slice, row: ContainerRow): Destination {
  let opened: Promise<OpenDestination> | undefined;
  let refused: string | undefined;
  return {
    row,
    get refused() {
      return refused;
    },
    open: (target) => {
      opened ??= open(slice, row, target).catch((error) => {
        refused = refusalOf(slice, error);
        throw error;
      });
      return opened;
    },
    async close(target) {
      if (!opened || refused !== undefined || !slice.rules.adopts.includes('digest')) return;
      const { bound } = await opened;
      const anchor = await target.anchor(bound.target, slice.signal);
      await fenced(slice.deps.ledger, slice.lease, (sql) => rememberAnchor(sql, row.id, anchor));
    },
  };
}

async function open(slice: Slice, row: ContainerRow, target: Target<unknown>): Promise<OpenDestination> {
  const shared = sharedBy(slice);
  const { deps, pairing, signal } = slice;
  const bound = await bindContainer(slice, target, row);
  const anchor = bound.target.anchor ?? (await target.anchor(bound.target, signal));
  if (mayHoldMore(slice, row, bound, anchor)) {
    await shared.scanOnce(bound.targetKey, () => scanContainer(slice, target, bound));
  }
  return {
    bound,
    anchor,
    hasUnclaimed: await hasUnclaimed(deps.ledger.pool, pairing.target, bound.targetKey),
    hasDeparted: slice.rules.relocates && (await hasDeparted(deps.ledger.pool, slice)),
    shared,
  };
}

/**
 * Others may have added what is to be created now since the target was last read; so may we ourselves, where the ledger
 * lost its last commits (a replica that took over). What is new there is looked at before anything is written.
 */
function mayHoldMore({ rules }: Slice, row: ContainerRow, { target }: Bound, anchor: string): boolean {
  if (!rules.adopts.includes('digest') || !row.scanned || target.items === 0) return false;
  return rules.adopts.includes('identity') || row.targetAnchor !== anchor;
}
