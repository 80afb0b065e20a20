/** What stands in a target's tree, looked at without following links. */
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { lstat, open, readlink } from 'node:fs/promises';
import type { TargetRef } from '../contract.js';
import { digestStream } from '../file-digest.js';
import type { FileMeta } from '../files.js';
import { digestFile, emptyBody } from '../files.js';
import { errnoOf, ifThere, inside } from '../local-files.js';
import { metaOf, versionOf } from './tree.js';

/** Where a path of the tree is. Throws `Fault('refused')` for what would lead out of the root. */
export function locationOf(root: string, ref: string): Promise<string> {
  return inside(root, ref.replace(/\/$/, '').split('/'));
}

export interface Standing {
  readonly at: string;
  readonly bytes: number;
  readonly version: string;
  readonly meta: FileMeta;
}

/** Undefined when nothing stands there, or something of another type than the reference says. */
export async function statsAt(root: string, ref: string): Promise<Standing | undefined> {
  const parent = ref.replace(/\/$/, '').split('/');
  const name = parent.pop() as string;
  const folder = parent.length > 0 ? await inside(root, parent) : root;
  const at = `${folder}/${name}`;
  const stats = await lstat(at, { bigint: true }).catch((error) => {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  });
  if (!stats || stats.isDirectory() !== ref.endsWith('/')) return undefined;
  const type = stats.isDirectory() ? 'folder' : stats.isSymbolicLink() ? 'link' : 'file';
  return {
    at,
    bytes: type === 'file' ? Number(stats.size) : 0,
    version: type === 'folder' ? '' : versionOf(stats),
    meta: metaOf(stats, type),
  };
}

/** The digest and the rest of what stands there; content streams. */
export async function copyAt(root: string, ref: string, check: () => void): Promise<TargetRef | undefined> {
  const standing = await statsAt(root, ref);
  if (!standing) return undefined;
  const { at, meta, version } = standing;
  const body = emptyBody(meta, ref);
  if (meta.type === 'folder') return { ref, digest: digestFile(body), bytes: 0, meta, version, body };
  if (meta.type === 'link') {
    const bytes = Buffer.from(await readlink(at));
    return { ref, digest: digestFile({ ...body, bytes }), bytes: 0, meta, version, body: { ...body, bytes } };
  }
  const file = await ifThere(open(at, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW));
  if (!file) return undefined;
  try {
    const { digest, bytes } = await digestStream(chunksOf(file, check));
    return { ref, digest, bytes, meta, version, body };
  } finally {
    await file.close();
  }
}

const CHUNK_BYTES = 256 * 1024;

async function* chunksOf(file: FileHandle, check: () => void): AsyncGenerator<Uint8Array> {
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  for (;;) {
    check();
    const { bytesRead } = await file.read(chunk, 0, chunk.length, null);
    if (bytesRead === 0) return;
    yield chunk.subarray(0, bytesRead);
  }
}
