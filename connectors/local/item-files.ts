/** Items as files of a folder (https://vdirsyncer.pimutils.org/en/stable/vdir.html): one each, whole or not there. */
import type { BigIntStats } from 'node:fs';
import { constants } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Kind } from '../contract.js';
import { compareKeys } from '../kinds/key-order.js';
import { errnoOf, ifThere } from './local-files.js';

export type VdirKind = Extract<Kind, 'calendar' | 'contacts'>;
export type Suffix = '.ics' | '.vcf';

export interface ItemFile {
  readonly name: string;
  readonly version: string;
  readonly bytes: number;
}

export function suffixOf(kind: VdirKind): Suffix {
  return kind === 'calendar' ? '.ics' : '.vcf';
}

/** Hidden files, and what another program is still writing, are not items. */
export function isItem(name: string, suffix: Suffix): boolean {
  return !name.startsWith('.') && name.toLowerCase().endsWith(suffix);
}

/** Items by name, ascending, as the engine compares keys. Symbolic links could lead anywhere and are none. */
export async function itemFilesIn(folder: string, suffix: Suffix): Promise<ItemFile[]> {
  const names = (await readdir(folder)).filter((name) => isItem(name, suffix)).sort(compareKeys);
  return (await atOnce(names, (name) => itemFile(folder, name))).flatMap((file) => file ?? []);
}

/** Undefined when it is not there, or is not a plain file. */
export async function itemFile(folder: string, name: string): Promise<ItemFile | undefined> {
  const found = await ifThere(lstat(join(folder, name), { bigint: true }));
  return found?.isFile() ? { name, version: versionOf(found), bytes: Number(found.size) } : undefined;
}

/** Undefined when it is not there, or is not a plain file. */
export async function contentOf(folder: string, name: string): Promise<Buffer | undefined> {
  try {
    const file = await open(join(folder, name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      return (await file.stat()).isFile() ? await file.readFile() : undefined;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ELOOP') return undefined;
    throw error;
  }
}

/** A file that is replaced has another inode, one that is edited in place another time or size. */
export function versionOf({ mtimeNs, size, ino }: Pick<BigIntStats, 'mtimeNs' | 'size' | 'ino'>): string {
  return `${mtimeNs}-${size}-${ino}`;
}

/** Files worked on at one time. */
const AT_ONCE = 16;

/** In the order of `entries`. All have ended when this ends; the first failure is thrown then. */
export async function atOnce<T, R>(entries: readonly T[], work: (entry: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  let failed: { readonly error: unknown } | undefined;
  const lane = async (): Promise<void> => {
    while (next < entries.length && !failed) {
      const at = next++;
      try {
        results[at] = await work(entries[at] as T);
      } catch (error) {
        failed ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, entries.length) }, lane));
  if (failed) throw failed.error;
  return results;
}
