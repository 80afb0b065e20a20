/** Uploads that nobody goes on with are taken out of the target: their parts would fill it for ever. */
import type { TargetContainer, Uploads } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import { listContainers } from '../../ledger/containers.js';
import { writeEvent } from '../../ledger/events.js';
import { fenced } from '../../ledger/leases.js';
import type { UploadRow } from '../../ledger/uploads.js';
import { abandonedUploads, endUpload } from '../../ledger/uploads.js';
import { bindContainer } from '../bind.js';
import { onTarget } from '../sides.js';
import type { Slice } from '../slice.js';

export async function clearUploads(slice: Slice): Promise<void> {
  const { deps, pairing, signal, target } = slice;
  const abandoned = await abandonedUploads(deps.ledger.pool, pairing.id);
  if (abandoned.length === 0) return;
  const containers = new Map((await listContainers(deps.ledger, pairing.id)).map((row) => [row.id, row]));
  for (const upload of abandoned) {
    const row = containers.get(upload.container);
    if (!row || !target.uploads) continue;
    const bound = await bindContainer(slice, target, row);
    await takeAway(slice, target.uploads, bound.target, upload, signal);
  }
}

/**
 * Takes an upload out of the target, then out of the ledger. One that the target does not let go of (an account that may
 * not delete) stays there, and is told: it must not hold up the files that come after it.
 */
export async function takeAway(
  { deps, lease, input, assertHeld }: Pick<Slice, 'deps' | 'lease' | 'input' | 'assertHeld'>,
  uploads: Uploads,
  container: TargetContainer,
  { id, token, path, bytes, partBytes, meta }: UploadRow,
  signal: AbortSignal,
): Promise<void> {
  assertHeld();
  try {
    await onTarget(uploads.abort(container, { token, path, bytes, partBytes, meta }, signal));
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'refused') throw error;
    const reason = deps.redact(error.message);
    const message = 'the target does not let the parts of a large file be taken away; remove them there by hand';
    await writeEvent(deps.ledger.pool, input, 'warn', message, { upload: token, reason });
  }
  await fenced(deps.ledger, lease, (sql) => endUpload(sql, id));
}
