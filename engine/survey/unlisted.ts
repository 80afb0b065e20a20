/** Folders, calendars and address books that the source does not show, or not as a whole: the others go on. */
import { Fault } from '../../connectors/errors.js';
import type { ContainerRow } from '../../ledger/containers.js';
import { writeEvent } from '../../ledger/events.js';
import { fenced } from '../../ledger/leases.js';
import { finishSurvey } from '../../ledger/surveys.js';
import { countListing, noteUnlisted, restoreUnlisted } from '../../ledger/unlisted.js';
import type { Slice } from '../slice/slice.js';
import { noteTrouble } from '../slice/tally.js';

/** So often a container may fail to be listed, its neighbours before it, until it is left to the next run. */
const LISTINGS = 3;

/**
 * Why the container is left as it is; undefined where that is not its own fault, or where it is tried again. A refusal is
 * final. What may pass is tried again, as long as all that fails is this container.
 */
export async function unlistedFor(
  { deps, lease, run, signal }: Slice,
  error: unknown,
  row: ContainerRow,
): Promise<string | undefined> {
  if (!(error instanceof Fault) || error.side === 'target' || signal.aborted) return undefined;
  if (error.code === 'refused') return error.message;
  if (error.code !== 'unavailable') return undefined;
  const tries = await fenced(deps.ledger, lease, (sql) => countListing(sql, row.id, run));
  return tries < LISTINGS ? undefined : `it could not be listed ${tries} times: ${error.message}`;
}

/** What was listed of it moves; nothing of it counts as gone; and it is a failure that is told. */
export async function leaveUnlisted(slice: Slice, row: ContainerRow, filter: string, words: string): Promise<void> {
  const { deps, lease, run, input, tally } = slice;
  const reason = deps.redact(words);
  await fenced(deps.ledger, lease, async (sql) => {
    await restoreUnlisted(sql, row.id, run);
    await noteUnlisted(sql, row.id, { by: 'source', reason, run });
    await finishSurvey(sql, row.id, slice, { token: null, filter }, run);
  });
  await writeEvent(deps.ledger.pool, input, 'warn', 'the source does not show a folder, or not as a whole', {
    container: row.id,
    reason,
  });
  tally.items++;
  noteTrouble(tally, reason);
}
