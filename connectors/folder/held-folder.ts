/**
 * A folder held open. What is done in it goes through its handle (on Linux, /proc/self/fd), so that it happens in the
 * folder that was proven, whatever another program puts in its place meanwhile: Node has no openat.
 */
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { lstat, mkdir, open, readlink, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '../errors.js';
import { errnoOf, ifThere } from '../local/local-files.js';

/** Where large files and those of a write that is not finished are kept. Never listed. */
export const STAGING = '.drover-uploads';

const BY_HANDLE = process.platform === 'linux';

export class HeldFolder {
  readonly #handle: FileHandle;
  readonly #at: string;

  constructor(handle: FileHandle, path: string) {
    this.#handle = handle;
    this.#at = BY_HANDLE ? `/proc/self/fd/${handle.fd}` : path;
  }

  /** Where an entry is, for file system calls that do not follow the entry itself. */
  at(name: string): string {
    return `${this.#at}/${name}`;
  }

  /** For calls on the folder itself. */
  get path(): string {
    return `${this.#at}/`;
  }

  /** Makes the names in it durable. */
  async sync(): Promise<void> {
    await this.#handle.sync();
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/**
 * The folder of `parts` below `root` (a path without links). Undefined when something on the way is missing or is no
 * folder. Throws `Fault('refused')` when a part is not a plain name, and when a link on the way leads elsewhere.
 */
export async function holdFolder(root: string, parts: readonly string[]): Promise<HeldFolder | undefined> {
  for (const part of parts) checkName(part);
  const path = join(root, ...parts);
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR' || errno === 'ELOOP') return undefined;
    throw error;
  }
  try {
    await prove(handle, path);
    return new HeldFolder(handle, path);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Throws `Fault('refused')` unless what is open is what `path` names without following any link. */
export async function prove(handle: FileHandle, path: string): Promise<void> {
  if (BY_HANDLE) {
    if ((await readlink(`/proc/self/fd/${handle.fd}`)) === path) return;
  } else {
    const [opened, there, real] = await Promise.all([handle.stat(), ifThere(lstat(path)), ifThere(realpath(path))]);
    if (there?.ino === opened.ino && there.dev === opened.dev && real === path) return;
  }
  throw new Fault('refused', `${path} passes through a symbolic link, or was replaced while it was opened`, {
    next: 'replace links to folders by what they point to',
  });
}

/** `parent` is the path of the held folder below the root. What was made anew is told to `made`, for a later sync. */
export async function makeFolder(
  root: string,
  parts: readonly string[],
  made: (parent: readonly string[]) => void,
): Promise<HeldFolder> {
  const there = await holdFolder(root, parts);
  if (there) return there;
  const name = parts.at(-1);
  if (name === undefined) throw new Fault('not-found', `${root} is gone`, { next: 'check the path in the spec' });
  const above = parts.slice(0, -1);
  const parent = await makeFolder(root, above, made);
  try {
    await mkdir(parent.at(name));
    made(above);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    const stands = await ifThere(lstat(parent.at(name)));
    if (stands && !stands.isDirectory()) throw new InTheWay(parts, stands.isSymbolicLink());
  } finally {
    await parent.close();
  }
  return (await holdFolder(root, parts)) ?? vanished(parts);
}

/** Where a folder is wanted, something else stands. */
export class InTheWay extends Error {
  readonly path: string;
  readonly link: boolean;

  constructor(parts: readonly string[], link: boolean) {
    super(`${JSON.stringify(parts.join('/'))} is not a folder`);
    this.path = parts.join('/');
    this.link = link;
  }
}

function vanished(parts: readonly string[]): never {
  throw new Fault('unavailable', `the folder ${JSON.stringify(parts.join('/'))} was removed while it was used`, {
    next: 'let no other program work on the folder meanwhile',
  });
}

/** The names of a key or reference, from the root on. Throws `Fault('refused')` for what could lead out. */
export function partsOf(path: string): string[] {
  const parts = (path.endsWith('/') ? path.slice(0, -1) : path).split('/');
  for (const part of parts) checkName(part);
  return parts;
}

/** The same for what is to be written. Throws `Fault('refused')` for what is our own, too. */
export function partsToWrite(path: string): string[] {
  const parts = partsOf(path);
  if (parts[0] !== STAGING) return parts;
  throw new Fault('refused', `${STAGING} is where unfinished files are kept`, { next: 'rename it in the source' });
}

const SEPARATORS = process.platform === 'win32' ? /[/\\]/ : /\//;
const LONE_SURROGATE = /\p{Surrogate}/u;

function checkName(name: string): void {
  const plain = name !== '' && name !== '.' && name !== '..' && !name.includes('\0') && !SEPARATORS.test(name);
  if (plain && !LONE_SURROGATE.test(name)) return;
  throw new Fault('refused', `${JSON.stringify(name)} is no name that a file can have here`, {
    next: 'rename it in the source',
  });
}
