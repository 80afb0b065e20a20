/** A vdir as a target: bytes are stored as they come. */
import { lstat, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Located, Target, TargetContainer, TargetRef, Wanted, WriteAnswer } from '../contract.js';
import { Fault } from '../errors.js';
import { kinds } from '../kinds/kinds.js';
import { unknownRefs } from '../kinds/unknown-refs.js';
import { Closing } from '../local/closing.js';
import type { VdirKind } from '../local/item-files.js';
import { atOnce, contentOf, isItem, itemFile, suffixOf } from '../local/item-files.js';
import { identityOf, ifThere, onFiles, provenPath, roomOnDisk, writableFolder } from '../local/local-files.js';
import { Collections } from './collections.js';
import { ItemNames } from './item-names.js';
import { makeCollection } from './make-collection.js';
import { placeAt } from './source.js';
import { applied } from './writer.js';
import { removeStale } from './writing.js';

const PAGE = 200;
/** Folders whose names are remembered, the ones written last. */
const REMEMBERED = 16;

export interface VdirTargetDeps {
  readonly now?: () => number;
}

export function createVdirTarget(
  path: string,
  kind: VdirKind,
  { now = Date.now }: VdirTargetDeps = {},
): Target<Buffer> {
  const closing = new Closing('vdir');
  const suffix = suffixOf(kind);
  const rules = kinds[kind];
  const names = new Map<string, ItemNames>();

  async function opened({ key, path: at }: TargetContainer, signal: AbortSignal) {
    closing.check(signal);
    return onFiles(`opening ${at.join('/')}`, async () => new Collections(await provenPath(path), suffix).open(key));
  }

  function namesIn(folder: string): ItemNames {
    const known = names.get(folder) ?? new ItemNames(folder, suffix, rules);
    names.delete(folder);
    names.set(folder, known);
    for (const other of [...names.keys()].slice(0, -REMEMBERED)) names.delete(other);
    return known;
  }

  async function refOf(folder: string, name: string): Promise<TargetRef | undefined> {
    // The version first: content that is newer than it only looks changed once more.
    const file = await itemFile(folder, name);
    const body = file && (await contentOf(folder, name));
    if (!file || !body) return undefined;
    return { ref: name, digest: rules.digest(body), bytes: body.length, meta: {}, version: file.version, body };
  }

  async function* refs(folder: string, wanted: readonly string[], signal: AbortSignal): AsyncGenerator<TargetRef[]> {
    for (let at = 0; at < wanted.length; at += PAGE) {
      closing.check(signal);
      const page = wanted.slice(at, at + PAGE);
      const found = await onFiles(`reading ${folder}`, () => atOnce(page, (name) => refOf(folder, name)));
      yield found.flatMap((ref) => ref ?? []);
    }
  }

  async function find(wanted: Wanted, signal: AbortSignal): Promise<TargetContainer | undefined> {
    closing.check(signal);
    const root = await provenPath(path);
    if (!(await ifThere(lstat(root)))) return undefined;
    const name = nameOf(wanted);
    const collections = new Collections(root, suffix);
    const key =
      (await collections.plainFolder(name)) ??
      (await collections.all(false)).find((one) => one.form === 'folder' && one.path[0] === name)?.key;
    if (key === undefined) return undefined;
    const items = (await readdir(join(root, key))).filter((one) => isItem(one, suffix)).length;
    return { key, path: wanted.path, validity: VALIDITY, created: false, items };
  }

  return {
    quietMs: 0,
    lanes: 1,
    async place(signal) {
      closing.check(signal);
      return placeAt(path);
    },
    async describe(signal) {
      closing.check(signal);
      return writableFolder(path);
    },
    async room(signal) {
      closing.check(signal);
      return roomOnDisk(path);
    },
    async root(signal) {
      closing.check(signal);
      return onFiles(`opening ${path}`, () => identityOf(path));
    },
    find: (wanted, signal) => onFiles(`opening ${path}`, () => find(wanted, signal)),
    async ensure(wanted, signal) {
      closing.check(signal);
      return onFiles(`opening ${path}`, async () => {
        const root = await made(path);
        await removeStale(root, now());
        const there = await find(wanted, signal);
        if (there) {
          await removeStale(join(root, there.key), now());
          return there;
        }
        const { key, notes } = await makeCollection(root, nameOf(wanted), wanted.properties);
        const container = { key, path: wanted.path, validity: VALIDITY, created: true, items: 0 };
        return notes.length > 0 ? { ...container, notes } : container;
      });
    },
    // Names made of UIDs and digests find a write wherever it landed; there is nothing to remember.
    async anchor(_container, signal) {
      closing.check(signal);
      return '';
    },
    async *write(container, writes, signal): AsyncIterable<WriteAnswer> {
      const { at } = await opened(container, signal);
      const folderOf = async (to: TargetContainer): Promise<string> => (await opened(to, signal)).at;
      const check = (): void => closing.check(signal);
      yield* applied({ folder: at, names: namesIn(at), folderOf, check }, writes);
    },
    async *locate(container, intents, _anchor, known, signal): AsyncIterable<Located> {
      const { at, files } = await opened(container, signal);
      const there = await onFiles(`listing ${at}`, files);
      const free = new Map<string, TargetRef[]>();
      const unknown = await unknownRefs(
        there.map(({ name }) => name),
        known,
      );
      for await (const page of refs(at, unknown, signal)) {
        for (const { body: _, ...ref } of page) free.set(ref.digest, [...(free.get(ref.digest) ?? []), ref]);
      }
      for (const { token, digest } of intents) {
        const found = free.get(digest)?.shift();
        if (!found) yield { token, found: 'absent' };
        else yield { token, found: 'landed', ref: found.ref, meta: {}, version: found.version as string };
      }
    },
    async *scan(container, known, signal) {
      const { at, files } = await opened(container, signal);
      const there = await onFiles(`listing ${at}`, files);
      const wanted = await unknownRefs(
        there.map(({ name }) => name),
        known,
      );
      for await (const page of refs(at, wanted, signal)) yield { entries: page };
    },
    async *readBack(container, wanted, signal) {
      const { at } = await opened(container, signal);
      for await (const page of refs(at, wanted, signal)) yield* page;
    },
    close: () => closing.close(),
  };
}

/** File names stay what they are while a folder lives. */
const VALIDITY = '1';

function nameOf({ path }: Wanted): string {
  return path.join('/') || '_';
}

/** Throws `Fault('spec')` when there is a file. */
async function made(path: string): Promise<string> {
  const root = await provenPath(path);
  if ((await ifThere(lstat(root)))?.isFile()) {
    throw new Fault('spec', `${path} is a file, and a target is a folder`, { next: 'name the folder in the spec' });
  }
  await mkdir(root, { recursive: true, mode: 0o700 });
  return root;
}
