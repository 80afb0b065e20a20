/** Two migrations at once over the same accounts: what one of them wrote down, the other may take back. */
import { Fault } from '../../connectors/errors.js';
import { isVoided } from '../../ledger/surveys.js';
import type { Slice } from '../slice/slice.js';

/** Throws when what this run's survey wrote down does not stand any more: `done` would be said of less than the spec covers. */
export async function refuseVoided(slice: Pick<Slice, 'deps' | 'pairing' | 'unit' | 'run'>): Promise<void> {
  if (!(await isVoided(slice.deps.ledger, slice, slice.run))) return;
  throw new Fault(
    'spec',
    'another migration over the same accounts changed what is to move while this one ran; what it took back was not moved',
    { next: 'run them one after the other' },
  );
}
