/** A vdir as a target: bytes are stored as they come. */
import { access, constants, mkdir, readdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { Closing } from '../closing.js';
import type { Located, Target, TargetContainer, TargetRef, Wanted, WriteAnswer } from '../contract.js';
import { kinds } from '../kinds.js';
import { ifThere, onFiles, provenPath } from '../local-files.js';
import { collectionsIn, makeCollection } from './collections.js';
import { atOnce, contentOf, isItem, itemFile, itemFilesIn } from './item-files.js';
import type { VdirKind } from './source.js';
import { placeAt, suffixOf } from './source.js';
import { applyAll } from './writer.js';
import { sweep } from './writing.js';

const PAGE = 200;

export function createVdirTarget(path: string, kind: VdirKind): Target<Buffer> {
  const closing = new Closing('vdir');
  const suffix = suffixOf(kind);
  const rules = kinds[kind];

  async function folderOf({ key }: TargetContainer, signal: AbortSignal): Promise<string> {
    closing.check(signal);
    return join(await provenPath(path), key);
  }

  async function refOf(folder: string, name: string): Promise<TargetRef | undefined> {
    const file = await itemFile(folder, name);
    const body = file && (await contentOf(folder, name));
    if (!file || !body) return undefined;
    return { ref: name, digest: rules.digest(body), bytes: body.length, meta: {}, version: file.version, body };
  }

  async function* refs(folder: string, names: readonly string[], signal: AbortSignal): AsyncGenerator<TargetRef[]> {
    for (let at = 0; at < names.length; at += PAGE) {
      closing.check(signal);
      const page = names.slice(at, at + PAGE);
      const found = await onFiles(`reading ${folder}`, () => atOnce(page, (name) => refOf(folder, name)));
      yield found.flatMap((ref) => ref ?? []);
    }
  }

  async function find(wanted: Wanted, signal: AbortSignal): Promise<TargetContainer | undefined> {
    closing.check(signal);
    const root = await provenPath(path);
    if (!(await ifThere(access(root).then(() => true)))) return undefined;
    const name = wanted.path.join('/');
    const found = (await collectionsIn(root, suffix, false)).find((one) => !one.exported && one.path[0] === name);
    if (!found) return undefined;
    const items = (await readdir(join(root, found.key))).filter((one) => isItem(one, suffix)).length;
    return { key: found.key, path: wanted.path, validity: found.validity, created: false, items };
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
      const root = await made(path);
      const problem = await onFiles(`opening ${root}`, () => access(root, constants.W_OK)).then(
        () => undefined,
        (error: Error) => error.message,
      );
      const disk = await statfs(root);
      return [
        { name: 'writable', value: problem === undefined ? 'yes' : 'no', ...(problem !== undefined && { problem }) },
        { name: 'free bytes', value: String(disk.bavail * disk.bsize) },
      ];
    },
    find: (wanted, signal) => onFiles(`opening ${path}`, () => find(wanted, signal)),
    async ensure(wanted, signal) {
      return onFiles(`opening ${path}`, async () => {
        const root = await made(path);
        const there = await find(wanted, signal);
        if (there) {
          await sweep(join(root, there.key), Date.now());
          return there;
        }
        const { key, notes } = await makeCollection(root, wanted.path.join('/'), wanted.properties);
        const container = { key, path: wanted.path, validity: '1', created: true, items: 0 };
        return notes.length > 0 ? { ...container, notes } : container;
      });
    },
    anchor: async () => '',
    async *write(container, writes, signal): AsyncIterable<WriteAnswer> {
      const folder = await folderOf(container, signal);
      const to = async (other: TargetContainer): Promise<string> => folderOf(other, signal);
      const { answers, failure } = await applyAll({ folder, suffix, rules, to }, writes, () => closing.check(signal));
      yield* answers;
      if (failure !== undefined) throw failure;
    },
    async *locate(container, intents, _anchor, known, signal): AsyncIterable<Located> {
      const folder = await folderOf(container, signal);
      const names = (await itemFilesIn(folder, suffix)).flatMap(({ name }) => (known(name) ? [] : [name]));
      const free = new Map<string, TargetRef[]>();
      for await (const page of refs(folder, names, signal)) {
        for (const ref of page) free.set(ref.digest, [...(free.get(ref.digest) ?? []), ref]);
      }
      for (const { token, digest } of intents) {
        const found = free.get(digest)?.shift();
        if (!found) yield { token, found: 'absent' };
        else yield { token, found: 'landed', ref: found.ref, meta: {}, version: found.version as string };
      }
    },
    async *scan(container, skip, signal) {
      const folder = await folderOf(container, signal);
      const files = await onFiles(`listing ${folder}`, () => itemFilesIn(folder, suffix));
      const names = files.flatMap(({ name }) => (skip(name) ? [] : [name]));
      for await (const page of refs(folder, names, signal)) yield { entries: page };
    },
    async *readBack(container, names, signal) {
      const folder = await folderOf(container, signal);
      for await (const page of refs(folder, names, signal)) yield* page;
    },
    close: () => closing.close(),
  };
}

async function made(path: string): Promise<string> {
  const root = await provenPath(path);
  await onFiles(`making ${path}`, () => mkdir(root, { recursive: true }));
  return root;
}
