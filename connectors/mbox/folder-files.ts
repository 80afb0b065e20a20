/**
 * Which files below a root are folders, and what they are called. Thunderbird: `Name`, children in
 * `Name.sbd/`. Apple Mail and Google Takeout: `Name.mbox`, or `mbox` in `Name.mbox/`. Plain folders are levels.
 * Our own: `Name.mbox`, children in `Name/`.
 */
import type { Dirent } from 'node:fs';
import { open, readdir, realpath, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Fault } from '../errors.js';
import type { Foreign } from '../formats/foreign-mail.js';
import { foreignByBytes, foreignByName, LOOK_BYTES, MAILDIR, MH } from '../formats/foreign-mail.js';
import { onFiles } from '../local/local-files.js';
import { readingOf } from './separator.js';

export interface FolderFile {
  /** Path below the root, joined by `/`; empty when the root itself is the file. */
  readonly key: string;
  readonly path: readonly string[];
}

export interface Tree {
  readonly folders: readonly FolderFile[];
  /** Files that are not mbox, below the root. */
  readonly others: readonly string[];
  /** Mail that is not read here. */
  readonly unread: readonly UnreadFile[];
}

/** Mail in another form than mbox, by the place where it stands: one file, or all of one sort in a folder. */
export interface UnreadFile {
  readonly key: string;
  readonly path: readonly string[];
  readonly foreign: Foreign;
  readonly count: number;
}

/** Characters that a file name cannot hold or that would mean something else there. */
const ESCAPED = /[/\p{Cc}]|^\.|\.(?=(?:mbox|sbd|msf)$)|%(?=[0-9A-F]{2})/giu;

export function fileName(name: string): string {
  return name.replace(ESCAPED, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}

/** Undoes `fileName`; escapes it would not have made stay as they are. */
export function folderName(file: string): string {
  return file.replace(/%(2F|[01][0-9A-F]|7F|2E|25)/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** The file a folder of ours is kept in, below the root. */
export function folderKey(path: readonly string[]): string {
  const names = isInbox(path) ? ['INBOX'] : path;
  return `${names.map(fileName).join('/')}.mbox`;
}

export function isInbox(path: readonly string[]): boolean {
  return path.length === 1 && path[0]?.toUpperCase() === 'INBOX';
}

/** Folders below `root`, parents first; hidden files are left out, and symbolic links not followed. */
export async function treeAt(root: string): Promise<Tree> {
  const facts = await onFiles(`opening ${root}`, () => stat(root));
  const path = [inboxed([], withoutSuffix(basename(root)))];
  if (facts.isFile()) return { folders: [{ key: '', path }], others: [], unread: [] };
  const found: Found = { root, folders: [], others: [], unread: new Map() };
  await walk(await entriesOf(root), [], [], found);
  found.folders.sort((a, b) => a.path.length - b.path.length || (a.key < b.key ? -1 : 1));
  return { folders: distinct(found.folders), others: found.others, unread: [...found.unread.values()] };
}

interface Found {
  readonly root: string;
  readonly folders: FolderFile[];
  readonly others: string[];
  readonly unread: Map<string, UnreadFile>;
}

async function entriesOf(at: string): Promise<Dirent[]> {
  const entries = await onFiles(`listing ${at}`, () => readdir(at, { withFileTypes: true }));
  return entries.filter(isShown).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Hidden folders are not looked into, but for those where KMail keeps the children of a folder. */
function isShown(entry: Dirent): boolean {
  return !entry.name.startsWith('.') || (entry.isDirectory() ? KMAIL.test(entry.name) : !entry.name.startsWith('.nfs'));
}

const KMAIL = /^\.(.+)\.directory$/;
const HIDDEN = { what: 'a hidden mbox file', next: 'give it a name without a dot at the beginning' };

async function walk(
  entries: readonly Dirent[],
  names: readonly string[],
  above: readonly string[],
  found: Found,
): Promise<void> {
  const folders = new Set(entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name));
  const isMaildir = folders.has('cur') && (folders.has('new') || folders.has('tmp'));
  if (isMaildir) note(found, names, above, MAILDIR);
  for (const entry of entries) {
    const { name } = entry;
    const at = join(found.root, ...names, name);
    if (entry.isDirectory()) {
      if (isMaildir && /^(?:cur|new|tmp)$/.test(name)) continue;
      const inside = await entriesOf(at);
      const level = inboxed(above, levelName(name, inside));
      await walk(inside, [...names, name], [...above, level], found);
    } else if (entry.isFile()) {
      // Folders of numbered messages may hold many thousands: one was looked into.
      const isNext = /^\d{1,12}$/.test(name) && found.unread.has([...names, MH.called].join('/'));
      const kind = isNext ? MH : await kindOf(at);
      // Hidden files are the programs' own, unless mail stands in one.
      if (!name.startsWith('.')) file(name, kind, names, above, found);
      else if (kind === 'mbox' && entry.name !== '.mbox') note(found, names, above, { called: name, ...HIDDEN });
    } else {
      const leadsOut = entry.isSymbolicLink() && (await leadsOutOf(found.root, at));
      if (leadsOut) note(found, names, above, { called: name, ...LINK });
      else found.others.push([...names, name].join('/'));
    }
  }
}

function file(
  name: string,
  kind: 'mbox' | Foreign | undefined,
  names: readonly string[],
  above: readonly string[],
  found: Found,
): void {
  const key = [...names, name].join('/');
  const apple = name === 'mbox' && above.length > 0;
  if (kind === 'mbox')
    found.folders.push({ key, path: apple ? above : [...above, inboxed(above, withoutSuffix(name))] });
  else if (kind) note(found, names, above, kind);
  else found.others.push(key);
}

/** Names what is not read, once for all of one sort in one folder. */
function note(found: Found, names: readonly string[], above: readonly string[], foreign: Foreign): void {
  const key = [...names, foreign.called].join('/');
  const count = (found.unread.get(key)?.count ?? 0) + 1;
  found.unread.set(key, { key, path: [...above, foreign.called], foreign, count });
}

const LINK = { what: 'a symbolic link, which is not followed', next: 'replace it by what it points to' };

/** A link to a place inside the tree leads to what is read in any case. */
async function leadsOutOf(root: string, link: string): Promise<boolean> {
  const to = await realpath(link).catch(() => undefined);
  return to !== undefined && to !== root && !to.startsWith(`${root}/`);
}

/** `Name` of `Name.sbd`, of `.Name.directory`, and of `Name.mbox` where the folder holds the file itself. */
function levelName(name: string, inside: readonly Dirent[]): string {
  const parent = KMAIL.exec(name)?.[1];
  if (parent !== undefined) return folderName(parent);
  if (name.endsWith('.sbd')) return folderName(name.slice(0, -4));
  if (name.endsWith('.mbox') && inside.some((entry) => entry.name === 'mbox')) return folderName(name.slice(0, -5));
  return folderName(name);
}

function withoutSuffix(name: string): string {
  return folderName(name.replace(/\.(?:mbox|mbx)$/i, ''));
}

function inboxed(above: readonly string[], name: string): string {
  return above.length === 0 && name.toUpperCase() === 'INBOX' ? 'INBOX' : name;
}

/**
 * By its first bytes. A file that is called `.mbox` is one whatever it holds: what is wrong in it is told when it is
 * read.
 */
async function kindOf(file: string): Promise<'mbox' | Foreign | undefined> {
  const name = basename(file);
  if (/\.(?:mbox|mbx)$/i.test(name)) return 'mbox';
  const byName = foreignByName(name);
  if (byName) return byName;
  try {
    const head = await onFiles(`opening ${file}`, () => firstBytes(file));
    if (head.length === 0) return name.includes('.') ? undefined : 'mbox';
    const text = head.toString('latin1');
    if (text.startsWith('From ') && readingOf(text, true).separates) return 'mbox';
    return foreignByBytes(name, head);
  } catch (error) {
    // One that is closed to the worker stays the folder that it may be: listing it says why.
    if (error instanceof Fault && error.code === 'credentials') return 'mbox';
    throw error;
  }
}

async function firstBytes(file: string): Promise<Buffer> {
  const handle = await open(file, 'r');
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(LOOK_BYTES), 0, LOOK_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** Two files may be called alike but for their suffix; the second keeps its whole name. */
function distinct(folders: readonly FolderFile[]): FolderFile[] {
  const taken = new Set<string>();
  return folders.map((folder) => {
    let path = folder.path;
    if (taken.has(JSON.stringify(path))) path = [...path.slice(0, -1), basename(folder.key)];
    taken.add(JSON.stringify(path));
    return { key: folder.key, path };
  });
}
