/** Uploads that nobody goes on with are taken out of the target: their parts would fill it for ever. */
import type { TargetContainer, TargetRef, Uploads } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import { listContainers } from '../../ledger/containers.js';
import { writeEvent } from '../../ledger/events.js';
import { itemsByKey } from '../../ledger/items.js';
import { fenced } from '../../ledger/leases.js';
import type { UploadRow } from '../../ledger/uploads.js';
import { abandonedUploads, endUpload } from '../../ledger/uploads.js';
import type { Slice } from '../slice/slice.js';
import type { Bound } from '../write/bind.js';
import { bindContainer } from '../write/bind.js';
import { readEach } from '../write/each-alone.js';
import { commit } from '../write/results.js';

export async function clearUploads(slice: Slice): Promise<void> {
  const { deps, pairing, signal, target } = slice;
  const abandoned = await abandonedUploads(deps.ledger.pool, pairing.id);
  if (abandoned.length === 0) return;
  const containers = new Map((await listContainers(deps.ledger, pairing.id)).map((row) => [row.id, row]));
  for (const upload of abandoned) {
    const row = containers.get(upload.container);
    if (!row || !target.uploads) continue;
    const bound = await bindContainer(slice, target, row);
    if (upload.digest !== null) await settleLanded(slice, bound, upload, upload.digest);
    await takeAway(slice, target.uploads, bound.target, upload, signal);
  }
}

/** One that was being put in its place when its file left the source: what stands there may be ours. */
async function settleLanded(
  slice: Slice,
  bound: Bound,
  { key, path, bytes }: UploadRow,
  digest: string,
): Promise<void> {
  const { deps, target, signal } = slice;
  const [item] = await itemsByKey(deps.ledger.pool, bound.id, [key]);
  let alike = item !== undefined;
  for await (const there of target.sizes?.(bound.target, [path], signal) ?? []) alike &&= there.bytes === bytes;
  if (!alike) return;
  let copy: TargetRef | undefined;
  for await (const there of readEach(target, bound.target, [path], new Map(), signal)) copy = there;
  if (copy?.digest !== digest) return;
  const { version } = copy;
  await commit(slice, { container: bound.id, bound }, [
    { key, todo: 'verify', outcome: 'arrived', digest, ref: path, bytes, ...(version !== undefined && { version }) },
  ]);
}

/**
 * Takes an upload out of the target, then out of the ledger. One that the target does not let go of (an account that may
 * not delete) stays there, and is reported: it must not hold up the files that come after it.
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
    await uploads.abort(container, { token, path, bytes, partBytes, meta }, signal);
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'refused') throw error;
    const reason = deps.redact(error.message);
    const message = 'the target does not let the parts of a large file be taken away; remove them there by hand';
    await writeEvent(deps.ledger.pool, input, 'warn', message, { upload: token, reason });
  }
  await fenced(deps.ledger, lease, (sql) => endUpload(sql, id));
}
