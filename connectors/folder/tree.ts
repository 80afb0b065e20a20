/** What a tree on disk holds, and how its entries are told apart. */
import type { BigIntStats } from 'node:fs';
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Container, ItemRef, Place } from '../contract.js';
import { Fault } from '../errors.js';
import type { FileMeta, FileType } from '../files.js';
import { errnoOf, ifThere, onFiles, provenPath } from '../local-files.js';

/** What becomes of symbolic links in a source. */
export type Links = 'skip' | 'keep' | 'follow';

/** Where a target keeps what is not whole yet; never listed. */
export const UPLOADS = '.drover-uploads';

/** The one container. */
export const ROOT: Container = { key: '/', path: [], validity: '1' };

/** The folder a spec names, without symbolic links. Throws `Fault('not-found')` when there is none. */
export async function rootOf(path: string): Promise<string> {
  if (!(await onFiles(`opening ${path}`, () => ifThere(stat(path))))?.isDirectory()) {
    throw new Fault('not-found', `there is no folder ${path}`, {
      next: 'check the path in the spec, as the worker sees it',
    });
  }
  return provenPath(path);
}

export async function placeOf(path: string): Promise<Place> {
  const system = `folder://${hostname()}`;
  return { proof: system + encodeURI(await provenPath(path)), system };
}

/** The version of what stands there: differs when content differs, but for edits within a tick of the clock. */
export function versionOf(stats: BigIntStats): string {
  return `${stats.size}.${stats.mtimeNs.toString(36)}.${stats.ino.toString(36)}`;
}

/** The entries of one folder. `folder` is a key. */
export async function childrenOf(root: string, folder: string, links: Links): Promise<ItemRef[]> {
  const at = join(root, folder);
  const names = await onFiles(`listing ${folder || '/'}`, () => readdir(at));
  const entries: ItemRef[] = [];
  for (let from = 0; from < names.length; from += AT_ONCE) {
    const some = names.slice(from, from + AT_ONCE);
    const found = await Promise.all(
      some.map((name) =>
        folder === '' && name === UPLOADS ? undefined : refOf(root, folder, name, links).catch((error) => error),
      ),
    );
    for (const one of found) {
      if (one instanceof Error) throw one;
      if (one) entries.push(one);
    }
  }
  return entries;
}

/** Questions to the file system at one time. */
const AT_ONCE = 64;

async function refOf(root: string, folder: string, name: string, links: Links): Promise<ItemRef | undefined> {
  const path = join(root, folder, name);
  const own = await onFiles(`looking at ${folder}${name}`, () => ifThere(lstat(path, { bigint: true })));
  if (!own) return undefined;
  const followed = own.isSymbolicLink() && links === 'follow' ? await followedTo(root, folder, path) : undefined;
  const stats = followed ?? own;
  const type = typeOf(stats);
  const isFolder = type === 'folder';
  return {
    key: folder + name + (isFolder ? '/' : ''),
    version: isFolder ? '' : versionOf(stats),
    bytes: type === 'file' ? Number(stats.size) : 0,
    rank: 0,
    meta: metaOf(stats, type),
  };
}

function typeOf(stats: BigIntStats): FileType {
  if (stats.isDirectory()) return 'folder';
  return stats.isSymbolicLink() ? 'link' : 'file';
}

export function metaOf(stats: BigIntStats, type: FileType): FileMeta {
  return {
    type,
    ...(type !== 'folder' && { modified: new Date(Number(stats.mtimeMs)).toISOString() }),
    ...(type === 'file' && { id: `${stats.dev}:${stats.ino}` }),
    // Sockets, devices and pipes have no content that could move.
    ...(type === 'file' && !stats.isFile() && { special: true }),
  };
}

/** What a link points to, where that is inside the root and not above the link itself. */
async function followedTo(root: string, folder: string, path: string): Promise<BigIntStats | undefined> {
  const real = await realpath(path).catch((error) => {
    // Broken, or a link to itself: it stays a link.
    if (['ENOENT', 'ELOOP', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  });
  if (real === undefined || !(real === root || real.startsWith(`${root}/`))) return undefined;
  const here = await realpath(join(root, folder));
  if (here === real || here.startsWith(`${real}/`)) return undefined;
  return stat(real, { bigint: true });
}
