/** What connectors over local files share: faults from errno, durable folders, staying inside a root. */
import { constants } from 'node:fs';
import { access, link, lstat, open, readdir, realpath, rename, stat, statfs } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { size } from '../../words/numbers.js';
import type { Capability, Room } from '../contract.js';
import type { FaultCode } from '../errors.js';
import { Fault, saidBy } from '../errors.js';

const CODES: Readonly<Record<string, readonly [FaultCode, string]>> = {
  ENOENT: ['not-found', 'check the path in the spec, as the worker sees it'],
  ENOTDIR: ['not-found', 'check the path in the spec, as the worker sees it'],
  EACCES: ['credentials', 'give the worker’s user access to it'],
  EPERM: ['credentials', 'give the worker’s user access to it'],
  EROFS: ['credentials', 'make the file system writable'],
  ENOSPC: ['quota', 'make room on the disk'],
  EDQUOT: ['quota', 'raise the quota of the worker’s user'],
  EFBIG: ['quota', 'raise the file size limit'],
  EMFILE: ['unavailable', 'raise the limit of open files'],
  ENFILE: ['unavailable', 'raise the limit of open files'],
  EIO: ['unavailable', 'check the disk'],
  ESTALE: ['unavailable', 'check the network file system'],
  ELOOP: ['refused', 'replace the symbolic link by what it points to'],
  ENAMETOOLONG: ['refused', 'map the folder to a shorter name'],
};

export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** The fault that a file system error is; other errors, a `Fault` among them, come back as they are. */
export function faultOf(error: unknown, doing: string): unknown {
  const errno = errnoOf(error);
  if (errno === undefined || error instanceof Fault) return error;
  const [code, next] = CODES[errno] ?? ['internal', 'report this with the error code'];
  return new Fault(code, `${doing}: ${errno}`, { next, cause: error });
}

/** Runs one step on files and turns its errors into faults. `doing` says what and where, e.g. "reading mail/cur". */
export async function onFiles<T>(doing: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw faultOf(error, doing);
  }
}

/** The result of `step`, or undefined when what it asks for does not exist. */
export async function ifThere<T>(step: Promise<T>): Promise<T | undefined> {
  try {
    return await step;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Makes the names in a folder durable: a rename is only kept over a power cut after this. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

export type Linked = 'linked' | 'renamed' | 'taken';

/** A second name for a file. Where the file system has none, the file is renamed. */
export async function linked(from: string, to: string): Promise<Linked> {
  try {
    await link(from, to);
    return 'linked';
  } catch (error) {
    const errno = errnoOf(error) ?? '';
    if (errno === 'EEXIST') return 'taken';
    if (!WITHOUT_LINKS.has(errno)) throw error;
  }
  if (await ifThere(lstat(to))) return 'taken';
  await rename(from, to);
  return 'renamed';
}

/** What FAT, exFAT and some network file systems say to a hard link. */
const WITHOUT_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/** `path` without symbolic links; what does not exist yet is kept as it is named. */
export async function provenPath(path: string): Promise<string> {
  const real = await ifThere(realpath(path));
  if (real !== undefined) return real;
  const parent = dirname(path);
  return parent === path ? path : join(await provenPath(parent), basename(path));
}

/**
 * The path of `parts` below `root`. Throws `Fault('refused')` when a part is not a plain name, or is a
 * symbolic link: links could lead out of the root.
 */
export async function inside(root: string, parts: readonly string[]): Promise<string> {
  let at = root;
  for (const part of parts) {
    if (part === '' || part === '.' || part === '..' || part.includes(sep) || part.includes('\0')) {
      throw new Fault('refused', `${JSON.stringify(part)} below ${root} is no plain name`, {
        next: 'map the folder to another name',
      });
    }
    at = join(at, part);
    const facts = await onFiles(`looking at ${at}`, () => ifThere(lstat(at)));
    if (facts?.isSymbolicLink()) {
      throw new Fault('refused', `${at} is a symbolic link, which is not followed`, {
        next: 'replace it by what it points to',
      });
    }
  }
  return at;
}

const ACCOUNT = '{account}';

/** Refuses an account whose name would lead out of the folder that a spec's path names. */
export function checkAccount(path: string, account: string): void {
  if (!path.includes(account) || !(account === '.' || account === '..' || /[/\\\0]/.test(account))) return;
  throw new Fault('spec', `the account ${JSON.stringify(account)} cannot be part of a path`, {
    next: 'name accounts without slashes, or give each a selection with its own path',
  });
}

/**
 * The accounts for which something exists at `template`, a path with `{account}` in it, ascending.
 * Throws `Fault('spec')` when there is no `{account}`.
 */
export async function accountsAt(template: string): Promise<string[]> {
  const parts = template.split(sep);
  const at = parts.findIndex((part) => part.includes(ACCOUNT));
  if (at === -1) {
    throw new Fault('spec', `cannot list accounts: ${template} has no ${ACCOUNT}`, {
      next: `put ${ACCOUNT} into the path, or list the accounts`,
    });
  }
  const folder = parts.slice(0, at).join(sep) || (template.startsWith(sep) ? sep : '.');
  const [before = '', after = ''] = (parts[at] ?? '').split(ACCOUNT, 2);
  const accounts: string[] = [];
  for (const name of await onFiles(`listing accounts in ${folder}`, () => readdir(folder))) {
    if (!name.startsWith(before) || !name.endsWith(after) || name.length <= before.length + after.length) continue;
    const account = name.slice(before.length, name.length - after.length);
    if (account.startsWith('.')) continue;
    if (await ifThere(stat(template.replaceAll(ACCOUNT, account)))) accounts.push(account);
  }
  return accounts.sort();
}

/** The folder itself, or the one above in which it would be made. */
async function nearestFolder(path: string): Promise<string> {
  const parent = dirname(path);
  return parent === path || (await ifThere(lstat(path))) ? path : nearestFolder(parent);
}

/** What fits on the disk of a path, whether anything stands there yet or not. */
export async function roomOnDisk(path: string): Promise<Room> {
  return onFiles(`looking at ${path}`, async () => {
    const at = await nearestFolder(path);
    const [{ bavail, bsize }, { dev }] = await Promise.all([statfs(at), stat(at)]);
    return { bytes: bavail * bsize, disk: `disk ${dev}` };
  });
}

/** What a target's `describe` says of the place where it writes, or would. Makes nothing. */
export async function writableFolder(path: string): Promise<Capability[]> {
  const at = await onFiles(`opening ${path}`, async () => nearestFolder(await provenPath(path)));
  const problem = await whyNotWritable(at);
  const { bytes } = await roomOnDisk(at);
  return [
    {
      name: 'writable',
      value: problem === undefined ? 'yes' : 'no',
      own: true,
      ...(problem !== undefined && { problem }),
    },
    { name: 'free bytes', value: size(bytes) },
  ];
}

async function whyNotWritable(path: string): Promise<string | undefined> {
  try {
    if (!(await stat(path)).isDirectory()) return `${path} is not a folder; correct the path in the spec`;
    await onFiles(`writing to ${path}`, () => access(path, constants.W_OK));
    return undefined;
  } catch (error) {
    return error instanceof Fault ? saidBy(error) : String(error);
  }
}

/** What tells a folder from another that is mounted or made in its place: its file system, and its number there. */
export async function identityOf(path: string): Promise<string | undefined> {
  const stats = await ifThere(stat(path, { bigint: true }));
  return stats && `${stats.dev}:${stats.ino}`;
}
