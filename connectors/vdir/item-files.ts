/** Items as files of a folder (https://vdirsyncer.pimutils.org/en/stable/vdir.html): one each, whole or not there. */
import type { BigIntStats } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ifThere } from '../local-files.js';

export interface ItemFile {
  readonly name: string;
  readonly version: string;
  readonly bytes: number;
}

/** Files looked at at once. */
const AT_ONCE = 16;

/** Items by name, ascending. Hidden files, and what another program is still writing, are none. */
export async function itemFilesIn(folder: string, suffix: string): Promise<ItemFile[]> {
  const names = (await readdir(folder)).filter((name) => isItem(name, suffix)).sort(byBytes);
  const files = await atOnce(names, (name) => itemFile(folder, name));
  return files.flatMap((file) => file ?? []);
}

/** Undefined when it is not there, or is no file. */
export async function itemFile(folder: string, name: string): Promise<ItemFile | undefined> {
  const found = await ifThere(stat(join(folder, name), { bigint: true }));
  return found?.isFile() ? { name, version: versionOf(found), bytes: Number(found.size) } : undefined;
}

export async function contentOf(folder: string, name: string): Promise<Buffer | undefined> {
  return ifThere(readFile(join(folder, name)));
}

/** A file that is replaced has another inode, one that is edited in place another time or size. */
export function versionOf({ mtimeNs, size, ino }: Pick<BigIntStats, 'mtimeNs' | 'size' | 'ino'>): string {
  return `${mtimeNs}-${size}-${ino}`;
}

export function isItem(name: string, suffix: string): boolean {
  return !name.startsWith('.') && name.toLowerCase().endsWith(suffix);
}

/** As listings are ordered: by UTF-16 units, as the engine compares keys. */
function byBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export async function atOnce<T, R>(entries: readonly T[], work: (entry: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < entries.length; at += AT_ONCE) {
    results.push(...(await Promise.all(entries.slice(at, at + AT_ONCE).map(work))));
  }
  return results;
}
