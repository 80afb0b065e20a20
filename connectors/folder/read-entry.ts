/** One entry of a tree as an item of the contract, or why it cannot be had. */
import { access, constants, lstat, readlink } from 'node:fs/promises';
import type { Body, ItemRef, Refused } from '../contract.js';
import { Fault } from '../errors.js';
import type { FileBody } from '../kinds/files.js';
import { emptyBody, LARGE_BYTES, nameOf, refusalOfUnseen } from '../kinds/files.js';
import { errnoOf, ifThere } from '../local/local-files.js';
import { metaOf, typeOf } from './entry.js';
import type { HeldFolder } from './held-folder.js';
import { contentOf, openFile } from './opened-file.js';
import type { LinkPolicy } from './resolve.js';
import { isLostAndFound } from './walk.js';

/** A file that is being written is looked at so often. */
const TRIES = 3;

export interface EntryAt {
  readonly ref: ItemRef;
  /** The folder that holds it, and its name there: another than in its key behind a link that is followed. */
  readonly folder: HeldFolder;
  readonly name: string;
}

/** The entry as it is now, whole; throws errors of the file system that concern more than it. */
export async function readEntry(at: EntryAt, links: LinkPolicy): Promise<Body<FileBody> | Refused> {
  const hidden = refusalOfUnseen(at.ref);
  if (hidden) return hidden;
  try {
    for (let tries = 0; tries < TRIES; tries++) {
      const answer = await readOnce(at, links);
      if (answer) return answer;
    }
    return refused(at.ref, 'the file was changed again and again while it was read; the next run will read it');
  } catch (error) {
    return refusalOf(error, at.ref);
  }
}

/** Why one entry cannot be had; throws what concerns more than it. */
export function refusalOf(error: unknown, ref: ItemRef): Refused {
  const errno = errnoOf(error);
  if (errno === 'ENOENT' || errno === 'ENOTDIR') return goneFrom(ref);
  if (errno === 'ELOOP') return replaced(ref);
  if (errno === 'EACCES' || errno === 'EPERM')
    return refused(ref, `it cannot be read: ${errno}; give the worker’s user access to it`);
  if (errno !== undefined && OF_ONE[errno] !== undefined)
    return { ...refused(ref, `it cannot be read: ${errno}; ${OF_ONE[errno]}`), again: true };
  if (error instanceof Fault && error.code === 'refused')
    return refused(ref, `${error.message}; ${error.next ?? 'see the file'}`);
  throw error;
}

/** What a disk, or a share, says of single files while others can be read. */
const OF_ONE: Readonly<Record<string, string>> = {
  EIO: 'the disk or the share fails there: check it',
  EREMOTEIO: 'the disk or the share fails there: check it',
  ENODATA: 'the disk or the share fails there: check it',
  EUCLEAN: 'the file system is damaged there: check it',
  EBADMSG: 'the file system is damaged there: check it',
  EBUSY: 'another program holds it',
  EAGAIN: 'another program holds it',
  ETXTBSY: 'another program holds it',
};

/** Undefined when it changed meanwhile. */
async function readOnce(
  { ref, folder, name }: EntryAt,
  links: LinkPolicy,
): Promise<Body<FileBody> | Refused | undefined> {
  const path = folder.at(name);
  const stats = await ifThere(lstat(path, { bigint: true }));
  if (!stats) return goneFrom(ref);
  const type = typeOf(stats);
  const meta = type && metaOf(stats, type);
  if (!meta) return skipped(ref, 'a socket, pipe or device has no content that could be moved');
  if (type === 'folder' && links === 'follow' && !ref.key.endsWith('/')) return circle(ref);
  if ((type === 'folder') !== ref.key.endsWith('/')) return replaced(ref);
  const body = emptyBody(meta, ref.key);
  switch (type) {
    case 'folder':
      return (await isOpen(path)) ? { key: ref.key, body } : closed(ref);
    case 'link':
      if (links === 'skip') return skipped(ref, 'a symbolic link, and the spec says links: skip');
      if (links === 'follow') return circle(ref);
      return { key: ref.key, body: { ...body, bytes: await readlink(path, { encoding: 'buffer' }) } };
    case 'file':
      return readFile(ref, path, body);
    default:
      return type satisfies undefined;
  }
}

async function readFile(ref: ItemRef, path: string, body: FileBody): Promise<Body<FileBody> | Refused | undefined> {
  const file = await openFile(path);
  if (!file) return undefined;
  try {
    // What is held must stay bounded: a small file may have grown.
    if (file.bytes > Math.max(LARGE_BYTES, ref.bytes ?? 0))
      return refused(ref, 'the file has grown since it was listed; the next run will move it');
    const bytes = await contentOf(file);
    return bytes && { key: ref.key, body: { ...body, bytes } };
  } finally {
    await file.handle.close();
  }
}

async function isOpen(folder: string): Promise<boolean> {
  try {
    await access(folder, constants.R_OK | constants.X_OK);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EACCES') return false;
    throw error;
  }
}

function closed(ref: ItemRef): Refused {
  if (isLostAndFound(ref.key)) return skipped(ref, 'the file system keeps this folder for itself');
  return refused(ref, 'the folder cannot be read; give the worker’s user access to it');
}

export function goneFrom(ref: ItemRef): Refused {
  if (nameOf(ref.key).includes('\uFFFD'))
    return refused(
      ref,
      'its name is no UTF-8, and nothing of it can be moved; rename it (convmv does so for whole trees)',
    );
  return refused(ref, 'it is gone from the source; the next run will see that');
}

function circle(ref: ItemRef): Refused {
  return refused(ref, 'the link leads back to a folder above it; remove it');
}

/** Something else stands there now: it has another key, or another version. */
function replaced(ref: ItemRef): Refused {
  return refused(ref, 'something else stands in its place by now; the next run will see that');
}

function refused({ key }: ItemRef, reason: string): Refused {
  return { refused: key, reason };
}

function skipped({ key }: ItemRef, reason: string): Refused {
  return { refused: key, reason, skipped: true };
}
