/** Folders and collections that vanish from the source while it is read. */
import { Fault } from '../../connectors/errors.js';
import { markVanished } from '../../ledger/containers.js';
import { writeEvent } from '../../ledger/events.js';
import { fenced } from '../../ledger/leases.js';
import type { Slice } from '../slice/slice.js';

/**
 * Whether an error means that the container is no longer there: then its items are marked gone, as if it had not been
 * listed. False where the source still lists it, or the error is another.
 */
export async function markContainerGone(
  { deps, lease, input, run, pairing, source }: Slice,
  error: unknown,
  container: string,
  signal: AbortSignal,
): Promise<boolean> {
  if (!(error instanceof Fault) || error.code !== 'not-found') return false;
  const present: string[] = [];
  for await (const { key } of source.containers(signal)) present.push(key);
  if (present.includes(container)) return false;
  await fenced(deps.ledger, lease, (sql) => markVanished(sql, pairing.id, present, run));
  await writeEvent(
    deps.ledger.pool,
    input,
    'warn',
    'a folder or collection went away from the source while it was read',
  );
  return true;
}
