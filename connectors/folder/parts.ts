/** The parts of a large file, written where they belong in one file that is sparse until it is whole. */
import type { BigIntStats } from 'node:fs';
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { lstat, open } from 'node:fs/promises';
import type { Upload } from '../contract.js';
import { Fault } from '../errors.js';
import { BLOCK_BYTES } from '../kinds/files.js';
import { ifThere } from '../local/local-files.js';
import type { HeldFolder } from './held-folder.js';
import type { Journal } from './journal.js';
import { beginJournal, note, readJournal } from './journal.js';

/** What is lost with a process; more of them cost a sync each. */
export const PART_BYTES = 4 * BLOCK_BYTES;

/** Names in our folder are made of it. */
export function checkToken({ token, path }: Upload): void {
  if (/^[A-Za-z0-9-]+$/.test(token)) return;
  throw new Fault('internal', `the upload of ${JSON.stringify(path)} has no plain name`, { next: 'report this' });
}

export function countOf({ bytes, partBytes }: Upload): number {
  return Math.max(1, Math.ceil(bytes / partBytes));
}

export function identityOf({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`;
}

export function statsOfParts(staging: HeldFolder, { token }: Upload): Promise<BigIntStats | undefined> {
  return ifThere(lstat(staging.at(token), { bigint: true }));
}

/** The journal, where the file that it is about is still there. */
export async function journalFor(staging: HeldFolder, upload: Upload): Promise<Journal | undefined> {
  const journal = await readJournal(staging, upload);
  if (!journal) return undefined;
  const stats = await statsOfParts(staging, upload);
  return stats?.isFile() && identityOf(stats) === journal.file ? journal : undefined;
}

/** Makes the file and its journal; leaves them alone where they fit together. */
export async function beginParts(staging: HeldFolder, upload: Upload): Promise<void> {
  if (await journalFor(staging, upload)) return;
  const { O_RDWR, O_CREAT, O_NOFOLLOW } = constants;
  const file = await open(staging.at(upload.token), O_RDWR | O_CREAT | O_NOFOLLOW, 0o666);
  try {
    await file.truncate(upload.bytes);
    await file.sync();
    await beginJournal(staging, upload, identityOf(await file.stat({ bigint: true })));
  } finally {
    await file.close();
  }
  await staging.sync();
}

/** Writes one part; it counts when it is safe on disk. */
export async function writePart(
  staging: HeldFolder,
  upload: Upload,
  part: number,
  content: AsyncIterable<Uint8Array>,
  check: () => void,
): Promise<void> {
  const from = part * upload.partBytes;
  const end = Math.min(from + upload.partBytes, upload.bytes);
  const journal = await journalFor(staging, upload);
  if (!journal) throw partsGone(upload);
  // What a sender leaves behind that dies while it sends a part again is not the part.
  if (journal.parts.has(part)) await note(staging, upload, `-${part}`);
  const file = await open(staging.at(upload.token), constants.O_RDWR | constants.O_NOFOLLOW);
  try {
    let at = from;
    for await (const chunk of content) {
      check();
      if (at + chunk.length > end) throw lengthOf(upload, part, 'more');
      await writeAll(file, chunk, at);
      at += chunk.length;
    }
    if (at < end) throw lengthOf(upload, part, 'fewer');
    check();
    await file.datasync();
  } finally {
    await file.close();
  }
  await note(staging, upload, `+${part}`);
}

async function writeAll(file: FileHandle, chunk: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    const { bytesWritten } = await file.write(chunk, done, chunk.length - done, at + done);
    done += bytesWritten;
  }
}

export function partsGone({ path }: Upload): Fault {
  return new Fault('not-found', `parts of ${JSON.stringify(path)} are missing`, {
    next: 'it is sent again',
  });
}

function lengthOf({ path }: Upload, part: number, what: string): Fault {
  return new Fault('source-changed', `part ${part} of ${JSON.stringify(path)} came with ${what} bytes than it has`, {
    next: 'the file is read again',
  });
}
