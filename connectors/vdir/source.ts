/** A vdir, or export files, as a source. Only reads. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Body, Capability, Container, ItemRef, Page, Place, Refused, Source } from '../contract.js';
import { isAbove } from '../kinds/key-order.js';
import { kinds } from '../kinds/kinds.js';
import { Closing } from '../local/closing.js';
import type { VdirKind } from '../local/item-files.js';
import { atOnce, contentOf, suffixOf } from '../local/item-files.js';
import { accountsAt, errnoOf, onFiles, provenPath } from '../local/local-files.js';
import { Collections } from './collections.js';
import { ExportFile } from './exported.js';
import { fileProblem } from './well-formed.js';

const PAGE = 1_000;
const READ_AHEAD = 64;

export function createVdirSource(path: string, kind: VdirKind): Source<Buffer> {
  const closing = new Closing('vdir');
  const suffix = suffixOf(kind);
  let opened: { readonly root: string; readonly collections: Collections } | undefined;
  // One at a time: containers are read one after the other.
  let split: { readonly at: string; readonly file: ExportFile } | undefined;

  async function collectionsIn(signal: AbortSignal): Promise<Collections> {
    closing.check(signal);
    const root = await provenPath(path);
    if (opened?.root !== root) opened = { root, collections: new Collections(root, suffix) };
    return opened.collections;
  }

  async function exportFile(at: string): Promise<ExportFile> {
    if (split?.at === at) return split.file;
    await split?.file.close();
    split = { at, file: new ExportFile(at, suffix, kinds[kind]) };
    return split.file;
  }

  async function refsOf(container: Container, signal: AbortSignal): Promise<ItemRef[]> {
    const { form, at, files } = await (await collectionsIn(signal)).open(container.key);
    if (form === 'export') return (await exportFile(at)).refs(() => closing.check(signal));
    return (await files()).map(({ name, version, bytes }) => ({ key: name, version, bytes, rank: 0, meta: {} }));
  }

  async function readItem(folder: string, key: string): Promise<Body<Buffer> | Refused> {
    try {
      const body = await contentOf(folder, key);
      if (!body) return gone(key);
      const problem = await fileProblem(body, suffix);
      return problem === undefined ? { key, body } : { refused: key, reason: problem };
    } catch (error) {
      const errno = errnoOf(error);
      if (errno !== 'EACCES' && errno !== 'EPERM') throw error;
      return { refused: key, reason: `the file cannot be read: ${errno}; give the worker’s user access to it` };
    }
  }

  return {
    async place(signal) {
      closing.check(signal);
      return placeAt(path);
    },
    async describe(signal) {
      const found = await onFiles(`reading ${path}`, async () => (await collectionsIn(signal)).all(false));
      const files = found.filter((one) => one.form === 'export').length;
      const value = `${found.length - files} folders, ${files} export files`;
      const problem = `there are no ${suffix} files and no folders; check the path in the spec`;
      const links = await linksIn(await provenPath(path), suffix);
      return [
        { name: 'collections', value, ...(found.length === 0 && { problem }) },
        ...(links > 0 ? [{ name: 'left out', value: `${links} symbolic links, which are not followed` }] : []),
      ] satisfies Capability[];
    },
    async accounts(signal) {
      closing.check(signal);
      return accountsAt(path);
    },
    async *containers(signal): AsyncIterable<Container> {
      const found = await onFiles(`reading ${path}`, async () => (await collectionsIn(signal)).all(true));
      for (const { form: _, ...container } of found) yield container;
    },
    async *list(container, after, signal): AsyncIterable<Page<ItemRef>> {
      const refs = await onFiles(`listing ${container.path.join('/')}`, () => refsOf(container, signal));
      const from = after === undefined ? 0 : refs.findIndex((ref) => isAbove(ref.key, after));
      for (let at = from === -1 ? refs.length : from; at < refs.length; at += PAGE) {
        closing.check(signal);
        yield { entries: refs.slice(at, at + PAGE) };
      }
    },
    async *read(container, refs, signal): AsyncIterable<Body<Buffer> | Refused> {
      const doing = `reading ${container.path.join('/')}`;
      const { form, at } = await onFiles(doing, async () => (await collectionsIn(signal)).open(container.key));
      if (form === 'export') {
        const file = await exportFile(at);
        for (const { key } of refs) {
          closing.check(signal);
          const body = await file.read(key, () => closing.check(signal));
          if (typeof body === 'string') yield { refused: key, reason: body };
          else yield body ? { key, body } : gone(key);
        }
        return;
      }
      for (let next = 0; next < refs.length; next += READ_AHEAD) {
        closing.check(signal);
        const batch = refs.slice(next, next + READ_AHEAD);
        yield* await onFiles(doing, () => atOnce(batch, ({ key }) => readItem(at, key)));
      }
    },
    close() {
      closing.close();
      // Its file has no name any more: nothing is left behind, whatever closing it says.
      void split?.file.close();
    },
  };
}

function gone(key: string): Refused {
  return { refused: key, reason: 'the item is gone from the source; the next run will see that' };
}

export async function placeAt(path: string): Promise<Place> {
  return { proof: `vdir:${await provenPath(path)}`, system: 'vdir:' };
}

/** Links where items and folders are looked for. */
async function linksIn(root: string, suffix: string): Promise<number> {
  let links = 0;
  const look = async (folder: string, deep: boolean): Promise<void> => {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      if (entry.name.startsWith('.')) continue;
      if (entry.isSymbolicLink() && (deep || entry.name.toLowerCase().endsWith(suffix))) links++;
      if (entry.isDirectory() && deep) await look(join(folder, entry.name), false);
    }
  };
  await onFiles(`reading ${root}`, () => look(root, true)).catch((error: unknown) => {
    // An export file is not a folder.
    if (errnoOf((error as Error).cause) !== 'ENOTDIR') throw error;
  });
  return links;
}
