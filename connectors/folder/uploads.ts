/** Large files: written in place into a file aside, of which a journal tells the parts that are safe. */
import { mkdir, open, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Upload, Uploads, WriteAnswer } from '../contract.js';
import { Fault } from '../errors.js';
import { BLOCK_BYTES } from '../files.js';
import { ifThere, onFiles } from '../local-files.js';
import { locationOf, statsAt } from './copies.js';
import { another, keepDate, makeParents, putNew, putOver, taken, uploadsIn, written } from './write.js';

const PART_BYTES = 8 * BLOCK_BYTES;

export function createUploads(root: (signal: AbortSignal) => Promise<string>): Uploads {
  const folderOf = async (upload: Upload, signal: AbortSignal): Promise<string> =>
    join(await uploadsIn(await root(signal)), upload.token);

  return {
    anyOrder: true,
    async partBytes() {
      return PART_BYTES;
    },
    begin: (_container, upload, signal) =>
      onFiles(`beginning ${upload.path}`, async () => {
        await mkdir(await folderOf(upload, signal), { recursive: true });
      }),
    acknowledged: (_container, upload, signal) =>
      onFiles(`resuming ${upload.path}`, async () => {
        const journal = await ifThere(readFile(join(await folderOf(upload, signal), 'parts'), 'utf8'));
        // A last line without its end was being written when the process died.
        const lines = (journal ?? '').split('\n').slice(0, -1);
        return new Set(lines.map(Number));
      }),
    send: (_container, upload, part, content, signal) =>
      onFiles(`writing ${upload.path}`, async () => {
        const folder = await folderOf(upload, signal);
        const file = await open(join(folder, 'content'), 'a').then(async (made) => {
          await made.close();
          return open(join(folder, 'content'), 'r+');
        });
        try {
          let at = part * upload.partBytes;
          const end = Math.min(at + upload.partBytes, upload.bytes);
          for await (const chunk of content) {
            signal.throwIfAborted();
            await writeAll(file, chunk, at);
            at += chunk.length;
          }
          if (at !== end) throw new Fault('unavailable', `a part of ${upload.path} came with another size`);
          await file.datasync();
        } finally {
          await file.close();
        }
        const journal = await open(join(folder, 'parts'), 'a');
        try {
          await journal.writeFile(`${part}\n`);
          await journal.datasync();
        } finally {
          await journal.close();
        }
      }),
    finish: (_container, upload, version, signal) =>
      onFiles(`finishing ${upload.path}`, async (): Promise<WriteAnswer> => {
        const at = await root(signal);
        const folder = await folderOf(upload, signal);
        const aside = join(folder, 'content');
        const standing = await statsAt(at, upload.path);
        const whole = await ifThere(stat(aside));
        if (!whole) return landed(at, upload, standing?.bytes);
        await keepDate(aside, upload.meta.modified);
        const to = await locationOf(at, upload.path);
        if (version === undefined) {
          await makeParents(at, upload.path);
          // A second name that a dead process gave it, without taking the first one away.
          const same = standing && (await stat(to)).ino === whole.ino;
          if (!same && !(await putNew(aside, to))) return taken(upload.token, upload.path);
        } else {
          if (!standing || standing.version !== version) return another(upload.token, upload.path);
          await putOver(aside, to);
        }
        await rm(folder, { recursive: true, force: true });
        return written(at, upload.token, upload.path);
      }),
    abort: (_container, upload, signal) =>
      onFiles(`clearing ${upload.path}`, async () => {
        await rm(await folderOf(upload, signal), { recursive: true, force: true });
      }),
  };
}

/** The parts are gone: it was put in its place, or was cleared away. */
async function landed(root: string, upload: Upload, bytes: number | undefined): Promise<WriteAnswer> {
  if (bytes === upload.bytes) return written(root, upload.token, upload.path);
  throw new Fault('not-found', `the parts of ${upload.path} are gone from the target`, { next: 'it is sent anew' });
}

async function writeAll(file: Awaited<ReturnType<typeof open>>, chunk: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    const { bytesWritten } = await file.write(chunk, done, chunk.length - done, at + done);
    done += bytesWritten;
  }
}
