/** What every target of files must do with those that are too large to be held. */
import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type { Upload, Uploads } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import { BLOCK_BYTES } from '../../connectors/kinds/files.js';
import { all, never } from './collect.js';
import type { FileTargetWorld, Ready } from './file-world.js';
import { copyOf, ready } from './file-world.js';
import type { Trait } from './trait.js';
import { offered } from './trait.js';
import { content, digestOfContent, MODIFIED, metaOf, pieces } from './trees.js';

interface Sending extends Ready {
  readonly uploads: Uploads;
  readonly upload: Upload;
  readonly bytes: Buffer;
  readonly parts: number;
}

/** A file of three parts, the last of them short; of one where the target takes it only as a whole. */
async function sending(world: FileTargetWorld, path = 'd/large.bin'): Promise<Sending> {
  const at = await ready(world);
  const uploads = at.target.uploads;
  const partBytes = await uploads.partBytes(5 * BLOCK_BYTES, never);
  const bytes = content(partBytes % BLOCK_BYTES === 0 ? 2 * partBytes + 12_345 : 2 * BLOCK_BYTES + 12_345, path);
  const asked = await uploads.partBytes(bytes.length, never);
  const upload = {
    token: randomUUID(),
    path,
    bytes: bytes.length,
    partBytes: asked,
    meta: { type: 'file', modified: MODIFIED },
  };
  await uploads.begin(at.container, upload, never);
  return { ...at, uploads, upload, bytes, parts: Math.ceil(bytes.length / asked) };
}

/** The same upload, as another process sees it. */
async function resumed(world: FileTargetWorld, before: Sending): Promise<Sending> {
  before.target.close();
  const at = await ready(world);
  return { ...before, ...at, uploads: at.target.uploads };
}

function partOf({ bytes, upload }: Sending, part: number): Buffer {
  return bytes.subarray(part * upload.partBytes, (part + 1) * upload.partBytes);
}

async function send(at: Sending, ...parts: readonly number[]): Promise<void> {
  for (const part of parts) await at.uploads.send(at.container, at.upload, part, pieces(partOf(at, part)), never);
}

async function sendAll(at: Sending): Promise<void> {
  await send(at, ...Array.from({ length: at.parts }, (_, part) => part));
}

async function acknowledged({ uploads, container, upload }: Sending): Promise<number[]> {
  return [...(await uploads.acknowledged(container, upload, never))].sort((a, b) => a - b);
}

const finish = ({ uploads, container, upload }: Sending, version?: string) =>
  uploads.finish(container, upload, version, never);

/** Breaks off after a few pieces, as a source does that is lost. */
async function* broken(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes.subarray(0, 300_000);
  throw new Fault('source-changed', 'broken off by the test');
}

export const uploadTraits = {
  'takes parts that blocks fit into': async (world) => {
    const uploads = (await ready(world)).target.uploads;
    for (const bytes of [2_000_000, BLOCK_BYTES, 100 * BLOCK_BYTES + 1, 20 * 1024 ** 3]) {
      const partBytes = await uploads.partBytes(bytes, never);
      expect(partBytes === bytes || partBytes % BLOCK_BYTES === 0, `${partBytes} for ${bytes}`).toBe(true);
    }
  },
  'puts a large file in its place, whole, when it is finished': async (world) => {
    const at = await sending(world);
    await sendAll(at);
    expect((await world.list()).filter((path) => !path.endsWith('/'))).toEqual([]);
    const answer = await finish(at);
    expect(answer).toMatchObject({ token: at.upload.token, ref: 'd/large.bin' });
    expect((await world.read('d/large.bin'))?.equals(at.bytes)).toBe(true);
    const copy = await copyOf(at, 'd/large.bin');
    expect([copy.digest, copy.bytes]).toEqual([digestOfContent(at.bytes), at.bytes.length]);
    const { version } = answer as { version?: string };
    if (version !== undefined) expect(version).toBe(copy.version);
  },
  'keeps the date of a large file': async (world) => {
    const at = await sending(world);
    await sendAll(at);
    await finish(at);
    expect(Date.parse(metaOf(await copyOf(at, at.upload.path)).modified as string)).toBe(Date.parse(MODIFIED));
  },
  'takes parts in any order, and at once, where it says so': async (world) => {
    const at = await sending(world);
    if (at.uploads.anyOrder) {
      await send(at, at.parts - 1);
      await Promise.all(Array.from({ length: at.parts - 1 }, (_, part) => send(at, part)));
    } else await sendAll(at);
    expect(await acknowledged(at)).toEqual(Array.from({ length: at.parts }, (_, part) => part));
    await finish(at);
    expect((await world.read(at.upload.path))?.equals(at.bytes)).toBe(true);
  },
  'acknowledges what is there, to another session too': async (world) => {
    const at = await sending(world);
    expect(await acknowledged(at)).toEqual([]);
    await send(at, 0);
    expect(await acknowledged(at)).toEqual([0]);
    const other = await resumed(world, at);
    expect(await acknowledged(other)).toEqual([0]);
    await other.uploads.begin(other.container, other.upload, never);
    expect(await acknowledged(other)).toEqual([0]);
    await send(other, ...Array.from({ length: at.parts - 1 }, (_, part) => part + 1));
    expect(await finish(other)).toMatchObject({ ref: at.upload.path });
    expect((await world.read(at.upload.path))?.equals(at.bytes)).toBe(true);
  },
  'does not acknowledge a part that broke off, and takes it again': async (world) => {
    const at = await sending(world);
    const broke = at.uploads.send(at.container, at.upload, 0, broken(partOf(at, 0)), never);
    await expect(broke).rejects.toThrow('broken off by the test');
    expect(await acknowledged(at)).toEqual([]);
    const other = await resumed(world, at);
    await sendAll(other);
    await finish(other);
    expect((await world.read(at.upload.path))?.equals(at.bytes)).toBe(true);
  },
  'replaces a part that is sent again': async (world) => {
    const at = await sending(world);
    const wrong = content(partOf(at, 0).length, 'wrong');
    await at.uploads.send(at.container, at.upload, 0, pieces(wrong), never);
    await sendAll(at);
    await finish(at);
    expect((await world.read(at.upload.path))?.equals(at.bytes)).toBe(true);
  },
  'has finished when it is asked again': async (world) => {
    const at = await sending(world);
    await sendAll(at);
    await finish(at);
    const { version } = await copyOf(at, at.upload.path);
    expect(await finish(at)).toMatchObject({ token: at.upload.token, ref: at.upload.path, version });
    const other = await resumed(world, at);
    expect(await finish(other)).toMatchObject({ token: at.upload.token, ref: at.upload.path, version });
    expect((await world.read(at.upload.path))?.equals(at.bytes)).toBe(true);
  },
  'does not put a new file over another, and keeps the parts': async (world) => {
    const at = await sending(world);
    await sendAll(at);
    await world.put(at.upload.path, content(10, 'theirs'));
    expect(await finish(at)).toMatchObject({ conflicted: at.upload.token });
    expect(await world.read(at.upload.path)).toEqual(content(10, 'theirs'));
    await world.remove(at.upload.path);
    expect(await finish(at)).toMatchObject({ ref: at.upload.path });
    expect((await world.read(at.upload.path))?.equals(at.bytes)).toBe(true);
  },
  'replaces only the version it should replace': async (world) => {
    await world.put('f.bin', content(10, 'old'));
    const at = await sending(world, 'f.bin');
    const { version } = await copyOf(at, 'f.bin');
    await sendAll(at);
    await world.put('f.bin', content(11, 'theirs'));
    expect(await finish(at, version)).toMatchObject({ conflicted: at.upload.token });
    expect(await world.read('f.bin')).toEqual(content(11, 'theirs'));
    expect(await finish(at, (await copyOf(at, 'f.bin')).version)).toMatchObject({ ref: 'f.bin' });
    expect((await world.read('f.bin'))?.equals(at.bytes)).toBe(true);
  },
  'does not replace what is gone': async (world) => {
    await world.put('f.bin', content(10, 'old'));
    const at = await sending(world, 'f.bin');
    const { version } = await copyOf(at, 'f.bin');
    await sendAll(at);
    await world.remove('f.bin');
    expect(await finish(at, version)).toMatchObject({ conflicted: at.upload.token });
    expect(await world.list()).toEqual([]);
  },
  'finishes nothing of which a part is missing': async (world) => {
    const at = await sending(world);
    if (at.parts > 1) await send(at, 0);
    await expect(finish(at)).rejects.toBeInstanceOf(Fault);
    expect((await world.list()).filter((path) => !path.endsWith('/'))).toEqual([]);
  },
  'takes its parts away, once or twice, and then has none': async (world) => {
    const at = await sending(world);
    await send(at, 0);
    for (let times = 0; times < 2; times++) await at.uploads.abort(at.container, at.upload, never);
    expect(await acknowledged(at)).toEqual([]);
    await expect(finish(at)).rejects.toMatchObject({ code: 'not-found' });
    await at.uploads.begin(at.container, at.upload, never);
    expect(await acknowledged(at)).toEqual([]);
  },
  'never shows its parts as files': async (world) => {
    const at = await sending(world);
    await send(at, 0);
    const source = offered(world.source, 'both roles').call(world);
    try {
      const [tree] = await all(source.containers(never));
      const pages = await all(source.list(tree as NonNullable<typeof tree>, undefined, never));
      expect(pages.flatMap((page) => page.entries.filter(({ meta }) => meta?.type !== 'folder'))).toEqual([]);
    } finally {
      source.close();
    }
  },
  'stops in the middle of a part when it is aborted': async (world) => {
    const at = await sending(world);
    const stop = new AbortController();
    async function* stopped(): AsyncGenerator<Uint8Array> {
      yield partOf(at, 0).subarray(0, 100_000);
      stop.abort();
      yield partOf(at, 0).subarray(100_000);
    }
    await expect(at.uploads.send(at.container, at.upload, 0, stopped(), stop.signal)).rejects.toThrow();
    expect(await acknowledged(at)).toEqual([]);
  },
} as const satisfies Record<string, Trait<FileTargetWorld>>;
