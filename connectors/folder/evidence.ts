/** What stands in a tree, read without holding more than a block of it. */
import { readlink } from 'node:fs/promises';
import type { TargetRef } from '../contract.js';
import { Fault } from '../errors.js';
import { digestStream } from '../kinds/file-digest.js';
import type { FileMeta } from '../kinds/files.js';
import { digestFile, emptyBody, LARGE_BYTES, nameOf } from '../kinds/files.js';
import { errnoOf } from '../local/local-files.js';
import { metaOf, typeOf, versionOf } from './entry.js';
import { inFolders, parentOf } from './grouped.js';
import type { HeldFolder } from './held-folder.js';
import { holdFolder, partsOf } from './held-folder.js';
import { contentOf, openFile, rangeOf } from './opened-file.js';
import type { Spot } from './write-entry.js';
import { statsAt } from './write-entry.js';

const CHUNK = 64;
/** A file that is being written is read so often. */
const TRIES = 3;

export interface Standing {
  readonly ref: string;
  readonly bytes: number;
  readonly version: string;
  readonly meta: FileMeta;
}

interface Look {
  readonly root: string;
  readonly check: () => void;
}

/** What stands at each reference, in their order. What is not there, or something else, is left out. */
export async function* standings(look: Look, refs: readonly string[]): AsyncGenerator<Standing> {
  yield* eachAt(look, refs, standingAt);
}

/** The same with digests. */
export async function* copies(look: Look, refs: readonly string[]): AsyncGenerator<TargetRef> {
  yield* eachAt(look, refs, (spot) => copyAt(spot, look.check));
}

async function* eachAt<T>(
  { root, check }: Look,
  refs: readonly string[],
  at: (spot: Spot) => Promise<T | undefined>,
): AsyncGenerator<T> {
  for (let from = 0; from < refs.length; from += CHUNK) {
    check();
    const found = await inFolders(
      refs.slice(from, from + CHUNK),
      parentOf,
      (key) => holdKnown(root, key),
      async (ref, folder) => {
        check();
        return folder && isPlain(ref) ? at({ folder, name: nameOf(ref), ref }) : undefined;
      },
    );
    for (const one of found) if (one) yield one;
  }
}

/** Undefined also where the way leads elsewhere: nothing of ours stands there. */
async function holdKnown(root: string, key: string): Promise<HeldFolder | undefined> {
  try {
    return await holdFolder(root, key === '' ? [] : partsOf(key));
  } catch (error) {
    if (error instanceof Fault && error.code === 'refused') return undefined;
    throw error;
  }
}

function isPlain(ref: string): boolean {
  try {
    partsOf(ref);
    return true;
  } catch {
    return false;
  }
}

async function standingAt(spot: Spot): Promise<Standing | undefined> {
  const stats = await statsAt(spot);
  const type = stats && typeOf(stats);
  if (!type || (type === 'folder') !== spot.ref.endsWith('/')) return undefined;
  const bytes = type === 'folder' ? 0 : Number(stats.size);
  return { ref: spot.ref, bytes, version: versionOf(stats), meta: metaOf(stats, type) };
}

async function copyAt(spot: Spot, check: () => void): Promise<TargetRef | undefined> {
  for (let tries = 0; tries < TRIES; tries++) {
    const standing = await standingAt(spot);
    if (!standing) return undefined;
    const body = emptyBody(standing.meta, spot.ref);
    const path = spot.folder.at(spot.name);
    if (body.type === 'folder') return { ...standing, digest: digestFile(body), body };
    try {
      if (body.type === 'link') {
        const bytes = await readlink(path, { encoding: 'buffer' });
        return { ...standing, digest: digestFile({ ...body, bytes }), body: { ...body, bytes } };
      }
      const read = await readAt(path, check);
      if (read) return { ...standing, ...read, body };
    } catch (error) {
      // Something else was put there since: it is looked at again.
      const errno = errnoOf(error) ?? '';
      if (!['ENOENT', 'ELOOP', 'EINVAL'].includes(errno) && !isChange(error)) throw error;
    }
  }
  throw new Fault('unavailable', `${JSON.stringify(spot.ref)} is being written by another program`, {
    next: 'it is read again later',
  });
}

/** Undefined when it changed meanwhile. */
async function readAt(
  path: string,
  check: () => void,
): Promise<{ readonly digest: string; readonly bytes: number; readonly version: string } | undefined> {
  const file = await openFile(path);
  if (!file) return undefined;
  try {
    const { version, bytes } = file;
    if (bytes > LARGE_BYTES) {
      const { digest } = await digestStream(rangeOf(file, { from: 0, bytes }, path, check));
      return { digest, bytes, version };
    }
    const content = await contentOf(file);
    return content && { digest: digestFile({ type: 'file', path, bytes: content }), bytes, version };
  } finally {
    await file.handle.close();
  }
}

function isChange(error: unknown): boolean {
  return error instanceof Fault && error.code === 'source-changed';
}
