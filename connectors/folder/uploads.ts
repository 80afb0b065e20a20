/** Large files: parts in the staging folder, then one rename. Another process goes on from what the journal tells. */

import type { BigIntStats } from 'node:fs';
import { constants } from 'node:fs';
import { chmod, lutimes, open, rename, unlink } from 'node:fs/promises';
import type { Upload, Uploads, WriteAnswer } from '../contract.js';
import { Fault } from '../errors.js';
import { nameOf } from '../kinds/files.js';
import { faultOf, ifThere, linked } from '../local/local-files.js';
import { answerOf, taken } from './answers.js';
import { secondsOf, timeOf } from './entry.js';
import { parentOf } from './grouped.js';
import type { HeldFolder } from './held-folder.js';
import { holdFolder, makeFolder, partsOf, partsToWrite } from './held-folder.js';
import { journalOf, readJournal } from './journal.js';
import {
  beginParts,
  checkToken,
  countOf,
  identityOf,
  journalFor,
  PART_BYTES,
  partsGone,
  statsOfParts,
  writePart,
} from './parts.js';
import { openStaging } from './staging.js';
import type { Spot } from './write-entry.js';
import { standing, statsAt, writtenAs } from './write-entry.js';

export interface UploadsDeps {
  /** The folder, without links; throws when the session has ended or the signal has fired. */
  readonly root: (signal: AbortSignal) => Promise<string>;
  readonly check: (signal: AbortSignal) => void;
}

export function createUploads({ root, check }: UploadsDeps): Uploads {
  async function within<T>(
    doing: string,
    upload: Upload,
    signal: AbortSignal,
    work: (staging: HeldFolder, root: string) => Promise<T>,
  ): Promise<T> {
    checkToken(upload);
    try {
      const at = await root(signal);
      const staging = await openStaging(at);
      try {
        return await work(staging, at);
      } finally {
        await staging.close();
      }
    } catch (error) {
      throw faultOf(error, `${doing} ${JSON.stringify(upload.path)}`);
    }
  }

  return {
    anyOrder: true,
    async partBytes(_bytes, signal) {
      check(signal);
      return PART_BYTES;
    },
    begin: (_container, upload, signal) =>
      within('making room for', upload, signal, async (staging) => {
        try {
          await beginParts(staging, upload);
        } catch (error) {
          // FAT holds no file of 4 GiB: no other room on the disk helps.
          if ((error as NodeJS.ErrnoException).code !== 'EFBIG') throw error;
          throw new Fault('refused', `the file system holds no file of ${upload.bytes} bytes: EFBIG`, {
            next: 'leave it out, or use a target with another file system',
          });
        }
      }),
    acknowledged: (_container, upload, signal) =>
      within('resuming', upload, signal, async (staging, at) => {
        const journal = await readJournal(staging, upload);
        if (!journal) return new Set<number>();
        if (await hasLanded(at, upload, journal.file)) return all(upload);
        return (await journalFor(staging, upload))?.parts ?? new Set<number>();
      }),
    send: (_container, upload, part, content, signal) =>
      within('writing', upload, signal, (staging) => writePart(staging, upload, part, content, () => check(signal))),
    finish: (_container, upload, version, signal) =>
      within('finishing', upload, signal, async (staging, at) => {
        const touched: (readonly string[])[] = [];
        try {
          const parts = partsToWrite(upload.path);
          const folder = await makeFolder(at, parts.slice(0, -1), (parent) => touched.push(parent));
          try {
            const spot = { folder, name: nameOf(upload.path), ref: upload.path };
            const answer = await place(staging, upload, spot, version);
            for (const one of touched) await syncAt(at, one);
            return answer;
          } finally {
            await folder.close();
          }
        } catch (error) {
          const answer = answerOf(error, upload.token, upload.path);
          if (answer) return answer;
          throw error;
        }
      }),
    abort: (_container, upload, signal) =>
      within('clearing', upload, signal, async (staging) => {
        await ifThere(unlink(staging.at(upload.token)));
        await ifThere(unlink(staging.at(journalOf(upload))));
      }),
  };
}

/** By the inode: a process may have died between the rename and the word of it. */
async function hasLanded(root: string, upload: Upload, file: string): Promise<boolean> {
  const parent = parentOf(upload.path);
  const folder = await holdFolder(root, parent === '' ? [] : partsOf(parent));
  if (!folder) return false;
  try {
    const stats = await statsAt({ folder, name: nameOf(upload.path), ref: upload.path });
    return stats !== undefined && identityOf(stats) === file;
  } finally {
    await folder.close();
  }
}

async function place(
  staging: HeldFolder,
  upload: Upload,
  spot: Spot,
  version: string | undefined,
): Promise<WriteAnswer> {
  const { token, path } = upload;
  const journal = await readJournal(staging, upload);
  const there = await statsAt(spot);
  if (!journal) return withoutParts(upload, there);
  if (!there || identityOf(there) !== journal.file) {
    const staged = await statsOfParts(staging, upload);
    if (!staged || identityOf(staged) !== journal.file) throw partsGone(upload);
    for (let part = 0; part < countOf(upload); part++) if (!journal.parts.has(part)) throw partsGone(upload);
    const mode = version === undefined ? undefined : await standing(token, spot, version);
    if (mode && 'conflicted' in mode) return mode;
    await dress(staging.at(token), upload, mode && Number(mode.mode) & 0o777);
    if (version !== undefined) await rename(staging.at(token), spot.folder.at(spot.name));
    else if ((await linked(staging.at(token), spot.folder.at(spot.name))) === 'taken') return taken(token, path);
  }
  await spot.folder.sync();
  const stats = await statsAt(spot);
  if (!stats || identityOf(stats) !== journal.file) throw movedOn(upload);
  await ifThere(unlink(staging.at(token)));
  await ifThere(unlink(staging.at(journalOf(upload))));
  return writtenAs(token, path, stats);
}

/** Asked again when all was done: what stands there has the size and the date that it got. */
function withoutParts(upload: Upload, there: BigIntStats | undefined): WriteAnswer {
  if (!there?.isFile() || there.size !== BigInt(upload.bytes)) throw partsGone(upload);
  const modified = dateOf(upload);
  if (modified === undefined) return taken(upload.token, upload.path);
  if (Math.abs(Number(there.mtimeNs) / 1e6 - modified * 1000) >= 1) throw partsGone(upload);
  return writtenAs(upload.token, upload.path, there);
}

function dateOf({ meta }: Upload): number | undefined {
  return secondsOf(typeof meta.modified === 'string' ? meta.modified : undefined);
}

/** Its date, and what the one that it replaces lets others do with it. */
async function dress(path: string, upload: Upload, mode: number | undefined): Promise<void> {
  if (mode !== undefined) await chmod(path, mode);
  const modified = dateOf(upload);
  if (modified !== undefined) await lutimes(path, timeOf(modified), timeOf(modified));
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncAt(root: string, parts: readonly string[]): Promise<void> {
  const folder = await holdFolder(root, parts);
  try {
    await folder?.sync();
  } finally {
    await folder?.close();
  }
}

function all(upload: Upload): ReadonlySet<number> {
  return new Set(Array.from({ length: countOf(upload) }, (_, part) => part));
}

function movedOn({ path }: Upload): Fault {
  return new Fault('unavailable', `${JSON.stringify(path)} was deleted while it was being written`, {
    next: 'let no other program work on the folder meanwhile',
  });
}
