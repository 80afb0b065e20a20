/** A folder of the target that cannot be had costs what belongs into it, and nothing else. */
import type { ContainerRow } from '../../ledger/containers.js';
import type { Todo } from '../../ledger/items.js';
import { nextItems } from '../../ledger/items.js';
import type { Slice } from '../slice.js';
import type { Result } from './results.js';
import { settle } from './results.js';

const PAGE = 1_000;

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
