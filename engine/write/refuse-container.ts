/** A folder of the target that cannot be had costs what belongs into it, and nothing else. */
import type { Target } from '../../connectors/contract.js';
import type { ContainerRow } from '../../ledger/containers.js';
import type { Todo } from '../../ledger/items.js';
import { nextItems } from '../../ledger/items.js';
import type { Slice } from '../slice/slice.js';
import type { Bound } from './bind.js';
import { bindContainer, refusalOf } from './bind.js';
import type { Result } from './results.js';
import { settle } from './results.js';

const PAGE = 1_000;

/** The bound container; undefined where the target refuses it: what was to be done there has ended then. */
export async function bindOrRefuse(
  slice: Slice,
  session: Target<unknown>,
  row: ContainerRow,
  todo: Todo,
): Promise<Bound | undefined> {
  try {
    return await bindContainer(slice, session, row);
  } catch (error) {
    const reason = refusalOf(slice, error);
    if (reason === undefined) throw error;
    await refuseContainer(slice, row, todo, reason);
    return undefined;
  }
}

/** What was to be done there ends, in the target's words; the next run tries again. */
export async function refuseContainer(slice: Slice, { id }: ContainerRow, todo: Todo, reason: string): Promise<void> {
  // What stands there may stand still: it only cannot be seen.
  const outcome = todo === 'verify' ? 'unsure' : 'refused';
  for (;;) {
    const items = await nextItems(slice.deps.ledger.pool, id, todo, undefined, PAGE);
    if (items.length === 0) return;
    await settle(
      slice,
      id,
      items.map(({ key }): Result => ({ key, todo: null, outcome, reason })),
    );
  }
}
