/** A folder as a source. Only reads, and never outside of it. */
import { readdir } from 'node:fs/promises';
import type { Body, Capability, Container, ItemRef, Page, Place, Range, Refused } from '../contract.js';
import { Fault } from '../errors.js';
import type { FileBody, FileSource } from '../kinds/files.js';
import { nameOf, refusalOfUnseen } from '../kinds/files.js';
import { Closing } from '../local/closing.js';
import { atOnce } from '../local/item-files.js';
import { accountsAt, errnoOf, faultOf, onFiles, provenPath } from '../local/local-files.js';
import { Barred, inFolders, parentOf } from './grouped.js';
import type { HeldFolder } from './held-folder.js';
import { holdFolder, partsOf, STAGING } from './held-folder.js';
import { changed, openFile, rangeOf } from './opened-file.js';
import { goneFrom, readEntry, refusalOf } from './read-entry.js';
import type { LinkPolicy } from './resolve.js';
import { resolve } from './resolve.js';
import { forbidden, walk } from './walk.js';

const READ_AHEAD = 64;
const READ_AHEAD_BYTES = 16 * 1024 * 1024;

export const CONTAINER_KEY = '/';
/** Paths stay what they are while the folder lives. */
export const VALIDITY = '1';

export function createFolderSource(path: string, links: LinkPolicy): FileSource {
  const closing = new Closing('folder');

  /** Where an entry is, and its name there. Undefined where there is none. */
  async function placeOf(
    root: string,
    key: string,
  ): Promise<{ folder: HeldFolder; name: string } | Refused | undefined> {
    let parts = partsOf(key);
    if (links === 'follow') {
      const found = await resolve(root, parts);
      if (found && 'problem' in found) return { refused: key, reason: found.problem };
      // A link to the root itself leads back: it is shown as a link, in its own place.
      if (found && found.parts.length > 0) parts = [...found.parts];
    }
    const folder = await holdFolder(root, parts.slice(0, -1));
    return folder && { folder, name: parts.at(-1) as string };
  }

  async function readFollowed(root: string, ref: ItemRef): Promise<Body<FileBody> | Refused> {
    const hidden = refusalOfUnseen(ref);
    if (hidden) return hidden;
    let at: Awaited<ReturnType<typeof placeOf>>;
    try {
      at = await placeOf(root, ref.key);
    } catch (error) {
      return refusalOf(error, ref);
    }
    if (!at) return goneFrom(ref);
    if ('refused' in at) return at;
    try {
      return await readEntry({ ref, ...at }, links);
    } finally {
      await at.folder.close();
    }
  }

  async function readChunk(root: string, refs: readonly ItemRef[]): Promise<(Body<FileBody> | Refused)[]> {
    if (links === 'follow') return atOnce(refs, (ref) => readFollowed(root, ref));
    return inFolders(
      refs,
      (ref) => parentOf(ref.key),
      (folder) => holdFolder(root, folder === '' ? [] : partsOf(folder)).catch((error: unknown) => new Barred(error)),
      async (ref, folder) => {
        if (folder instanceof Barred) return refusalOf(folder.error, ref);
        return folder ? readEntry({ ref, folder, name: nameOf(ref.key) }, links) : goneFrom(ref);
      },
    );
  }

  return {
    async place(signal) {
      closing.check(signal);
      return placeAt(path);
    },
    async describe(signal) {
      closing.check(signal);
      const root = await provenPath(path);
      const names = await onFiles(`reading ${path}`, () => readdir(root));
      const entries = names.filter((name) => name !== STAGING).length;
      const problem = 'the folder is empty; check the path in the spec, and whether the share is mounted';
      return [
        { name: 'entries', value: String(entries), ...(entries === 0 && { problem }) },
        { name: 'links', value: links },
      ] satisfies Capability[];
    },
    async accounts(signal) {
      closing.check(signal);
      return accountsAt(path);
    },
    async *containers(signal): AsyncIterable<Container> {
      closing.check(signal);
      const root = await provenPath(path);
      const folder = await onFiles(`opening ${path}`, () => holdFolder(root, []));
      if (!folder) throw new Fault('not-found', `${path} is not a folder`, { next: 'check the path in the spec' });
      await folder.close();
      yield { key: CONTAINER_KEY, path: [], validity: VALIDITY };
    },
    async *list(_container, after, signal, opens): AsyncIterable<Page<ItemRef>> {
      closing.check(signal);
      yield* walk({ root: await provenPath(path), links, opens, check: () => closing.check(signal) }, after);
    },
    async *read(_container, refs, signal): AsyncIterable<Body<FileBody> | Refused> {
      const root = await provenPath(path);
      for (const chunk of chunks(refs)) {
        closing.check(signal);
        yield* await onFiles(`reading ${path}`, () => readChunk(root, chunk));
      }
      closing.check(signal);
    },
    async *open(_container, ref: ItemRef, range: Range, signal): AsyncIterable<Uint8Array> {
      closing.check(signal);
      const hidden = refusalOfUnseen(ref);
      if (hidden) throw new Fault('refused', hidden.reason);
      const root = await provenPath(path);
      const doing = `reading ${JSON.stringify(ref.key)}`;
      const file = await onFiles(doing, async () => {
        const at = await placeOf(root, ref.key);
        if (!at || 'refused' in at) throw gone(ref.key, at?.reason);
        try {
          return await openFile(at.folder.at(at.name));
        } catch (error) {
          if (errnoOf(error) === 'ELOOP') throw changed(ref.key);
          throw forbidden(error) ? closedFile(ref.key) : error;
        } finally {
          await at.folder.close();
        }
      });
      if (!file) throw changed(ref.key);
      try {
        if (file.version !== ref.version) throw changed(ref.key);
        yield* rangeOf(file, range, ref.key, () => closing.check(signal));
      } catch (error) {
        throw faultOf(error, doing);
      } finally {
        await file.handle.close();
      }
    },
    close: () => closing.close(),
  };
}

/** That concerns this file, and not the account. */
function closedFile(key: string): Fault {
  return new Fault('refused', `${JSON.stringify(key)} cannot be read`, { next: 'give the worker’s user access to it' });
}

function gone(key: string, reason = 'the next run will see that'): Fault {
  return new Fault('not-found', `${JSON.stringify(key)} is gone from the source`, { next: reason });
}

/** In parts that may be held at once. */
function* chunks(refs: readonly ItemRef[]): Generator<readonly ItemRef[]> {
  let chunk: ItemRef[] = [];
  let bytes = 0;
  for (const ref of refs) {
    if (chunk.length === READ_AHEAD || (chunk.length > 0 && bytes + (ref.bytes ?? 0) > READ_AHEAD_BYTES)) {
      yield chunk;
      chunk = [];
      bytes = 0;
    }
    chunk.push(ref);
    bytes += ref.bytes ?? 0;
  }
  if (chunk.length > 0) yield chunk;
}

/** By the path alone: a share that is mounted at the same place on several workers is one place, whatever they are called. */
export async function placeAt(path: string): Promise<Place> {
  return { proof: `folder:${await provenPath(path)}`, system: 'folder:' };
}
