/**
 * Large files: into a file of their own beside their place, then moved there. Servers that take a PUT with Content-Range
 * (RFC 9110, 14.5: Apache does, most refuse, some store the part as the whole) get them in parts.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Upload, Uploads, WriteAnswer } from '../contract.js';
import { Fault } from '../errors.js';
import { BLOCK_BYTES } from '../kinds/files.js';
import { MOST_SAID, whole } from '../wire/dav/answer-body.js';
import { isLocked, locked } from '../wire/webdav/answers.js';
import { entryAt } from '../wire/webdav/entries.js';
import { parentOf, partsName, requestPath } from '../wire/webdav/paths.js';
import type { Folders } from './folders.js';
import { intoPlace } from './into-place.js';
import { foundOnce, probePreconditions } from './preconditions.js';
import { failedPut } from './room.js';
import type { WebdavSession } from './session.js';
import { removeParts } from './staging.js';
import { dateHeader } from './versions.js';

const PART_BYTES = 8 * BLOCK_BYTES;

/** Whether a server takes parts, by its folder; found out once in a process. */
const takesParts = new Map<string, Promise<boolean>>();

export function createUploads(session: WebdavSession, folders: Folders): Uploads {
  const { http, root } = session;
  const placeOf = ({ path, token }: Upload): string => requestPath(root, parentOf(path) + partsName(token));

  return {
    anyOrder: false,
    async partBytes(bytes, signal) {
      if (bytes <= PART_BYTES) return bytes;
      return (await foundOnce(takesParts, http.origin + root, () => tryParts(session, signal))) ? PART_BYTES : bytes;
    },
    async begin(_container, { path }, signal) {
      session.check(signal);
      // What the last step rests on is found out before the first.
      await probePreconditions(http, root, signal);
      if (await folders.makeAbove(path, signal)) return;
      throw new Fault('conflict', `in the target a file stands where a folder above ${path} has to be`, {
        next: 'rename one of the two',
      });
    },
    async acknowledged(_container, upload, signal) {
      session.check(signal);
      const there = await entryAt(http, placeOf(upload), signal);
      const parts = new Set<number>();
      // They arrive one after the other: what ends below the size is there.
      for (let part = 0; there && part * upload.partBytes < upload.bytes; part++) {
        if (Math.min((part + 1) * upload.partBytes, upload.bytes) <= there.bytes) parts.add(part);
      }
      return parts;
    },
    async send(_container, upload, part, content, signal) {
      session.check(signal);
      const from = part * upload.partBytes;
      const bytes = Math.min(upload.partBytes, upload.bytes - from);
      const headers = {
        'content-type': 'application/octet-stream',
        'content-length': String(bytes),
        ...(bytes < upload.bytes
          ? { 'content-range': `bytes ${from}-${from + bytes - 1}/${upload.bytes}` }
          : dateHeader(upload.meta.modified)),
      };
      const request = { method: 'PUT', path: placeOf(upload), headers, body: content };
      const answer = await http.change(request, signal);
      if (answer.status === 404 || answer.status === 409) {
        // The folder went away, and what had arrived with it.
        folders.forget(upload.path);
        throw gone(upload.path);
      }
      if (answer.status >= 300) {
        const fault = await failedPut({ http, root }, request, answer, bytes, signal);
        // Of a file that is only taken as a whole a part is of no use, and stands in the way of others.
        if (bytes === upload.bytes) await removeParts(http, request.path, signal);
        throw fault;
      }
    },
    async finish(_container, upload, version, signal) {
      session.check(signal);
      const parts = placeOf(upload);
      // Somebody else's lock, unless the server may be at it itself.
      let foreign = true;
      for (let look = 0; ; look++) {
        const there = await entryAt(http, parts, signal);
        if (!there) return await landedAt(session, upload, version, signal);
        if (there.bytes !== upload.bytes) {
          // All of it was acknowledged: what is missing now nobody sends, unless the upload begins anew.
          if (look < LOOKS) {
            await wait(LOOK_MS * 2 ** look, undefined, { signal });
            continue;
          }
          await removeParts(http, parts, signal);
          throw new Fault('not-found', `of ${upload.path} the target holds ${there.bytes} of ${upload.bytes} bytes`, {
            next: 'it is sent anew',
          });
        }
        const answer = await intoPlace({ http, root, folders }, parts, upload, version, signal);
        if (!('doubt' in answer)) return answer;
        foreign &&= isLocked(answer.doubt);
        if (foreign && look === LOCKED_LOOKS) return locked(upload.token, answer.doubt);
        if (look === LOOKS) throw answer.doubt;
        await wait(LOOK_MS * 2 ** look, undefined, { signal });
      }
    },
    async abort(_container, upload, signal) {
      session.check(signal);
      await removeParts(http, placeOf(upload), signal);
    },
  };
}

/** How often, and how soon first, it is looked for when the answer to MOVE says nothing. */
const LOOKS = 5;
const LOOK_MS = 300;
const LOCKED_LOOKS = 2;

/** The parts are gone: it has landed where a file of that size stands in its place, and not the one it was to replace. */
async function landedAt(
  { http, root }: WebdavSession,
  { token, path, bytes }: Upload,
  version: string | undefined,
  signal: AbortSignal,
): Promise<WriteAnswer> {
  const there = await entryAt(http, requestPath(root, path), signal);
  if (!there || there.folder || there.bytes !== bytes || there.version === version) throw gone(path);
  return { token, ref: path, version: there.version };
}

function gone(path: string): Fault {
  return new Fault('not-found', `the parts of ${path} are gone from the target`, { next: 'it is sent anew' });
}

/** Sends two bytes in two parts, and looks what came of it. */
async function tryParts(session: WebdavSession, signal: AbortSignal): Promise<boolean> {
  const { http, root } = session;
  const path = requestPath(root, partsName(randomUUID()));
  const part = async (at: number): Promise<boolean> => {
    const headers = { 'content-range': `bytes ${at}-${at}/2` };
    const { status } = await http.change({ method: 'PUT', path, headers, body: Buffer.from(String(at)) }, signal);
    return status < 300;
  };
  try {
    if (!(await part(0)) || !(await part(1))) return false;
    const answer = await http.ask({ method: 'GET', path }, signal);
    return (await whole(answer.body, MOST_SAID))?.toString() === '01';
  } finally {
    await http.change({ method: 'DELETE', path }, signal);
  }
}
