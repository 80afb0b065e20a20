/**
 * Content of files, whole. Every length that a server states is compared with what came: the listing's, the announced
 * one, and the body's own.
 */
import type { ItemRef } from '../../contract.js';
import { Fault } from '../../errors.js';
import type { FileMeta } from '../../kinds/files.js';
import { LARGE_BYTES } from '../../kinds/files.js';
import type { AnswerBody } from '../dav/answer-body.js';
import { leave } from '../dav/answer-body.js';
import { codingIn, decodedWhole, namesFiles } from '../dav/codings.js';
import type { Answer, DavHttp } from '../dav/http.js';
import { entryAt, isoOf, plainEtag } from './entries.js';

export interface Opened {
  /** Undefined, too, where another server than that of the listing hands it out. */
  readonly etag: string | undefined;
  /** As announced, of what is sent. */
  readonly bytes: number | undefined;
  readonly modified: string | undefined;
  /** The content is sent in it; undefined: as it is. */
  readonly coding: string | undefined;
  readonly body: AsyncIterable<Uint8Array>;
  /** All of it, when it is announced to be no longer than this; undefined otherwise, and then nothing has been read. */
  readonly upTo: AnswerBody['upTo'];
}

/** What stands there now. Its body ends with a fault when it is shorter or longer than announced. Throws `Fault`. */
export async function openNow(http: DavHttp, path: string, signal: AbortSignal): Promise<Opened> {
  const asking = { method: 'GET', path, content: true } as const;
  const answer = await http.askFollowing(asking, signal);
  if (answer.status !== 200) throw await http.fault(asking, answer);
  if (answer.path !== path && answer.path === `${path}/`) {
    await leave(answer.body);
    throw new Fault('not-found', `${http.where(asking)}: a folder stands there, not a file`, { next: 'list again' });
  }
  const bytes = lengthIn(answer);
  const { etag, 'last-modified': modified = '' } = answer.headers;
  return {
    etag: etag === undefined ? undefined : plainEtag(etag),
    bytes,
    modified: isoOf(modified),
    coding: codingIn(answer.headers),
    body: bytes === undefined ? answer.body : exactly(answer.body, bytes, http.where(asking)),
    upTo: (most) => answer.body.upTo(most),
  };
}

/** A small file as it was read; `why`: it cannot be had now, or, with `again`, perhaps the next time. */
export type Held =
  | { readonly bytes: Buffer; readonly modified: string | undefined }
  | { readonly why: string; readonly again?: true };

/**
 * The content of a file that was listed as `ref`, whole. Of another version than that, its own date counts. What the
 * server sends must be the file that it lists: a page to log in comes with 200, and a body without an announced length
 * may end anywhere. Throws `Fault`.
 */
export async function readWhole(http: DavHttp, path: string, ref: ItemRef, signal: AbortSignal): Promise<Held> {
  const first = await readOnce(http, path, ref, signal);
  // Once more: a proxy may have cut it short. What stays so concerns this file alone, not the server.
  const held = 'other' in first ? await readOnce(http, path, ref, signal) : first;
  return 'other' in held ? { why: anotherThan(held.other, held.listed), again: true } : held;
}

/** `other`: whole, as far as the server says, but not of the size listed. */
type Other = { readonly other: number; readonly listed: number };

async function readOnce(http: DavHttp, path: string, ref: ItemRef, signal: AbortSignal): Promise<Held | Other> {
  const { version, bytes: size = 0 } = ref;
  const listed = (ref.meta as FileMeta).modified;
  const opened = await openNow(http, path, signal);
  const { etag, bytes: announced, modified, body, coding } = opened;
  const most = Math.max(LARGE_BYTES, size);
  const sent = (await opened.upTo(most)) ?? (await held(body, most));
  if (sent === undefined) return { why: 'it has grown to a large file while it was moved; the next run moves it' };
  const plain = coding === undefined ? undefined : await decodedWhole(sent, coding, most);
  // A file that is compressed by itself may be sent with the name of its coding, and is no other for that.
  const mayBe = namesFiles(coding) ? [sent, plain] : [plain];
  const ofLength = (bytes: number): Buffer | undefined => mayBe.find((one) => one?.length === bytes);
  const asListed = ofLength(size);
  if (asListed && etag === version) return { bytes: asListed, modified: listed };
  if (asListed && etag === undefined && modified === listed) return { bytes: asListed, modified };
  const there = await entryAt(http, path, signal);
  const where = http.where({ method: 'GET', path });
  if (!there || there.folder) throw new Fault('not-found', `${where}: it is gone`, { next: 'list again' });
  const same = there.version === version;
  // A listing without sizes says 0: nothing proves then that what came is all of it.
  const now = ofLength(there.bytes);
  if (now && (same || etag === undefined || etag === there.version)) {
    return { bytes: now, modified: same ? listed : modified };
  }
  const got = (plain ?? sent).length;
  if (same || etag === version) return { other: got, listed: there.bytes };
  if (announced === undefined) throw short(where);
  // Changed twice meanwhile: what was read is a version of its own, where the server says so.
  return etag === undefined || coding !== undefined ? { why: RESTLESS, again: true } : { bytes: sent, modified };
}

const RESTLESS = 'it changed while it was read; the next run reads it again';

export function anotherThan(sent: number, listed: number): string {
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

/** Ends with a fault unless it is `bytes` long. */
export async function* exactly(
  body: AsyncIterable<Uint8Array>,
  bytes: number,
  where: string,
): AsyncGenerator<Uint8Array> {
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

/** As announced, of what is sent. */
export function lengthIn({ headers }: Answer): number | undefined {
  const told = headers['content-length'];
  return told !== undefined && /^\d{1,15}$/.test(told) ? Number(told) : undefined;
}
