/** A tree on disk as a target. Files appear whole, under names that were free, and never outside of the folder. */
import { mkdir, statfs } from 'node:fs/promises';
import { Closing } from '../closing.js';
import type { Located, Target, TargetContainer, TargetRef } from '../contract.js';
import { Fault } from '../errors.js';
import type { FileBody } from '../files.js';
import { onFiles, provenPath } from '../local-files.js';
import { walkTree } from '../tree-walk.js';
import { copyAt, statsAt } from './copies.js';
import { childrenOf, placeOf, ROOT, rootOf } from './tree.js';
import { createUploads } from './uploads.js';
import { applyWrite } from './write.js';

const LANES = 4;

export interface FolderTarget {
  readonly path: string;
  readonly lanes?: number | undefined;
}

export function createFolderTarget({ path, lanes = LANES }: FolderTarget): Target<FileBody> {
  const closing = new Closing('folder');

  async function root(signal: AbortSignal): Promise<string> {
    closing.check(signal);
    return provenPath(path);
  }

  async function copy(at: string, ref: string, signal: AbortSignal): Promise<TargetRef | undefined> {
    return onFiles(`reading ${ref}`, () => copyAt(at, ref, () => closing.check(signal)));
  }

  return {
    // What was written is there at once, or never.
    quietMs: 0,
    lanes,
    // What Linux keeps; a mounted file system that keeps less refuses the file itself.
    names: { nameBytes: 255, pathBytes: 4_000 },
    uploads: createUploads(root),
    async place(signal) {
      closing.check(signal);
      return placeOf(path);
    },
    async describe(signal) {
      return [{ name: 'folder', value: await root(signal) }];
    },
    close: () => closing.close(),
    async ensure(_wanted, signal) {
      const at = await root(signal);
      const made = await onFiles(`making ${path}`, () => mkdir(at, { recursive: true }));
      return container(made !== undefined);
    },
    async find(_wanted, signal) {
      closing.check(signal);
      try {
        await rootOf(path);
        return container(false);
      } catch (error) {
        if (error instanceof Fault && error.code === 'not-found') return undefined;
        throw error;
      }
    },
    anchor: async () => '',
    async *write(_container, writes, signal) {
      const at = await root(signal);
      for (const write of writes) {
        closing.check(signal);
        yield await applyWrite(at, write);
      }
    },
    async *locate(_container, intents, _anchor, _known, signal): AsyncIterable<Located> {
      const at = await root(signal);
      for (const { token, digest, path: ref } of intents) {
        const there = ref === undefined ? undefined : await copy(at, ref, signal);
        if (there?.digest !== digest) yield { token, found: 'absent' };
        else yield { token, found: 'landed', ref: there.ref, meta: there.meta, version: there.version as string };
      }
    },
    async *scan(_container, skip, signal) {
      const at = await root(signal);
      for await (const page of walkTree((folder) => childrenOf(at, folder, 'keep'), undefined)) {
        const entries: TargetRef[] = [];
        for (const { key } of page.entries) {
          const there = skip(key) ? undefined : await copy(at, key, signal);
          if (there) entries.push(there);
        }
        yield { entries };
      }
    },
    async *readBack(_container, refs, signal) {
      const at = await root(signal);
      for (const ref of refs) {
        const there = await copy(at, ref, signal);
        if (there) yield there;
      }
    },
    async *sizes(_container, refs, signal) {
      const at = await root(signal);
      for (const ref of refs) {
        closing.check(signal);
        const there = await onFiles(`looking at ${ref}`, () => statsAt(at, ref));
        if (there) yield { ref, bytes: there.bytes, version: there.version };
      }
    },
    async room(signal) {
      const { bavail, bsize } = await onFiles(`looking at ${path}`, async () => statfs(await root(signal)));
      return bavail * bsize;
    },
  };
}

function container(created: boolean): TargetContainer {
  return { key: ROOT.key, path: ROOT.path, validity: ROOT.validity, created, items: 0 };
}
