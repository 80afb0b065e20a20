/** A folder as a target. Entries appear whole, under names that were free, and never outside of it. */
import { lstat, mkdir, readdir } from 'node:fs/promises';
import type { Located, TargetContainer, TargetRef, Wanted, WriteAnswer } from '../contract.js';
import { Fault } from '../errors.js';
import type { FileTarget } from '../kinds/files.js';
import { unknownRefs } from '../kinds/unknown-refs.js';
import { Closing } from '../local/closing.js';
import { faultOf, identityOf, ifThere, onFiles, provenPath, roomOnDisk, writableFolder } from '../local/local-files.js';
import { copies, standings } from './evidence.js';
import { STAGING } from './held-folder.js';
import { namesAt } from './names.js';
import { CONTAINER_KEY, placeAt, VALIDITY } from './source.js';
import { removeStale } from './staging.js';
import { createUploads } from './uploads.js';
import { walk } from './walk.js';
import { applied } from './writer.js';

export interface FolderTarget {
  readonly path: string;
  /** More of them wait for the disk at once. */
  readonly lanes?: number;
  readonly now?: () => number;
}

const LANES = 2;

export function createFolderTarget({ path, lanes = LANES, now = Date.now }: FolderTarget): FileTarget {
  const closing = new Closing('folder');

  async function rootOf(signal: AbortSignal): Promise<string> {
    closing.check(signal);
    return onFiles(`opening ${path}`, () => provenPath(path));
  }

  async function look(signal: AbortSignal) {
    return { root: await rootOf(signal), check: () => closing.check(signal) };
  }

  async function find(wanted: Wanted, signal: AbortSignal): Promise<TargetContainer | undefined> {
    checkWanted(wanted);
    const root = await rootOf(signal);
    const stats = await ifThere(lstat(root));
    if (!stats) return undefined;
    if (!stats.isDirectory())
      throw new Fault('spec', `${path} is not a folder, and a target must be one`, {
        next: 'name the folder in the spec',
      });
    const items = (await readdir(root)).filter((name) => name !== STAGING).length;
    return { key: CONTAINER_KEY, path: [], validity: VALIDITY, created: false, items };
  }

  return {
    // What was written is there at once, or never.
    quietMs: 0,
    lanes,
    get names() {
      return namesAt(path);
    },
    uploads: createUploads({ root: rootOf, check: (signal) => closing.check(signal) }),
    async place(signal) {
      closing.check(signal);
      return placeAt(path);
    },
    async describe(signal) {
      closing.check(signal);
      return writableFolder(path);
    },
    async root(signal) {
      closing.check(signal);
      return onFiles(`opening ${path}`, () => identityOf(path));
    },
    find: (wanted, signal) => onFiles(`opening ${path}`, () => find(wanted, signal)),
    async ensure(wanted, signal) {
      closing.check(signal);
      return onFiles(`opening ${path}`, async () => {
        const there = await find(wanted, signal);
        const root = await rootOf(signal);
        const made = there ? undefined : await mkdir(root, { recursive: true });
        await removeStale(root, now());
        return there ?? { key: CONTAINER_KEY, path: [], validity: VALIDITY, created: made !== undefined, items: 0 };
      });
    },
    // Paths find a write wherever it landed; there is nothing to remember.
    async anchor(_container, signal) {
      closing.check(signal);
      return '';
    },
    async *write(_container, writes, signal): AsyncIterable<WriteAnswer> {
      yield* applied(await look(signal), writes);
    },
    async *locate(_container, intents, _anchor, known, signal): AsyncIterable<Located> {
      const paths = await unknownRefs(
        intents.flatMap(({ path: one }) => one ?? []),
        known,
      );
      const found = new Map<string, TargetRef>();
      for await (const copy of copiesAt(paths, signal)) found.set(copy.ref, copy);
      for (const { token, digest, path: one = '' } of intents) {
        const copy = found.get(one);
        if (!copy || (copy.digest !== digest && !one.endsWith('/'))) yield { token, found: 'absent' };
        else yield { token, found: 'landed', ref: one, meta: copy.meta, version: copy.version ?? '' };
      }
    },
    async *scan(_container, known, signal) {
      const { root, check } = await look(signal);
      for await (const page of walk({ root, links: 'keep', check }, undefined)) {
        const entries: TargetRef[] = [];
        const wanted = await unknownRefs(
          page.entries.map(({ key }) => key),
          known,
        );
        for await (const copy of copiesAt(wanted, signal)) entries.push(copy);
        yield { entries };
      }
    },
    readBack: (_container, refs, signal) => copiesAt(refs, signal),
    async *sizes(_container, refs, signal) {
      try {
        for await (const { meta: _, ...standing } of standings(await look(signal), refs)) yield standing;
      } catch (error) {
        throw faultOf(error, `looking at ${path}`);
      }
    },
    async room(signal) {
      closing.check(signal);
      return roomOnDisk(path);
    },
    close: () => closing.close(),
  };

  async function* copiesAt(refs: readonly string[], signal: AbortSignal): AsyncGenerator<TargetRef> {
    try {
      yield* copies(await look(signal), refs);
    } catch (error) {
      throw faultOf(error, `reading ${path}`);
    }
  }
}

/** A folder of the file system is a whole tree: parts of it are targets of their own. */
function checkWanted({ path }: Wanted): void {
  if (path.length === 0) return;
  throw new Fault('spec', `a folder target has one container, its root, and not ${JSON.stringify(path.join('/'))}`, {
    next: 'name that folder as the path of the target',
  });
}
