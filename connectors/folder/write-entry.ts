/** One change of a tree, in folders that are held open. Whole, or not at all; nothing is overwritten unseen. */
import type { BigIntStats } from 'node:fs';
import { lstat, readdir, rename, rmdir, unlink } from 'node:fs/promises';
import type { WriteAnswer, Written } from '../contract.js';
import type { FileBody } from '../kinds/files.js';
import { errnoOf, ifThere, linked } from '../local/local-files.js';
import { edited, missing, taken } from './answers.js';
import { metaOf, typeOf, versionOf } from './entry.js';
import type { HeldFolder } from './held-folder.js';
import { stage } from './staging.js';

/** An entry by its folder and its name there. */
export interface Spot {
  readonly folder: HeldFolder;
  readonly name: string;
  /** Its path below the root. */
  readonly ref: string;
}

export function statsAt({ folder, name }: Spot): Promise<BigIntStats | undefined> {
  return ifThere(lstat(folder.at(name), { bigint: true }));
}

export function writtenAs(token: string, ref: string, stats: BigIntStats): Written {
  const type = typeOf(stats);
  return { token, ref, version: versionOf(stats), ...(type && { meta: metaOf(stats, type) }) };
}

export async function create(token: string, spot: Spot, body: FileBody, staging: HeldFolder): Promise<WriteAnswer> {
  const staged = await stage(staging, body);
  const how = await nameIt(staging.at(staged.name), spot);
  return how ? writtenAs(token, spot.ref, staged.stats) : taken(token, spot.ref);
}

/** Gives the staged file its name; returns false when the name is taken. Nothing stays staged, whatever happens. */
async function nameIt(staging: string, { folder, name }: Spot): Promise<boolean> {
  let how: Awaited<ReturnType<typeof linked>> | undefined;
  try {
    how = await linked(staging, folder.at(name));
  } finally {
    if (how !== 'renamed') await unlink(staging);
  }
  return how !== 'taken';
}

/** No file system compares and swaps: what another program writes between the look and the rename is lost. */
export async function update(
  token: string,
  spot: Spot,
  version: string | undefined,
  body: FileBody,
  staging: HeldFolder,
): Promise<WriteAnswer> {
  const before = await standing(token, spot, version);
  if ('conflicted' in before) return before;
  const staged = await stage(staging, body, Number(before.mode) & 0o777);
  try {
    const now = await standing(token, spot, version ?? versionOf(before));
    if ('conflicted' in now) return now;
    await rename(staging.at(staged.name), spot.folder.at(spot.name));
  } finally {
    await ifThere(unlink(staging.at(staged.name)));
  }
  return writtenAs(token, spot.ref, staged.stats);
}

/** What stands there, where it is a file or a link and has the version. */
export async function standing(
  token: string,
  spot: Spot,
  version: string | undefined,
): Promise<BigIntStats | (WriteAnswer & { readonly conflicted: string })> {
  const stats = await statsAt(spot);
  if (!stats) return missing(token, spot.ref);
  if (stats.isDirectory() || (version !== undefined && versionOf(stats) !== version)) return edited(token, spot.ref);
  return stats;
}

export async function remove(token: string, spot: Spot, version: string | undefined): Promise<WriteAnswer> {
  if (spot.ref.endsWith('/')) return removeFolder(token, spot);
  if (!(await statsAt(spot))) return { token };
  const now = await standing(token, spot, version);
  if ('conflicted' in now) return now;
  await ifThere(unlink(spot.folder.at(spot.name)));
  return { token };
}

async function removeFolder(token: string, spot: Spot): Promise<WriteAnswer> {
  try {
    await rmdir(spot.folder.at(spot.name));
    return { token };
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT') return { token };
    if (errno === 'ENOTEMPTY' || errno === 'EEXIST')
      return { conflicted: token, ref: spot.ref, reason: 'the folder is not empty' };
    if (errno === 'ENOTDIR') return edited(token, spot.ref);
    throw error;
  }
}

/** Asked again after a crash, it ends what was begun. A folder moves with all that it holds. */
export async function move(token: string, from: Spot, to: Spot, version: string | undefined): Promise<WriteAnswer> {
  const [stats, other] = [await statsAt(from), await statsAt(to)];
  if (!stats) {
    // Moves keep the version.
    const landed = other && version !== undefined && version !== '' && versionOf(other) === version;
    return landed ? writtenAs(token, to.ref, other) : missing(token, from.ref);
  }
  if (stats.isDirectory() !== from.ref.endsWith('/')) return edited(token, from.ref);
  if (version !== undefined && versionOf(stats) !== version) return edited(token, from.ref);
  if (stats.isDirectory()) {
    // A rename takes the place of an empty folder; of nothing else.
    if (other) return taken(token, to.ref);
    await rename(from.folder.at(from.name), to.folder.at(to.name));
    return writtenAs(token, to.ref, stats);
  }
  const twice = other?.ino === stats.ino && other.dev === stats.dev;
  // Two names of one file, or one name: where case does not count the file is found under its new name already, and
  // taking the old one away would take away the file.
  if (twice && !(await isListed(to))) {
    await rename(from.folder.at(from.name), to.folder.at(to.name));
    return writtenAs(token, to.ref, stats);
  }
  // One name, or one that was taken away before, when this was asked for the first time.
  if (twice && (from.ref === to.ref || !(await isListed(from)))) return writtenAs(token, to.ref, stats);
  const how = twice ? 'linked' : await linked(from.folder.at(from.name), to.folder.at(to.name));
  if (how === 'taken') return taken(token, to.ref);
  if (how === 'linked') await ifThere(unlink(from.folder.at(from.name)));
  return writtenAs(token, to.ref, stats);
}

/** Whether the folder holds an entry of just this name, and not one that is only found by it. */
async function isListed({ folder, name }: Spot): Promise<boolean> {
  return (await readdir(folder.path)).includes(name);
}
