/**
 * Where the folders of a Maildir are. Maildir++: `.Folder.Sub` beside the inbox's `cur`; fs: `Folder/Sub`.
 * Names are in modified UTF-7, as Dovecot keeps them; characters the layout needs for itself are escaped
 * the same way (`.` as `&AC4-`), so every name is possible and none leads out of the root.
 */
import { lstat, readdir } from 'node:fs/promises';
import { Fault } from '../errors.js';
import { decodeModifiedUtf7, encodeModifiedUtf7 } from '../formats/modified-utf7.js';
import { compareKeys } from '../kinds/key-order.js';
import { errnoOf, ifThere, inside, onFiles } from '../local/local-files.js';
import type { FilePath } from './raw-names.js';
import { below, isRaw, nameOf, shownName } from './raw-names.js';

export type Layout = 'maildir++' | 'fs';

export interface Folder {
  /** Names of the folders below the root, joined by `/`; empty for the inbox. */
  readonly key: string;
  readonly path: readonly string[];
}

export const INBOX: Folder = { key: '', path: ['INBOX'] };

/** Names that stand beside folders in the fs layout, and would be taken for them or overwritten. */
const TAKEN = /^(?:cur|new|tmp|\.|~|dovecot|maildir|subscriptions|courier)/;

export function isInbox(path: readonly string[]): boolean {
  return path.length === 1 && path[0]?.toUpperCase() === 'INBOX';
}

/** The key a folder of ours has. Throws `Fault('refused')` for a name without a character. */
export function folderKey(path: readonly string[], layout: Layout): string {
  if (isInbox(path)) return INBOX.key;
  if (path.length === 0 || path.includes('')) {
    throw new Fault('refused', 'a folder without a name cannot be made', { next: 'map the folder to a name' });
  }
  if (layout === 'fs') {
    return path
      .map((name) => encodeModifiedUtf7(name, (char, at) => char === '/' || (at === 0 && TAKEN.test(name))))
      .join('/');
  }
  return path.map((name) => `.${encodeModifiedUtf7(name, (char) => char === '.' || char === '/')}`).join('');
}

/** What a person should know of how a folder is named on disk. Seen with Dovecot 2.3.19. */
export function notesOn(path: readonly string[], layout: Layout): string[] {
  const odd = layout === 'fs' ? /[/\p{Cc}]/u : /[./\p{Cc}]/u;
  if (isInbox(path) || !path.some((name) => odd.test(name))) return [];
  return [
    `the folder is called ${folderKey(path, layout)} on disk: Dovecot lists it, but cannot open it; map it to a name without dots, slashes and control characters`,
  ];
}

/** Where the folder is. Throws `Fault('refused')` where a link leads there, or a key leads out of the root. */
export async function folderAt(root: string, key: string): Promise<FilePath> {
  const names = key === '' ? [] : key.split('/');
  const plain = names.findIndex(isRaw);
  if (plain === -1) return inside(root, names);
  let folder: FilePath = await inside(root, names.slice(0, plain));
  for (const name of names.slice(plain)) {
    folder = below(folder, name);
    if (/^\.{0,2}$/.test(shownName(name)) || (await ifThere(lstat(folder)))?.isSymbolicLink()) {
      throw new Fault('refused', `${folder} is a symbolic link, which is not followed`, {
        next: 'replace it by what it points to',
      });
    }
  }
  return folder;
}

/** All folders that hold messages, parents first. Symbolic links are left out. */
export async function foldersIn(root: string, layout: Layout): Promise<Folder[]> {
  const folders: Folder[] = [];
  const hasInbox = await isFolder(root);
  if (hasInbox) folders.push(INBOX);
  if (layout === 'maildir++') {
    for (const name of await subfolders(root)) {
      if (DOTTED.test(name) && (await isFolder(below(root, name))))
        folders.push({ key: name, path: pathOf(shownName(name).slice(1).split('.'), shownName(name), hasInbox) });
    }
  } else {
    await walk(root, [], folders, hasInbox);
  }
  return folders.sort((a, b) => a.path.length - b.path.length || compareKeys(a.key, b.key));
}

const DOTTED = /^\ufffd?\../;

async function walk(at: FilePath, above: readonly string[], folders: Folder[], hasInbox: boolean): Promise<void> {
  for (const name of await subfolders(at)) {
    if (name === 'cur' || name === 'new' || name === 'tmp' || /^\ufffd?\./.test(name)) continue;
    const names = [...above, name];
    if (await isFolder(below(at, name)))
      folders.push({ key: names.join('/'), path: pathOf(names.map(shownName), shownName(name), hasInbox) });
    await walk(below(at, name), names, folders, hasInbox);
  }
}

/**
 * The decoded path. A folder on disk that is called like the inbox must not be taken for it, unless the root is none
 * itself: then it is the inbox, as offlineimap and mbsync have it.
 */
function pathOf(names: readonly string[], onDisk: string, hasInbox: boolean): string[] {
  const path = names.map((name) => decodeModifiedUtf7(name) ?? name).map((name) => (name === '' ? '.' : name));
  if (!hasInbox && path[0]?.toUpperCase() === 'INBOX') return ['INBOX', ...path.slice(1)];
  return isInbox(path) ? [onDisk === 'INBOX' ? '/INBOX' : onDisk] : path;
}

/** Folders in a folder, without links. */
export async function subfolders(at: FilePath): Promise<string[]> {
  const entries = await onFiles(`listing ${at}`, () => readdir(at, { withFileTypes: true, encoding: 'buffer' }));
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => nameOf(entry.name))
    .sort(compareKeys);
}

/** One of the two is enough: copies leave out empty folders. One that is closed to the worker counts: listing it tells. */
export async function isFolder(at: FilePath): Promise<boolean> {
  try {
    for (const sub of ['cur', 'new']) if ((await ifThere(lstat(below(at, sub))))?.isDirectory()) return true;
    return false;
  } catch (error) {
    if (errnoOf(error) === 'EACCES') return true;
    throw error;
  }
}
