/** What the files benchmark moves: random bytes, which no file system and no connection can make smaller. */
import { randomFillSync } from 'node:crypto';
import { mkdir, open, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { giveAll } from '../tests/servers/apache.js';

/** Files of one size, in folders of as many each. */
export interface Tree {
  readonly name: string;
  /** Paths of folders and of files below the root, parents first. */
  readonly folders: readonly string[];
  readonly files: readonly string[];
  /** Of each file, in the order of `files`. */
  readonly bytes: readonly number[];
}

export function smallTree(files: number, folders: number, bytes: number): Tree {
  const names = Array.from({ length: folders }, (_, n) => `folder-${String(n).padStart(3, '0')}`);
  const paths = Array.from({ length: files }, (_, n) => `${names[n % folders]}/file-${n}.bin`);
  return { name: `${files} files of ${bytes} bytes`, folders: names, files: paths, bytes: paths.map(() => bytes) };
}

export function largeTree(files: number, mb: number): Tree {
  const paths = Array.from({ length: files }, (_, n) => `large-${n}.bin`);
  return { name: `${files} x ${mb} MB`, folders: [], files: paths, bytes: paths.map(() => mb * 1024 * 1024) };
}

/** All of a tree's bytes, in MB of 1024 * 1024. */
export function megabytes({ bytes }: Tree): number {
  return bytes.reduce((sum, each) => sum + each, 0) / (1024 * 1024);
}

/** Old enough that a server trusts its own ETags, which it does not within a second of a change. */
const LONG_AGO = new Date('2020-05-17T12:00:00Z');
const CHUNK = 4 * 1024 * 1024;

/** Writes a tree below a folder of an Apache, and gives it to the server's user. */
export async function plant(root: string, { folders, files, bytes }: Tree): Promise<void> {
  await mkdir(root, { recursive: true });
  for (const folder of folders) await mkdir(join(root, folder), { recursive: true });
  const random = Buffer.allocUnsafe(CHUNK);
  for (const [at, path] of files.entries()) {
    const size = bytes[at] ?? 0;
    if (size <= CHUNK) await writeFile(join(root, path), randomFillSync(random, 0, size).subarray(0, size));
    else await writeLarge(join(root, path), size, random);
    await utimes(join(root, path), LONG_AGO, LONG_AGO);
  }
  await giveAll(root);
}

async function writeLarge(path: string, size: number, random: Buffer): Promise<void> {
  const file = await open(path, 'wx');
  try {
    for (let left = size; left > 0; left -= CHUNK) await file.writeFile(randomFillSync(random).subarray(0, left));
  } finally {
    await file.close();
  }
}

/** Throws unless a folder holds as many files as the tree: a contender that leaves some out is not fast. */
export async function requireAll(root: string, { name, files }: Tree, who: string): Promise<void> {
  const there = await readdir(root, { recursive: true, withFileTypes: true });
  const count = there.filter((entry) => entry.isFile()).length;
  if (count !== files.length) throw new Error(`${who}, ${name}: ${count} of ${files.length} files arrived`);
}
