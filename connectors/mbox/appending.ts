/**
 * Appends messages to an mbox file. Each begins with a line that tells its length, so that the tail a crash
 * tore off is known for what it is. All of this happens under the file's lock.
 */
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { inUnixLines } from '../formats/unix-lines.js';
import type { MailMeta } from '../kinds/mail.js';
import { arrivalOf } from '../kinds/mail.js';
import { withDotLock } from '../local/dot-lock.js';
import { OURS, ourFromLine, ourLength } from './from-line.js';
import { ourLines } from './message-at.js';
import { quoted } from './quoting.js';

const LF = 10;
/** As much as a line of ours and the messages of a batch usually take. */
const LOOK_BACK = 1 << 20;
const OUR_BEGINNING = Buffer.from(OURS);
/** X-Keywords parts keywords by blanks. */
const KEYWORD = /^[^\s\p{C}]+$/u;
const MOST_KEYWORD_BYTES = 4096;

/** The message as it will stand in the file, and what of its metadata does not. */
export function entryOf(
  body: Buffer,
  meta: MailMeta,
  now: Date,
): { entry: Buffer; flags: string[]; date: string; notes: string[] } {
  const notes: string[] = [];
  const kept: string[] = [];
  let keywordBytes = 0;
  for (const flag of meta.flags) {
    const keyword = !flag.startsWith('\\');
    if (keyword) keywordBytes += Buffer.byteLength(flag) + 1;
    const possible = keyword
      ? KEYWORD.test(flag) && keywordBytes < MOST_KEYWORD_BYTES
      : /^\\(?:Seen|Answered|Flagged|Draft)$/.test(flag);
    if (possible) kept.push(flag);
    else notes.push(`${keyword ? 'keyword' : 'flag'} ${flag} cannot be kept in an mbox file`);
  }
  const content = quoted(inUnixLines(body));
  const last = content[content.length - 1];
  // A carriage return at the end would become part of the line end that has to follow it.
  const ending = content.length === 0 || last === LF ? '\n' : last === 13 ? '\r\n\n' : '\n\n';
  const rest = Buffer.concat([Buffer.from(ourLines(kept)), content, Buffer.from(ending)]);
  const told = Date.parse(arrivalOf(meta, body) ?? '');
  const date = Number.isNaN(told) ? now : new Date(told);
  const entry = Buffer.concat([Buffer.from(ourFromLine(rest.length, date)), rest]);
  return { entry, flags: kept.sort(), date: `${date.toISOString().slice(0, 19)}+00:00`, notes };
}

/** Opens the file for appending, under its lock and without a torn tail, and tells its size. */
export async function appending<T>(
  path: string,
  signal: AbortSignal,
  step: (handle: FileHandle, size: number) => Promise<T>,
): Promise<T> {
  return withDotLock(`${path}.lock`, signal, async () => {
    const handle = await open(path, 'r+');
    try {
      return await step(handle, await withoutTornTail(handle));
    } finally {
      await handle.close();
    }
  });
}

/**
 * Cuts off the message of ours that a crash tore, and nothing else: the last line of ours tells more than
 * the file holds, or is itself not whole. We are the only writer (the lease), so nobody is still at it.
 */
async function withoutTornTail(handle: FileHandle): Promise<number> {
  const { size } = await handle.stat();
  const torn = await tornAt(handle, size);
  if (torn === undefined) return size;
  await handle.truncate(torn);
  await handle.sync();
  return torn;
}

async function tornAt(handle: FileHandle, size: number): Promise<number | undefined> {
  for (let until = size; until > 0; ) {
    const from = Math.max(0, until - LOOK_BACK);
    // Beyond `until`, so that a beginning which straddles two looks is seen.
    const look = await readAt(handle, from, Math.min(size, until + OUR_BEGINNING.length) - from);
    for (let at = look.length; at > 0; ) {
      at = look.lastIndexOf(OUR_BEGINNING, at - 1);
      if (at === -1) break;
      if (from + at === 0 || (at > 0 && look[at - 1] === LF)) return tornFrom(handle, from + at, size);
    }
    until = from;
  }
  return tornBeginning(handle, 0, size);
}

/** Looks at the last message of ours, which begins at `at`, and at what stands behind it. */
async function tornFrom(handle: FileHandle, at: number, size: number): Promise<number | undefined> {
  const head = (await readAt(handle, at, Math.min(256, size - at))).toString('latin1');
  const lineEnd = head.indexOf('\n');
  const length = lineEnd === -1 ? undefined : ourLength(head.slice(0, lineEnd));
  if (length === undefined) return lineEnd === -1 ? at : undefined;
  const end = at + lineEnd + 1 + length;
  return end > size ? at : tornBeginning(handle, end, size);
}

/** Where a line of ours was begun and not even its first word is whole. */
async function tornBeginning(handle: FileHandle, from: number, size: number): Promise<number | undefined> {
  const rest = Math.min(size - from, OUR_BEGINNING.length);
  const tail = (await readAt(handle, size - rest, rest)).toString('latin1');
  const line = tail.slice(tail.lastIndexOf('\n') + 1);
  if (line === '' || !OURS.startsWith(line)) return undefined;
  const at = size - line.length;
  if (at === from) return at;
  return (await readAt(handle, at - 2, 2)).toString('latin1') === '\n\n' ? at : undefined;
}

async function readAt(handle: FileHandle, at: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, at);
  return buffer.subarray(0, bytesRead);
}
