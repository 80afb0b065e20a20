/**
 * Mail below the root of a Maildir that its layout does not reach, or that is none of a Maildir's: named, so that
 * nobody takes a migration for complete without it.
 */
import type { Dirent } from 'node:fs';
import { lstat, open, readdir, realpath } from 'node:fs/promises';
import type { Foreign } from '../formats/foreign-mail.js';
import { foreignByBytes, foreignByName, LOOK_BYTES, MBOX, MH } from '../formats/foreign-mail.js';
import { decodeModifiedUtf7 } from '../formats/modified-utf7.js';
import { errnoOf, ifThere } from '../local/local-files.js';
import type { Folder, Layout } from './folders.js';
import { isFolder } from './folders.js';
import type { FilePath } from './raw-names.js';
import { below, nameOf, shownName } from './raw-names.js';

export interface Unread extends Folder {
  readonly what: string;
  readonly next: string;
}

interface Walk {
  readonly root: string;
  readonly layout: Layout;
  /** Keys of folders that are read. */
  readonly read: ReadonlySet<string>;
  readonly found: Map<string, Unread & { count: number }>;
}

/** Nobody's folders are so deep; a loop of mounts is. */
const DEEPEST = 32;

export async function unreadIn(root: string, layout: Layout, folders: readonly Folder[]): Promise<Unread[]> {
  const walk: Walk = { root, layout, read: new Set(folders.map(({ key }) => key)), found: new Map() };
  await look(walk, root, []);
  return [...walk.found.values()].map(({ count, ...unread }) =>
    count === 1 ? unread : { ...unread, what: `${count} ${unread.what}` },
  );
}

async function look(walk: Walk, at: FilePath, names: readonly string[]): Promise<void> {
  for (const entry of await entriesOf(at)) {
    const name = nameOf(entry.name);
    const [inner, path] = [below(at, name), [...names, name]];
    if (entry.isDirectory()) {
      if (/^(?:cur|new|tmp)$/.test(name) || names.length >= DEEPEST) continue;
      if (!walk.read.has(path.join('/')) && (await isFolder(inner)) && (await holdsMessages(inner)))
        note(walk, path, { called: '', ...otherLayout(walk.layout) });
      await look(walk, inner, path);
    } else if (entry.isFile()) {
      const foreign = await foreignAt(walk, inner, names, name);
      if (foreign) note(walk, [...names, foreign.called], foreign);
    } else if (entry.isSymbolicLink() && (await leadsToMail(walk.root, inner, name))) {
      note(walk, path, { called: '', ...LINK });
    }
  }
}

async function entriesOf(at: FilePath): Promise<Dirent<Buffer>[]> {
  try {
    return await readdir(at, { withFileTypes: true, encoding: 'buffer' });
  } catch (error) {
    // Whoever lists the folder is told; here it only hides what it holds.
    if (errnoOf(error) === 'EACCES' || errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

async function holdsMessages(folder: FilePath): Promise<boolean> {
  for (const sub of ['cur', 'new']) {
    const names = await ifThere(readdir(below(folder, sub), { encoding: 'buffer' })).catch(() => undefined);
    if (names?.some((name) => !nameOf(name).startsWith('.'))) return true;
  }
  return false;
}

function note({ found }: Walk, names: readonly string[], { what, next }: Foreign): void {
  const key = names.join('/');
  const path = names.map((name) => decodeModifiedUtf7(shownName(name)) ?? shownName(name));
  found.set(key, { key, path, what, next, count: (found.get(key)?.count ?? 0) + 1 });
}

function otherLayout(layout: Layout): Omit<Foreign, 'called'> {
  const other = layout === 'fs' ? 'maildir++' : 'fs';
  return {
    what: `a folder of another layout than ${layout}`,
    next: `set layout: ${other} if all folders are like it, else give it a source with its own path`,
  };
}

const LINK = { what: 'a symbolic link, which is not followed', next: 'replace it by what it points to' };

async function leadsToMail(root: string, link: FilePath, name: string): Promise<boolean> {
  const to = await realpath(link, { encoding: 'buffer' }).catch(() => undefined);
  // The messages of a folder may be elsewhere: then the folder is none here.
  if (to !== undefined && /^(?:cur|new)$/.test(name)) return true;
  if (to === undefined || `${to}/`.startsWith(`${root}/`)) return false;
  return isFolder(to);
}

/** Files that programs keep beside folders. */
const INDEX = /^(?:\.|dovecot|courier|maildir|subscriptions$|quota)/i;

async function foreignAt(
  { found }: Walk,
  file: FilePath,
  names: readonly string[],
  name: string,
): Promise<Foreign | undefined> {
  if (INDEX.test(name)) return undefined;
  const byName = foreignByName(name);
  if (byName) return byName;
  // Folders of numbered messages may hold many thousands: one was looked into.
  if (/^\d{1,12}$/.test(name) && found.has([...names, MH.called].join('/'))) return MH;
  const head = await firstBytes(file);
  if (head === undefined) return undefined;
  if (/^From [^\n]*\d:\d\d/.test(head.toString('latin1'))) return { ...MBOX, called: name };
  return foreignByBytes(name, head);
}

async function firstBytes(file: FilePath): Promise<Buffer | undefined> {
  if (!(await ifThere(lstat(file)))?.isFile()) return undefined;
  const handle = await open(file, 'r').catch(() => undefined);
  if (!handle) return undefined;
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(LOOK_BYTES), 0, LOOK_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
