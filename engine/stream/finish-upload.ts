/** The last step of a large file: it is put in its place, and its item settled by what the target answers. */
import type { Conflicted, Upload, WriteAnswer } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import type { ItemRow } from '../../ledger/items.js';
import { countTries } from '../../ledger/items.js';
import { fenced } from '../../ledger/leases.js';
import type { UploadRow } from '../../ledger/uploads.js';
import { endUpload } from '../../ledger/uploads.js';
import type { WithPath } from '../carry/placing.js';
import { MAX_TRIES } from '../write/recover.js';
import type { Result } from '../write/results.js';
import { commit, reasonOf, refusal } from '../write/results.js';
import { takeAway } from './clear-uploads.js';
import type { Large } from './large.js';
import type { UploadResolution } from './resolve-upload.js';
import { resolveUpload } from './resolve-upload.js';
import { wholeDigestOf } from './send-parts.js';

/** Its intent is the upload's digest, committed before: a last step whose answer was lost is asked for again. */
export async function finish(
  large: Large,
  placed: WithPath,
  row: UploadRow,
  upload: Upload,
  digest: string,
): Promise<void> {
  const { slice, bound, uploads, stop, op } = large;
  const { item } = placed;
  let resolution: UploadResolution = {
    to: 'again',
    version: op === 'update' ? (item.targetVersion ?? undefined) : undefined,
  };
  for (let round = 1; resolution.to === 'again'; round++) {
    slice.assertHeld();
    const answer = await put(large, item, row, uploads.finish(bound.target, upload, resolution.version, stop));
    if (answer === undefined) return;
    if (!('conflicted' in answer)) return settleFinished(large, placed, row, digest, answer, resolution.reason);
    resolution = await resolveUpload(large, placed, digest, answer.ref ?? row.path, round);
  }
  await forget(large, row);
  const { result, reason } = resolution;
  if (result.outcome !== 'verified') return settleAs(large, result, reason);
  // It may have been edited since its parts were sent.
  const edited = row.version !== item.version;
  await settleAs(large, edited ? { ...result, todo: 'update', outcome: 'arrived' } : result, undefined);
}

/**
 * The parts vanished (an expired upload, a cleaned folder): the file is sent anew, by the next slice. Where that happens
 * again and again (something in the target that takes away what it dislikes) it would be sent for ever: a try is counted.
 */
async function put(
  large: Large,
  { key, tries }: ItemRow,
  row: UploadRow,
  finishing: Promise<WriteAnswer>,
): Promise<WriteAnswer | undefined> {
  try {
    return await finishing;
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'not-found') throw error;
    const { deps, lease } = large.slice;
    await fenced(deps.ledger, lease, async (sql) => {
      await endUpload(sql, row.id);
      await countTries(sql, row.container, [key]);
    });
    if (tries + 1 < MAX_TRIES) return undefined;
    const reason = `quarantined: ${MAX_TRIES} times its parts were gone before it was in its place: ${error.message}; look for what removes them in the target, e.g. a virus scanner, then retry`;
    await settleAs(large, { key, todo: null, outcome: 'quarantined', reason }, undefined);
    return undefined;
  }
}

/** It arrived, or the target refuses it for good: then its parts are taken away. */
async function settleFinished(
  large: Large,
  { item, notes }: WithPath,
  row: UploadRow,
  digest: string,
  answer: Exclude<WriteAnswer, Conflicted>,
  reason: string | undefined,
): Promise<void> {
  const { slice, bound, op } = large;
  if ('refused' in answer) {
    await forget(large, row);
    return settleAs(large, { ...refusal(answer), key: item.key }, undefined);
  }
  const sha256 = await wholeDigestOf(row);
  const result: Result = {
    key: item.key,
    // It may have been edited since its parts were sent.
    todo: row.version === item.version ? 'verify' : 'update',
    outcome: 'arrived',
    digest,
    ref: answer.ref ?? row.path,
    version: answer.version ?? '',
    made: op === 'create' ? 'created' : 'updated',
    base: { ...(answer.meta ?? item.meta), ...(sha256 !== undefined && { sha256 }) },
    ...reasonOf([...notes, ...(answer.notes ?? [])]),
    ...(reason ? { said: { what: 'conflict', reason } } : op === 'update' && { said: { what: 'updated' } }),
  };
  // Its bytes were counted as they were sent.
  await commit(slice, { container: bound.id, bound }, [result], async (sql) => {
    await endUpload(sql, row.id);
  });
}

/** Nothing of ours was put there. */
export async function settleAs(
  { slice, bound }: Pick<Large, 'slice' | 'bound'>,
  result: Result,
  reason: string | undefined,
): Promise<void> {
  const said = reason === undefined ? {} : { said: { what: 'conflict', reason } };
  await commit(slice, { container: bound.id, bound }, [{ ...result, ...said }]);
}

/** Takes an upload out of the target, then out of the ledger. */
export async function forget({ slice, bound, uploads, stop }: Large, row: UploadRow): Promise<void> {
  await takeAway(slice, uploads, bound.target, row, stop);
}

export function asUpload({ token, path, bytes, partBytes, meta }: UploadRow): Upload {
  return { token, path, bytes, partBytes, meta };
}
