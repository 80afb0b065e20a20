/** A tree in the order of its keys: depth first, one folder in memory for each level. */
import type { BigIntStats, Dirent } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ItemRef, OpensFolder, Page } from '../contract.js';
import { Fault } from '../errors.js';
import { unseen } from '../kinds/files.js';
import { compareKeys, isAbove } from '../kinds/key-order.js';
import { errnoOf, faultOf, ifThere, onFiles } from '../local/local-files.js';
import { metaOf, typeOf, versionOf } from './entry.js';
import type { HeldFolder } from './held-folder.js';
import { holdFolder, STAGING } from './held-folder.js';
import type { LinkPolicy } from './resolve.js';
import { resolve } from './resolve.js';
import { unreadableNames } from './unreadable-names.js';

const PAGE = 1_000;
/** Entries looked at ahead. */
const WINDOW = 500;
/** Folders above the current one that stay open: trees may be deeper than a process may have files open. */
const HELD = 32;

interface Level {
  /** The key of the folder; '' for the root. */
  readonly key: string;
  /** Where it is, from the root on: differs from the key behind a link that is followed. */
  readonly parts: readonly string[];
  /** Ascending; those of folders end with "/". */
  readonly names: readonly string[];
  /** Links that are followed, by name: what stands where they point to. */
  readonly followed: ReadonlyMap<string, Followed>;
  /** Names that are shown and cannot be opened: they are not text. */
  readonly unreadable: ReadonlySet<string>;
  held: HeldFolder | undefined;
  next: number;
  /** What was found of the names from `from` on. */
  ahead: { readonly from: number; readonly stats: readonly Looked[] };
}

interface Followed {
  readonly parts: readonly string[];
  readonly stats: BigIntStats;
}

export interface WalkDeps {
  readonly root: string;
  readonly links: LinkPolicy;
  /** Throws when the session has ended. */
  readonly check: () => void;
  readonly opens?: OpensFolder | undefined;
}

/** Entries with a key above `after`. What vanishes meanwhile is left out. A folder that cannot be read is unseen (files.ts). */
export async function* walk(deps: WalkDeps, after: string | undefined): AsyncGenerator<Page<ItemRef>> {
  const stack: Level[] = [];
  let entries: ItemRef[] = [];
  try {
    const root = await openLevel(deps, { key: '', parts: [] }, stack);
    if (!root || 'closed' in root) {
      throw new Fault('not-found', `${deps.root} is not a folder`, { next: 'check the path in the spec' });
    }
    stack.push(root);
    for (let level = stack.at(-1); level; level = stack.at(-1)) {
      const name = level.names[level.next++];
      if (name === undefined) {
        await level.held?.close();
        stack.pop();
        continue;
      }
      const key = level.key + name;
      const above = after === undefined || isAbove(key, after);
      if (!above && !(name.endsWith('/') && after.startsWith(key))) continue;
      const entry = above ? await entryOf(deps, level, key) : undefined;
      if (above && !entry) continue;
      const enters = name.endsWith('/') && !level.unreadable.has(name) && (deps.opens?.(key) ?? true);
      const below = enters ? await openLevel(deps, { key, parts: partsBelow(level, name) }, stack) : undefined;
      if (below && 'closed' in below) {
        // It was open when the listing began that this one goes on with: that is not whole any more.
        if (!above) throw new Fault('refused', below.closed);
        entries.push(unseen(key, below.closed));
      } else {
        if (entry) entries.push(entry);
        if (below) stack.push(below);
      }
      if (below) {
        await stack.at(-HELD)?.held?.close();
        const far = stack.at(-HELD);
        if (far) far.held = undefined;
      }
      if (entries.length >= PAGE) {
        yield { entries };
        entries = [];
        deps.check();
      }
    }
    if (entries.length > 0) yield { entries };
  } finally {
    for (const level of stack) await level.held?.close();
  }
}

function partsBelow(level: Level, name: string): readonly string[] {
  return level.followed.get(name)?.parts ?? [...level.parts, name.slice(0, -1)];
}

/** Why a folder cannot be read. */
interface Closed {
  readonly closed: string;
}

/** Undefined when the folder has vanished. */
async function openLevel(
  { root, links, check }: WalkDeps,
  { key, parts }: { readonly key: string; readonly parts: readonly string[] },
  stack: readonly Level[],
): Promise<Level | Closed | undefined> {
  check();
  let held: HeldFolder | undefined;
  try {
    held = await holdFolder(root, parts);
    if (!held) return undefined;
    const dirents = (await readdir(held.path, { withFileTypes: true })).filter(
      (one) => key !== '' || one.name !== STAGING,
    );
    const unreadable = await unreadableNames(held, dirents);
    const followed = new Map<string, Followed>();
    const names: string[] = [];
    for (const dirent of dirents) {
      if (unreadable.spoilt.has(dirent.name)) continue;
      const to = links === 'follow' && dirent.isSymbolicLink() ? await follow(root, parts, dirent, stack) : undefined;
      const name = dirent.isDirectory() || to?.stats.isDirectory() ? `${dirent.name}/` : dirent.name;
      if (to) followed.set(name, to);
      names.push(name);
    }
    names.push(...unreadable.shown);
    const shown = new Set(unreadable.shown);
    return {
      key,
      parts,
      names: names.sort(compareKeys),
      followed,
      unreadable: shown,
      held,
      next: 0,
      ahead: { from: 0, stats: [] },
    };
  } catch (error) {
    await held?.close();
    if (forbidden(error) && isLostAndFound(key)) return undefined;
    const closed = key === '' ? undefined : closedBy(error);
    if (closed !== undefined) return { closed };
    throw faultOf(error, `listing ${key === '' ? root : JSON.stringify(key)}`);
  }
}

/** Undefined for links that lead nowhere, out, or back: they are shown as links, and refused when read. */
async function follow(
  root: string,
  parts: readonly string[],
  { name }: Dirent,
  stack: readonly Level[],
): Promise<Followed | undefined> {
  const to = await resolve(root, [...parts, name]);
  if (!to || 'problem' in to) return undefined;
  const stats = await ifThere(lstat(join(root, ...to.parts), { bigint: true }));
  if (!stats) return undefined;
  const back = [...stack.map((level) => level.parts), parts].some((one) =>
    to.parts.every((name, at) => one[at] === name),
  );
  return stats.isDirectory() && back ? undefined : { parts: to.parts, stats };
}

/** Undefined when it has vanished, or has become something else that belongs elsewhere in the order. */
async function entryOf({ root }: WalkDeps, level: Level, key: string): Promise<ItemRef | undefined> {
  const name = level.names[level.next - 1] as string;
  if (level.unreadable.has(name)) return special(key);
  const stats = level.followed.get(name)?.stats ?? (await statsOf(root, level));
  if (typeof stats === 'string') return unseen(key, stats);
  if (!stats || stats.isDirectory() !== name.endsWith('/')) return undefined;
  const type = typeOf(stats);
  if (!type) return special(key);
  const bytes = type === 'folder' ? 0 : Number(stats.size);
  return { key, version: versionOf(stats), bytes, rank: 0, meta: metaOf(stats, type) };
}

/** What is named, and refused when it is read. */
function special(key: string): ItemRef {
  return { key, version: 'unreadable', bytes: 0, rank: 0, meta: { type: key.endsWith('/') ? 'folder' : 'file' } };
}

/** In words: why one entry cannot be looked at. */
type Looked = BigIntStats | string | undefined;

async function statsOf(root: string, level: Level): Promise<Looked> {
  const at = level.next - 1;
  if (at >= level.ahead.from + level.ahead.stats.length) {
    level.held ??= await holdFolder(root, level.parts);
    const { held } = level;
    if (!held) return undefined;
    const names = level.names.slice(at, at + WINDOW);
    const doing = `listing ${level.key === '' ? root : JSON.stringify(level.key)}`;
    const stats = await onFiles(doing, () => Promise.all(names.map((name) => lookAt(held, name))));
    level.ahead = { from: at, stats };
  }
  return level.ahead.stats[at - level.ahead.from];
}

async function lookAt(held: HeldFolder, name: string): Promise<Looked> {
  try {
    return await ifThere(lstat(held.at(name.endsWith('/') ? name.slice(0, -1) : name), { bigint: true }));
  } catch (error) {
    const closed = closedBy(error);
    if (closed !== undefined) return closed;
    throw error;
  }
}

/** Why one folder, or one entry, cannot be had; undefined for what concerns more than it. */
function closedBy(error: unknown): string | undefined {
  if (forbidden(error)) return `it cannot be opened: ${errnoOf(error)}; give the worker’s user access to it`;
  const reason = OF_ONE[errnoOf(error) ?? ''];
  if (reason !== undefined) return `it cannot be opened: ${errnoOf(error)}; ${reason}`;
  return error instanceof Fault && error.code === 'refused' ? `${error.message}; ${error.next ?? 'see it'}` : undefined;
}

/** What a damaged disk, or one server behind a mount, says of single folders. */
const OF_ONE: Readonly<Record<string, string>> = {
  EIO: 'the disk or the share fails there: check it',
  EUCLEAN: 'the file system is damaged there: check it',
  EBADMSG: 'the file system is damaged there: check it',
  ENAMETOOLONG: 'its path is too long for the worker’s system',
  EOVERFLOW: 'the worker’s system has no numbers for it',
  ELOOP: 'links lead in a circle there',
};

export function forbidden(error: unknown): boolean {
  return errnoOf(error) === 'EACCES' || errnoOf(error) === 'EPERM';
}

/** The folder that fsck keeps at the root of a disk, for root alone: no user's data is in it. */
export function isLostAndFound(key: string): boolean {
  return key === 'lost+found/';
}
