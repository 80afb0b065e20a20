/** A vdir, or export files, as a source. Only reads. */
import { join } from 'node:path';
import { Closing } from '../closing.js';
import type { Body, Container, ItemRef, Kind, Page, Refused, Source } from '../contract.js';
import { Fault } from '../errors.js';
import { kinds } from '../kinds.js';
import { accountsAt, onFiles, provenPath } from '../local-files.js';
import type { Collection } from './collections.js';
import { collectionsIn } from './collections.js';
import { ExportFile } from './exported.js';
import { atOnce, contentOf, itemFilesIn } from './item-files.js';

const PAGE = 1_000;

export type VdirKind = Exclude<Kind, 'mail'>;

export function suffixOf(kind: VdirKind): '.ics' | '.vcf' {
  return kind === 'calendar' ? '.ics' : '.vcf';
}

export function createVdirSource(path: string, kind: VdirKind): Source<Buffer> {
  const closing = new Closing('vdir');
  const suffix = suffixOf(kind);
  const exports = new Map<string, ExportFile>();

  async function all(signal: AbortSignal, withTokens: boolean): Promise<Collection[]> {
    closing.check(signal);
    return collectionsIn(await provenPath(path), suffix, withTokens);
  }

  async function collection(container: Container, signal: AbortSignal): Promise<Collection> {
    const found = (await all(signal, false)).find((one) => one.key === container.key);
    if (found) return found;
    throw new Fault('not-found', `vdir: ${container.path.join('/')} is not in ${path} any more`, {
      next: 'the next run will see that',
    });
  }

  async function exportFile({ key }: Collection): Promise<ExportFile> {
    const root = await provenPath(path);
    const file = exports.get(key) ?? new ExportFile(root.endsWith(key) ? root : join(root, key), suffix, kinds[kind]);
    exports.set(key, file);
    return file;
  }

  async function refsOf(container: Container, signal: AbortSignal): Promise<ItemRef[]> {
    const found = await collection(container, signal);
    if (found.exported) return (await exportFile(found)).refs();
    const files = await itemFilesIn(join(await provenPath(path), found.key), suffix);
    return files.map(({ name, version, bytes }) => ({ key: name, version, bytes, rank: 0, meta: {} }));
  }

  async function* readExported(found: Collection, refs: readonly ItemRef[]): AsyncGenerator<Body<Buffer> | Refused> {
    const wanted = new Set(refs.map((ref) => ref.key));
    const bodies = new Map<string, Buffer>();
    for await (const { key, body } of (await exportFile(found)).items()) if (wanted.has(key)) bodies.set(key, body);
    for (const { key } of refs) yield answer(key, bodies.get(key));
  }

  return {
    async place(signal) {
      closing.check(signal);
      return placeAt(path);
    },
    async describe(signal) {
      const found = await all(signal, false);
      const files = found.filter((one) => one.exported).length;
      return [{ name: 'collections', value: `${found.length - files} folders, ${files} export files` }];
    },
    async accounts(signal) {
      closing.check(signal);
      return accountsAt(path);
    },
    async *containers(signal): AsyncIterable<Container> {
      const found = await onFiles(`reading ${path}`, () => all(signal, true));
      for (const { exported: _, ...container } of found) yield container;
    },
    async *list(container, after, signal): AsyncIterable<Page<ItemRef>> {
      const refs = await onFiles(`listing ${container.path.join('/')}`, () => refsOf(container, signal));
      const from = after === undefined ? 0 : refs.findIndex((ref) => ref.key > after);
      for (let at = from === -1 ? refs.length : from; at < refs.length; at += PAGE) {
        closing.check(signal);
        yield { entries: refs.slice(at, at + PAGE) };
      }
    },
    async *read(container, refs, signal): AsyncIterable<Body<Buffer> | Refused> {
      const found = await collection(container, signal);
      if (found.exported) {
        yield* readExported(found, refs);
        return;
      }
      const folder = join(await provenPath(path), found.key);
      for (let at = 0; at < refs.length; at += READ_AHEAD) {
        closing.check(signal);
        const batch = refs.slice(at, at + READ_AHEAD);
        const bodies = await onFiles(`reading ${folder}`, () => atOnce(batch, (ref) => contentOf(folder, ref.key)));
        for (const [n, { key }] of batch.entries()) yield answer(key, bodies[n]);
      }
    },
    close: () => closing.close(),
  };
}

const READ_AHEAD = 16;

function answer(key: string, body: Buffer | undefined): Body<Buffer> | Refused {
  if (body === undefined)
    return { refused: key, reason: 'the item is gone from the source; the next run will see that' };
  if (body.length === 0) return { refused: key, reason: 'the file is empty; restore it, or remove it' };
  return { key, body };
}

export async function placeAt(path: string): Promise<{ proof: string; system: string }> {
  return { proof: `vdir:${await provenPath(path)}`, system: 'vdir:' };
}
