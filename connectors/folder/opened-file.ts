/** Reading one file, pinned to what it was when it was opened. */
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import type { Range } from '../contract.js';
import { Fault } from '../errors.js';
import { versionOf } from './entry.js';

/** At once in memory, of one stream. */
const CHUNK_BYTES = 1024 * 1024;

export interface OpenedFile {
  readonly handle: FileHandle;
  readonly version: string;
  readonly bytes: number;
}

/**
 * A plain file at `path`, whose last part is not followed. Undefined when something else stands there. O_NONBLOCK: a
 * pipe that was put in its place must not hold us up.
 */
export async function openFile(path: string): Promise<OpenedFile | undefined> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = await handle.stat({ bigint: true });
    if (stats.isFile()) return { handle, version: versionOf(stats), bytes: Number(stats.size) };
  } catch (error) {
    await handle.close();
    throw error;
  }
  await handle.close();
  return undefined;
}

export async function isUnchanged({ handle, version }: OpenedFile): Promise<boolean> {
  return versionOf(await handle.stat({ bigint: true })) === version;
}

/** The whole content; undefined when it changed meanwhile. */
export async function contentOf(file: OpenedFile): Promise<Buffer | undefined> {
  const content = Buffer.allocUnsafe(file.bytes);
  let filled = 0;
  while (filled < content.length) {
    const { bytesRead } = await file.handle.read(content, filled, content.length - filled, filled);
    if (bytesRead === 0) return undefined;
    filled += bytesRead;
  }
  return (await isUnchanged(file)) ? content : undefined;
}

/** Exactly `range`, in chunks of their own. Throws `Fault('source-changed')` when the file is not what it was any more. */
export async function* rangeOf(
  file: OpenedFile,
  range: Range,
  name: string,
  check: () => void,
): AsyncGenerator<Uint8Array> {
  const end = range.from + range.bytes;
  for (let at = range.from; at < end; ) {
    check();
    const chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, end - at));
    const { bytesRead } = await file.handle.read(chunk, 0, chunk.length, at);
    if (bytesRead === 0) throw changed(name);
    at += bytesRead;
    // Before the last bytes leave, so that nobody takes a range for whole that is not.
    if (at >= end && !(await isUnchanged(file))) throw changed(name);
    yield chunk.subarray(0, bytesRead);
  }
  if (range.bytes === 0 && !(await isUnchanged(file))) throw changed(name);
}

export function changed(name: string): Fault {
  return new Fault('source-changed', `${JSON.stringify(name)} was changed since it was listed`, {
    next: 'it is read again, as it is now',
  });
}
