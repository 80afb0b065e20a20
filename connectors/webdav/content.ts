/** Content of files: whole, or a range of one version. */
import type { ItemRef, Range } from '../contract.js';
import type { AnswerBody } from '../dav/answer-body.js';
import { drain } from '../dav/answer-body.js';
import type { Answer, DavHttp } from '../dav/http.js';
import { Fault } from '../errors.js';
import type { FileMeta } from '../files.js';
import { LARGE_BYTES } from '../files.js';
import { entryAt, isoOf, plainEtag } from './entries.js';

export interface Opened {
  readonly etag: string | undefined;
  readonly bytes: number | undefined;
  readonly modified: string | undefined;
  readonly body: AsyncIterable<Uint8Array>;
  /** All of it, when it is announced to be no longer than this; undefined otherwise, and then nothing has been read. */
  readonly upTo: AnswerBody['upTo'];
}

/** What stands there now. Its body ends with a fault when it is shorter or longer than announced. Throws `Fault`. */
export async function openNow(http: DavHttp, path: string, signal: AbortSignal): Promise<Opened> {
  const asking = { method: 'GET', path };
  const answer = await http.askFollowing(asking, signal);
  if (answer.status !== 200) throw await http.fault(asking, answer);
  if (answer.path !== path && answer.path === `${path}/`) {
    await leave(answer.body);
    throw new Fault('not-found', `${http.where(asking)}: a folder stands there, not a file`, { next: 'list again' });
  }
  const bytes = lengthIn(answer);
  const { etag } = answer.headers;
  const modified = isoOf(answer.headers['last-modified'] ?? '');
  return {
    etag: etag === undefined ? undefined : plainEtag(etag),
    bytes,
    modified,
    body: bytes === undefined ? answer.body : exactly(answer.body, bytes, http.where(asking)),
    upTo: (most) => answer.body.upTo(most),
  };
}

/** A small file as it was read; `why`: it cannot be had now. */
export type Held = { readonly bytes: Buffer; readonly modified: string | undefined } | { readonly why: string };

/**
 * The content of a file that was listed as `ref`, whole. Of another version than that, its own date counts. What the
 * server sends must be the file that it lists: a page to log in comes with 200, and a body without an announced length
 * may end anywhere. Throws `Fault`.
 */
export async function readWhole(http: DavHttp, path: string, ref: ItemRef, signal: AbortSignal): Promise<Held> {
  const first = await readOnce(http, path, ref, signal);
  // Once more: a proxy may have cut it short. What stays so concerns this file alone, not the server.
  const held = 'other' in first ? await readOnce(http, path, ref, signal) : first;
  return 'other' in held ? { why: anotherThan(held.other, ref.bytes) } : held;
}

/** `other`: whole by its announced length, and of the version listed, but not of the size listed. */
async function readOnce(
  http: DavHttp,
  path: string,
  ref: ItemRef,
  signal: AbortSignal,
): Promise<Held | { readonly other: number }> {
  const { version } = ref;
  const listed = (ref.meta as FileMeta).modified;
  const { etag, bytes: announced, modified, body, upTo } = await openNow(http, path, signal);
  const most = Math.max(LARGE_BYTES, ref.bytes);
  const bytes = (await upTo(most)) ?? (await held(body, most));
  if (bytes === undefined) return { why: 'it has grown to a large file while it was moved; the next run moves it' };
  const where = http.where({ method: 'GET', path });
  if (etag === version) {
    if (bytes.length === ref.bytes) return { bytes, modified: listed };
    if (announced === undefined) throw short(where);
    return { other: bytes.length };
  }
  if (etag === undefined && bytes.length === ref.bytes && modified === listed) return { bytes, modified };
  const there = await entryAt(http, path, signal);
  if (!there || there.folder) throw new Fault('not-found', `${where}: it is gone`, { next: 'list again' });
  const same = there.version === version;
  if (bytes.length === there.bytes && (same || etag === undefined || etag === there.version)) {
    return { bytes, modified: same ? listed : modified };
  }
  if (announced === undefined) throw short(where);
  if (same) return { why: anotherThan(bytes.length, there.bytes) };
  // Changed twice meanwhile: what was read is a version of its own, where the server says so.
  return etag === undefined ? { why: RESTLESS } : { bytes, modified };
}

const RESTLESS = 'it changed while it was read; the next run reads it again';

function anotherThan(sent: number, listed: number): string {
  return (
    `the server sent ${sent} bytes for a file of which it lists ${listed}, such as a page to log in or a warning; ` +
    'open it in the source, then retry'
  );
}

/** Undefined when it is more than may be held. */
async function held(body: AsyncIterable<Uint8Array>, most: number): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > most) return undefined;
    chunks.push(chunk);
  }
  return chunks.length === 1 ? Buffer.from(chunks[0] as Uint8Array) : Buffer.concat(chunks);
}

/**
 * A range of the version named. Throws `Fault('source-changed')` when another stands there, `not-found` when none does. A
 * server, or a proxy before it, that does not know ranges sends the whole: what comes before is dropped.
 */
export async function* openRange(
  http: DavHttp,
  path: string,
  version: string,
  { from, bytes }: Range,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  // No If-Match: Apache calls the ETag of what was stored within the last second weak, and a weak one matches nothing.
  const headers = { range: `bytes=${from}-${from + bytes - 1}` };
  const asking = { method: 'GET', path, headers };
  const where = http.where(asking);
  const answer = await http.askFollowing(asking, signal);
  const { status } = answer;
  const { etag } = answer.headers;
  if (status === 412 || status === 416) {
    await drain(answer.body);
    throw changed(where);
  }
  if (status !== 200 && status !== 206) throw await http.fault(asking, answer);
  if (etag !== undefined && plainEtag(etag) !== version) {
    await leave(answer.body);
    throw changed(where);
  }
  // What says neither version nor range may be something else.
  const announced = status === 200 && etag === undefined ? lengthIn(answer) : undefined;
  if (announced !== undefined && announced < from + bytes) {
    await leave(answer.body);
    await unchanged(http, path, version, announced, where, signal);
    throw short(where);
  }
  if (status === 200) yield* within(answer.body, from, bytes, where);
  else {
    const begins = /^bytes (\d+)-/.exec(answer.headers['content-range'] ?? '')?.[1];
    // Without a word on where it begins it may be any: the digest of what was read would prove it all the same.
    if (begins === undefined ? from > 0 : Number(begins) !== from) {
      await leave(answer.body);
      throw new Fault('unavailable', `${where}: the server sent another range than was asked for`, {
        next: 'look for a proxy that changes ranges; it is tried again',
      });
    }
    yield* exactly(answer.body, bytes, where);
  }
  // Some servers send what is written into the file meanwhile.
  await unchanged(http, path, version, announced, where, signal);
}

/** Throws `Fault('source-changed')`, and `refused` where as many bytes were announced as the file has not. */
async function unchanged(
  http: DavHttp,
  path: string,
  version: string,
  announced: number | undefined,
  where: string,
  signal: AbortSignal,
): Promise<void> {
  const there = await entryAt(http, path, signal);
  if (there?.version !== version) throw changed(where);
  if (announced === undefined || announced === there.bytes) return;
  throw new Fault('refused', `${where}: ${anotherThan(announced, there.bytes)}`);
}

/** The rest is not waited for: that ends the connection, and the next request opens another. */
async function leave(body: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of body) break;
}

function changed(where: string): Fault {
  return new Fault('source-changed', `${where}: the file is no longer the version that was listed`, {
    next: 'it is read again',
  });
}

async function* within(
  body: AsyncIterable<Uint8Array>,
  from: number,
  bytes: number,
  where: string,
): AsyncGenerator<Uint8Array> {
  let at = 0;
  let left = bytes;
  for await (const chunk of body) {
    const begin = Math.min(chunk.length, Math.max(0, from - at));
    at += chunk.length;
    const part = chunk.subarray(begin, Math.min(chunk.length, begin + left));
    left -= part.length;
    if (part.length > 0) yield part;
    if (left === 0) return;
  }
  throw short(where);
}

async function* exactly(body: AsyncIterable<Uint8Array>, bytes: number, where: string): AsyncGenerator<Uint8Array> {
  let left = bytes;
  for await (const chunk of body) {
    left -= chunk.length;
    if (left < 0) break;
    yield chunk;
  }
  if (left !== 0) throw short(where);
}

export function short(where: string): Fault {
  return new Fault('unavailable', `${where}: the content is not as long as the server announced`, {
    next: 'it is read again; if it stays so, look into the log of the server or of the proxy before it',
  });
}

function lengthIn({ headers }: Answer): number | undefined {
  const told = headers['content-length'];
  // A length of what was compressed on the way says nothing of the content.
  return told !== undefined && headers['content-encoding'] === undefined && /^\d+$/.test(told)
    ? Number(told)
    : undefined;
}
