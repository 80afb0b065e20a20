/**
 * Which files below a root are folders, and what they are called. Thunderbird: `Name`, children in
 * `Name.sbd/`. Apple Mail and Google Takeout: `Name.mbox`, or `mbox` in `Name.mbox/`. Plain folders are levels.
 * Our own: `Name.mbox`, children in `Name/`.
 */
import { open, readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ifThere, onFiles } from '../local-files.js';

export interface FolderFile {
  /** Path below the root, joined by `/`; empty when the root itself is the file. */
  readonly key: string;
  readonly path: readonly string[];
}

export interface Tree {
  readonly folders: readonly FolderFile[];
  /** Files that are no mbox, below the root. */
  readonly others: readonly string[];
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

/** Folders below `root`, parents first; symbolic links and hidden files are left out. */
export async function treeAt(root: string): Promise<Tree> {
  const facts = await onFiles(`opening ${root}`, () => stat(root));
  if (facts.isFile()) return { folders: [{ key: '', path: [inboxed([], withoutSuffix(basename(root)))] }], others: [] };
  const folders: FolderFile[] = [];
  const others: string[] = [];
  await walk(root, [], [], { folders, others });
  folders.sort((a, b) => a.path.length - b.path.length || (a.key < b.key ? -1 : 1));
  return { folders: distinct(folders), others };
}

interface Found {
  readonly folders: FolderFile[];
  readonly others: string[];
}

async function walk(root: string, names: readonly string[], above: readonly string[], found: Found): Promise<void> {
  const at = join(root, ...names);
  const entries = await onFiles(`listing ${at}`, () => readdir(at, { withFileTypes: true }));
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name.startsWith('.')) continue;
    const key = [...names, entry.name].join('/');
    if (entry.isDirectory()) {
      await walk(
        root,
        [...names, entry.name],
        [...above, inboxed(above, await levelName(join(at, entry.name), entry.name))],
        found,
      );
    } else if (entry.isFile() && (await isMbox(join(at, entry.name)))) {
      const apple = entry.name === 'mbox' && above.length > 0;
      found.folders.push({ key, path: apple ? above : [...above, inboxed(above, withoutSuffix(entry.name))] });
    } else {
      found.others.push(key);
    }
  }
}

/** `Name` of `Name.sbd`, and of `Name.mbox` where the folder holds the file itself. */
async function levelName(at: string, name: string): Promise<string> {
  if (name.endsWith('.sbd')) return folderName(name.slice(0, -4));
  if (name.endsWith('.mbox') && (await ifThere(stat(join(at, 'mbox'))))) return folderName(name.slice(0, -5));
  return folderName(name);
}

function withoutSuffix(name: string): string {
  return folderName(name.replace(/\.(?:mbox|mbx)$/i, ''));
}

function inboxed(above: readonly string[], name: string): string {
  return above.length === 0 && name.toUpperCase() === 'INBOX' ? 'INBOX' : name;
}

/** By its first bytes. A file that is called `.mbox` is one whatever it holds: what is wrong in it is told when it is read. */
async function isMbox(file: string): Promise<boolean> {
  if (/\.(?:mbox|mbx)$/i.test(file)) return true;
  const handle = await onFiles(`opening ${file}`, () => open(file, 'r'));
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(5), 0, 5, 0);
    return bytesRead === 0 ? !basename(file).includes('.') : buffer.toString('latin1', 0, bytesRead) === 'From ';
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
