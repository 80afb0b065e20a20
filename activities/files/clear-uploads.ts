/** Uploads that nobody goes on with are taken out of the target: their parts would fill it for ever. */
import { listContainers } from '../../ledger/containers.js';
import { fenced } from '../../ledger/leases.js';
import { abandonedUploads, endUpload } from '../../ledger/uploads.js';
import { bindContainer } from '../bind.js';
import type { Slice } from '../slice.js';

export async function clearUploads(slice: Slice): Promise<void> {
  const { deps, lease, pairing, signal, target } = slice;
  const abandoned = await abandonedUploads(deps.ledger.pool, pairing.id);
  if (abandoned.length === 0) return;
  const containers = new Map((await listContainers(deps.ledger, pairing.id)).map((row) => [row.id, row]));
  for (const { id, container, ...upload } of abandoned) {
    const row = containers.get(container);
    if (!row || !target.uploads) continue;
    const bound = await bindContainer(slice, target, row);
    slice.assertHeld();
    await target.uploads.abort(bound.target, upload, signal);
    await fenced(deps.ledger, lease, (sql) => endUpload(sql, id));
  }
}
