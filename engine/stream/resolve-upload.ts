/** What becomes of a large file whose place in the target is taken: its parts are all there, and wait. */
import type { TargetRef } from '../../connectors/contract.js';
import { digestStream } from '../../connectors/kinds/file-digest.js';
import type { FileMeta } from '../../connectors/kinds/files.js';
import { emptyBody } from '../../connectors/kinds/files.js';
import type { WithPath } from '../carry/placing.js';
import { resolveConflict } from '../decide/conflict.js';
import { keepAside } from '../write/keep.js';
import type { Result } from '../write/results.js';
import { reasonOf } from '../write/results.js';
import { HIDDEN, unshown } from '../write/shown.js';
import { content } from './content.js';
import type { Large } from './large.js';

export type UploadResolution =
  /** It is to be put there again: over this version, or where nothing stands any more. */
  | { readonly to: 'again'; readonly version?: string | undefined; readonly reason?: string | undefined }
  | { readonly to: 'end'; readonly result: Result; readonly reason?: string | undefined };

/** A copy that changes so often while it is being replaced is left to its writer. */
const ROUNDS = 3;

/** What stands at `ref` is read: it says the same after all, or the spec's `onConflict` decides. */
export async function resolveUpload(
  large: Large,
  placed: WithPath,
  digest: string,
  ref: string,
  round: number,
): Promise<UploadResolution> {
  return resolveWith(large, placed, digest, ref, await copyAt(large, ref), round);
}

async function copyAt({ pair, bound, stop }: Large, ref: string): Promise<TargetRef | undefined> {
  let copy: TargetRef | undefined;
  for await (const one of pair.target.readBack(bound.target, [ref], stop)) copy = one;
  return copy;
}

/**
 * Before anything is sent: whether it is settled by what stands there already, because the spec lets that stay. Without
 * this a conflict that nobody settles would be sent in every run. Content is read only where the sizes are the same.
 */
export async function settledByWhatStands(large: Large, placed: WithPath): Promise<UploadResolution | undefined> {
  const { slice, op } = large;
  const { item, path } = placed;
  if (!STAYS.has(slice.selection.onConflict ?? 'skip')) return undefined;
  const found = await existing(large, path);
  const { there } = found;
  if (!there) {
    // Taken away since, or of another type: nothing that is sent could be put there.
    if (op === 'create' && !found.folder) return undefined;
    const resolution = await resolveWith(large, placed, UNREAD, path, undefined, 1);
    return resolution.to === 'end' ? resolution : undefined;
  }
  if (op === 'update' && item.outcome !== 'conflict' && there.version === item.targetVersion) return undefined;
  const alike = there.bytes === item.bytes;
  const digest = alike ? (await digestStream(content(large, item, 0, item.bytes))).digest : UNREAD;
  const copy = alike || op === 'update' ? await copyAt(large, path) : { ref: path, digest: '', meta: {}, ...there };
  const resolution = await resolveWith(large, placed, digest, path, copy, 1);
  return resolution.to === 'end' ? resolution : undefined;
}

interface Existing {
  readonly there: { readonly bytes: number; readonly version?: string } | undefined;
  readonly folder: boolean;
}

async function existing({ pair, bound, stop }: Large, path: string): Promise<Existing> {
  let there: Existing['there'];
  let folder = false;
  for await (const one of pair.target.sizes?.(bound.target, [path, `${path}/`], stop) ?? []) {
    if (one.ref === path) there = one;
    else folder = true;
  }
  return { there, folder };
}

/** Policies that leave what stands in the target. */
const STAYS: ReadonlySet<string> = new Set(['skip', 'target']);
/** No content has it. */
const UNREAD = 'unread';

async function resolveWith(
  { slice, pair, bound }: Large,
  { item, notes, path }: WithPath,
  digest: string,
  ref: string,
  copy: TargetRef | undefined,
  round: number,
): Promise<UploadResolution> {
  const { key } = item;
  const body = emptyBody(item.meta as FileMeta, path);
  const entry = { item, body, bytes: item.bytes, digest, notes, identities: [], path };
  const resolution = resolveConflict(slice, { entry, ref, by: item.targetRef === null ? 'path' : 'version' }, copy);
  if (round > ROUNDS && resolution.to !== 'take') {
    const reason = 'the copy in the target changed each time it was to be replaced; it was left as it is';
    return { to: 'end', result: { key, todo: null, outcome: 'conflict', reason } };
  }
  switch (resolution.to) {
    case 'take': {
      const result: Result = {
        key,
        todo: null,
        outcome: 'verified',
        proof: 'readback',
        digest,
        ref,
        version: copy?.version ?? '',
        bytes: item.bytes,
        base: item.meta,
        made: item.targetRef === null ? 'adopted' : 'updated',
        ...reasonOf(notes),
      };
      const hidden = await unshown(slice, pair.target, bound.target, [ref]);
      return { to: 'end', result: hidden.size > 0 ? { ...result, outcome: 'missing', reason: HIDDEN } : result };
    }
    case 'create':
      return { to: 'again', reason: resolution.reason };
    case 'replace':
      return { to: 'again', version: copy?.version, reason: resolution.reason };
    case 'keep-both':
      await keepAside(slice, bound, pair.target, copy as TargetRef);
      return { to: 'again', reason: resolution.reason };
    case 'yield': {
      const result: Result = { key, todo: null, outcome: 'skipped', reason: resolution.reason };
      return { to: 'end', result, reason: resolution.reason };
    }
    case 'leave': {
      const { outcome, reason } = resolution;
      return { to: 'end', result: { key, todo: null, outcome, reason } };
    }
    default:
      return resolution satisfies never;
  }
}
