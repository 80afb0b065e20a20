/**
 * Where the folders of a Maildir are. Maildir++: `.Folder.Sub` beside the inbox's `cur`; fs: `Folder/Sub`.
 * Names are in modified UTF-7, as Dovecot keeps them; characters the layout needs for itself are escaped
 * the same way (`.` as `&AC4-`), so every name is possible and none leads out of the root.
 */
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '../errors.js';
import { ifThere, inside, onFiles } from '../local-files.js';
import { decodeModifiedUtf7, encodeModifiedUtf7 } from '../modified-utf7.js';

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

export async function folderAt(root: string, key: string): Promise<string> {
  return inside(root, key === '' ? [] : key.split('/'));
}

/** All folders that hold messages, parents first. Symbolic links are left out. */
export async function foldersIn(root: string, layout: Layout): Promise<Folder[]> {
  const folders: Folder[] = [];
  if (await isFolder(root)) folders.push(INBOX);
  if (layout === 'maildir++') {
    for (const name of await subfolders(root)) {
      if (name.startsWith('.') && name.length > 1 && (await isFolder(join(root, name))))
        folders.push({ key: name, path: pathOf(name.slice(1).split('.'), name) });
    }
  } else {
    await walk(root, [], folders);
  }
  return folders.sort((a, b) => a.path.length - b.path.length || (a.key < b.key ? -1 : 1));
}

async function walk(at: string, above: readonly string[], folders: Folder[]): Promise<void> {
  for (const name of await subfolders(at)) {
    if (name === 'cur' || name === 'new' || name === 'tmp' || name.startsWith('.')) continue;
    const names = [...above, name];
    if (await isFolder(join(at, name))) folders.push({ key: names.join('/'), path: pathOf(names, name) });
    await walk(join(at, name), names, folders);
  }
}

/** The decoded path. A folder on disk that is called like the inbox must not be taken for it. */
function pathOf(names: readonly string[], onDisk: string): string[] {
  const path = names.map((name) => decodeModifiedUtf7(name) ?? name).map((name) => (name === '' ? '.' : name));
  return isInbox(path) ? [onDisk === 'INBOX' ? '/INBOX' : onDisk] : path;
}

async function subfolders(at: string): Promise<string[]> {
  const entries = await onFiles(`listing ${at}`, () => readdir(at, { withFileTypes: true }));
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

async function isFolder(at: string): Promise<boolean> {
  return (await ifThere(lstat(join(at, 'cur'))))?.isDirectory() === true;
}
