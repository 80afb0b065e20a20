/** A range of a file's content, of one version and one size. */
import type { Described, Range } from '../../contract.js';
import { Fault } from '../../errors.js';
import type { FileMeta } from '../../kinds/files.js';
import { drain, leave } from '../dav/answer-body.js';
import { codingIn, decoded, namesFiles } from '../dav/codings.js';
import type { Answer, DavHttp } from '../dav/http.js';
import { anotherThan, exactly, lengthIn, short } from './content.js';
import { entryAt, plainEtag, versionOf } from './entries.js';

/**
 * A range of the file that was listed as `ref`. Throws `Fault('source-changed')` when another version stands there,
 * `not-found` when none does, `refused` when the server sends a file of another size than it lists. A server, or a proxy
 * before it, that does not know ranges sends the whole: what comes before is dropped.
 */
export async function* openRange(
  http: DavHttp,
  path: string,
  ref: Described,
  range: Range,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const { version } = ref;
  const { from, bytes } = range;
  // No If-Match: Apache calls the ETag of what was stored within the last second weak, and a weak one matches nothing.
  const headers = { range: `bytes=${from}-${from + bytes - 1}` };
  const asking = { method: 'GET', path, headers, content: true } as const;
  const where = http.where(asking);
  const answer = await http.askFollowing(asking, signal);
  const { status } = answer;
  if (status === 412 || status === 416) {
    await drain(answer.body);
    await unchanged(http, path, ref, where, signal);
    throw new Fault('unavailable', `${where}: the server answers ${status} to a range of what it lists`, {
      next: 'it is read again; if it stays so, open it in the source',
    });
  }
  if (status !== 200 && status !== 206) throw await http.fault(asking, answer);
  // Of a file that was listed without one, the ETag says nothing.
  const untold = version === versionOf('', ref.bytes, (ref.meta as FileMeta).modified);
  const etag = untold ? undefined : answer.headers.etag;
  if (etag !== undefined && plainEtag(etag) !== version) {
    await leave(answer.body);
    throw changed(where);
  }
  const coding = codingIn(answer.headers);
  const total = status === 206 ? rangeIn(answer)?.total : lengthIn(answer);
  // A file that is compressed by itself may be sent with the name of its coding, and is no other for that.
  const asItIs = coding === undefined || (namesFiles(coding) && total === ref.bytes);
  // Whatever the ETag says: what is sent must be as long as what is listed.
  if (asItIs && total !== undefined && total !== ref.bytes) {
    await leave(answer.body);
    await unchanged(http, path, ref, where, signal);
    // Of the version listed, it was cut short; without a word on the version it may be a page to log in.
    throw etag !== undefined && total < ref.bytes ? short(where) : another(where, total, ref);
  }
  if (status === 200) {
    const sent = asItIs ? answer.body : decoded(answer.body, coding as string, where);
    const last = from + bytes === ref.bytes;
    const longer = yield* within(sent, range, last, where);
    await unchanged(http, path, ref, where, signal);
    if (longer !== undefined) throw another(where, longer, ref);
    return;
  }
  yield* partOf(answer, range, asItIs, where);
  // Some servers send what is written into the file meanwhile.
  await unchanged(http, path, ref, where, signal);
}

/** What a 206 says that it sends: from and to the bytes of that number; `total` undefined where it is not told. */
function rangeIn({ headers }: Answer): { from: number; to: number; total: number | undefined } | undefined {
  const [, from, to, total] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(headers['content-range'] ?? '') ?? [];
  if (from === undefined) return undefined;
  return { from: Number(from), to: Number(to), total: total === '*' ? undefined : Number(total) };
}

function partOf(answer: Answer, { from, bytes }: Range, asItIs: boolean, where: string): AsyncIterable<Uint8Array> {
  const told = rangeIn(answer);
  // Without a word on where it begins (RFC 9110, 15.3.7, wants it) it may be any.
  const other = told?.from !== from || told.to !== from + bytes - 1;
  if (!other && asItIs) return exactly(answer.body, bytes, where);
  return refusing(answer, asItIs, where);
}

// biome-ignore lint/correctness/useYield: it is in the place of a stream
async function* refusing(answer: Answer, asItIs: boolean, where: string): AsyncGenerator<Uint8Array> {
  await leave(answer.body);
  const what = asItIs
    ? 'another range than was asked for, or does not say which'
    : 'a range of compressed content, which is none of the file';
  throw new Fault('unavailable', `${where}: the server sent ${what}`, {
    next: 'look for a proxy that changes ranges or compresses; it is tried again',
  });
}

/** Throws `Fault('source-changed')` unless the listing still shows the version and the size of `ref`. */
async function unchanged(
  http: DavHttp,
  path: string,
  ref: Described,
  where: string,
  signal: AbortSignal,
): Promise<void> {
  const there = await entryAt(http, path, signal);
  if (there?.version !== ref.version || (there.sized && there.bytes !== ref.bytes)) throw changed(where);
}

function another(where: string, sent: number, { bytes }: Described): Fault {
  return new Fault('refused', `${where}: ${anotherThan(sent, bytes)}`);
}

function changed(where: string): Fault {
  return new Fault('source-changed', `${where}: the file is no longer the version that was listed`, {
    next: 'it is read again',
  });
}

/** The range of a whole. With `last` what follows is looked at, too: returns how much came at least, where that is more. */
async function* within(
  body: AsyncIterable<Uint8Array>,
  { from, bytes }: Range,
  last: boolean,
  where: string,
): AsyncGenerator<Uint8Array, number | undefined> {
  let at = 0;
  let left = bytes;
  for await (const chunk of body) {
    const begin = Math.min(chunk.length, Math.max(0, from - at));
    at += chunk.length;
    const part = chunk.subarray(begin, Math.min(chunk.length, begin + left));
    left -= part.length;
    if (part.length > 0) yield part;
    if (left === 0 && !last) return undefined;
    if (at > from + bytes) return last ? at : undefined;
  }
  if (left > 0) throw short(where);
  return undefined;
}
