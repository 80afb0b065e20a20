/**
 * Message files of one folder. A file is called `<base>` in `new`, `<base>:2,<letters>` in `cur`. The base
 * is the message's key: no program changes it, so keys hold for ever and need no validity. Names are bytes
 * (raw-names.ts), and every entry is told: what cannot be read is refused when it is.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, open, readdir, stat } from 'node:fs/promises';
import { damageIn } from '../formats/mail-damage.js';
import { errnoOf, faultOf, ifThere, onFiles } from '../local/local-files.js';
import type { FilePath } from './raw-names.js';
import { below, nameOf } from './raw-names.js';
import { isLost, sizeNotes } from './sizes-in-names.js';
import { unpackedMail } from './unpacking.js';

export interface MessageFile {
  /** What it is known by: its base, unless another file has the same one. */
  readonly key: string;
  /** Its name without flags. */
  readonly base: string;
  readonly sub: 'cur' | 'new';
  /** Below the folder, e.g. `cur/1.2.host:2,S`. */
  readonly name: string;
  /** Flag and keyword letters. */
  readonly letters: string;
  /** The name tells flags in a way that is not known. */
  readonly oddFlags: boolean;
}

export type MessageFiles = ReadonlyMap<string, MessageFile>;

/**
 * All messages of a folder by key. `new` is read before `cur`, so that a message another program moves
 * on meanwhile is not missed; and `cur` until it stood still, since a rename during readdir may hide a file.
 * One of the two may be missing: programs and copies leave out empty folders.
 */
export async function messageFilesIn(folder: FilePath): Promise<MessageFiles> {
  return onFiles(`listing messages in ${folder}`, async () => {
    const files = new Map<string, MessageFile[]>();
    const seen = new Set<string>();
    const add = async (sub: 'cur' | 'new') => {
      for (const bytes of (await ifThere(readdir(below(folder, sub), { encoding: 'buffer' }))) ?? []) {
        const name = nameOf(bytes);
        if (name.startsWith('.') || seen.has(`${sub}/${name}`)) continue;
        seen.add(`${sub}/${name}`);
        const file = messageFile(sub, name);
        const same = files.get(file.base);
        if (same) same.push(file);
        else files.set(file.base, [file]);
      }
    };
    await add('new');
    for (let tries = 0; tries < 3; tries++) {
      const before = await ifThere(stat(below(folder, 'cur'), { bigint: true }));
      await add('cur');
      const after = await ifThere(stat(below(folder, 'cur'), { bigint: true }));
      if (before?.mtimeNs === after?.mtimeNs) break;
    }
    const known = new Map<string, MessageFile>();
    for (const same of files.values())
      for (const file of same.length === 1 ? same : await apart(folder, same)) known.set(file.key, file);
    return known;
  });
}

/**
 * Files of one base: names of one file that was renamed while the folder was read, or messages of their own, which a
 * careless copy left. The oldest inode keeps the base as its key; the others are known by base and inode, which stay
 * when flags change.
 */
async function apart(folder: FilePath, same: readonly MessageFile[]): Promise<MessageFile[]> {
  const inodes = new Map<bigint, MessageFile>();
  for (const file of same) {
    const facts = await ifThere(lstat(pathOf(folder, file), { bigint: true }));
    if (facts) inodes.set(facts.ino, file);
  }
  const files = [...inodes].sort(([a], [b]) => (a < b ? -1 : 1));
  return files.map(([inode, file], at) => (at === 0 ? file : { ...file, key: `${file.base}/${inode}` }));
}

/**
 * `:2,` is the standard. Where file systems have no colon, programs and copies write another character; then nothing
 * but letters may follow, so that no base is cut by accident.
 */
const STANDARD = /^(.*):2,([A-Za-z]*)(.*)$/s;
const OTHERWISE = /^(.+)(?:[;!_ %\-\uf022\uf03a\ua789\u2236\uff1a]|%3A)2,([A-Za-z]*)$/s;

function messageFile(sub: 'cur' | 'new', name: string): MessageFile {
  const [, base, letters = '', rest = ''] = STANDARD.exec(name) ?? OTHERWISE.exec(name) ?? [];
  if (base !== undefined) return { key: base, base, sub, name: `${sub}/${name}`, letters, oddFlags: rest !== '' };
  const colon = name.indexOf(':');
  const bare = colon === -1 ? name : name.slice(0, colon);
  return { key: bare, base: bare, sub, name: `${sub}/${name}`, letters: '', oddFlags: colon !== -1 };
}

export function pathOf(folder: FilePath, file: MessageFile): FilePath {
  return below(folder, file.sub, file.name.slice(file.sub.length + 1));
}

export interface FileFacts {
  readonly bytes: number;
  readonly seconds: number;
  /** False for a link, a pipe, a folder: it is named, and not read. */
  readonly isFile: boolean;
}

/** Size and time, or undefined when the file is gone. Links are not followed. */
export async function factsOf(folder: FilePath, file: MessageFile): Promise<FileFacts | undefined> {
  const facts = await onFiles(`looking at a message in ${folder}`, () => ifThere(lstat(pathOf(folder, file))));
  if (!facts) return undefined;
  const isFile = facts.isFile();
  return { bytes: isFile ? facts.size : 0, seconds: Math.floor(facts.mtimeMs / 1000), isFile };
}

/** What one Buffer should hold at most; mail of this size is damage. */
const LARGEST = 512 * 1024 * 1024;

export interface Content {
  readonly body: Buffer;
  /** As they stand on the disk. */
  readonly bytes: number;
  readonly seconds: number;
  readonly notes: readonly string[];
}

/** Why there is no content to be had from a file that is there. */
export interface Unreadable {
  readonly unreadable: string;
}

/** Content with size and time, or undefined when the file is gone. */
export async function contentOf(folder: FilePath, file: MessageFile): Promise<Content | Unreadable | undefined> {
  // Without O_NONBLOCK a named pipe would hang the open.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  try {
    const handle = await open(pathOf(folder, file), flags);
    try {
      const facts = await handle.stat();
      if (!facts.isFile()) return NO_FILE;
      if (facts.size > LARGEST) return { unreadable: 'larger than 512 MiB: the file is probably damaged' };
      const stored = await handle.readFile();
      const unpacked = await unpackedMail(stored);
      if ('unreadable' in unpacked) return unpacked;
      if (isLost(file.base, unpacked.body)) return { unreadable: 'the file is empty: the message was lost before' };
      const notes = [...sizeNotes(file.base, unpacked.body), ...damageIn(unpacked.body)];
      if (file.oddFlags) notes.push('its name tells flags in a form that is not known here: they are not kept');
      const { body } = unpacked;
      return { body, bytes: facts.size, seconds: Math.floor(facts.mtimeMs / 1000), notes };
    } finally {
      await handle.close();
    }
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT') return undefined;
    if (errno === 'ELOOP' || errno === 'ENXIO') return NO_FILE;
    const why = UNREADABLE[errno ?? ''];
    if (why !== undefined) return { unreadable: why };
    throw faultOf(error, `reading a message in ${folder}`);
  }
}

const NO_FILE: Unreadable = {
  unreadable: 'a link, a pipe or a folder stands among the messages: replace a link by the file it points to',
};

const UNREADABLE: Readonly<Record<string, string>> = {
  EACCES: 'the worker may not read the file: give its user access to it',
  EPERM: 'the worker may not read the file: give its user access to it',
  EIO: 'the disk cannot read the file (EIO): check the disk',
};

/** Internal dates are file times: to the second, the zone not kept. */
export function dateOf(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}+00:00`;
}

/**
 * The part of a file name that stands for a create-write. The digest is in it because a token is only the
 * caller's: another migration into the same folder may use the same one for another message.
 */
export function writeMark(folderKey: string, token: string, digest: string): string {
  return `D${createHash('sha256')
    .update(JSON.stringify([folderKey, token, digest]))
    .digest('hex')
    .slice(0, 32)}`;
}

/** The mark in a base of ours, `<seconds>.<mark>.drover<n>,S=…,W=…`; undefined for others' files. */
export function markOf(base: string): string | undefined {
  return /^\d+\.(D[0-9a-f]{32})\.drover\d*,/.exec(base)?.[1];
}
