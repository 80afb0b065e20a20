/**
 * Message files of one folder. A file is called `<base>` in `new`, `<base>:2,<letters>` in `cur`. The base
 * is the message's key: no program changes it, so keys hold for ever and need no validity.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, ifThere, onFiles } from '../local-files.js';

export interface MessageFile {
  readonly base: string;
  /** Below the folder, e.g. `cur/1.2.host:2,S`. */
  readonly name: string;
  /** Flag and keyword letters. */
  readonly letters: string;
}

export type MessageFiles = ReadonlyMap<string, MessageFile>;

/**
 * All messages of a folder by base. `new` is read before `cur`, so that a message another program moves
 * on meanwhile is not missed; and `cur` until it stood still, since a rename during readdir may hide a file.
 */
export async function messageFilesIn(folder: string): Promise<MessageFiles> {
  return onFiles(`listing messages in ${folder}`, async () => {
    const files = new Map<string, MessageFile>();
    for (const name of (await ifThere(readdir(join(folder, 'new')))) ?? []) add(files, 'new', name);
    for (let tries = 0; tries < 3; tries++) {
      const before = await stat(join(folder, 'cur'), { bigint: true });
      for (const name of await readdir(join(folder, 'cur'))) add(files, 'cur', name);
      const after = await stat(join(folder, 'cur'), { bigint: true });
      if (before.mtimeNs === after.mtimeNs) break;
    }
    return files;
  });
}

function add(files: Map<string, MessageFile>, sub: string, name: string): void {
  if (name.startsWith('.')) return;
  const at = name.indexOf(':');
  const base = at === -1 ? name : name.slice(0, at);
  const info = at === -1 ? '' : name.slice(at + 1);
  files.set(base, { base, name: `${sub}/${name}`, letters: info.startsWith('2,') ? info.slice(2) : '' });
}

export interface FileFacts {
  readonly bytes: number;
  readonly seconds: number;
}

/** Size and time, or undefined when the file is gone, or no plain file (links are not followed). */
export async function factsOf(folder: string, file: MessageFile): Promise<FileFacts | undefined> {
  const facts = await onFiles(`looking at a message in ${folder}`, () => ifThere(lstat(join(folder, file.name))));
  return facts?.isFile() ? { bytes: facts.size, seconds: Math.floor(facts.mtimeMs / 1000) } : undefined;
}

export interface Content extends FileFacts {
  readonly body: Buffer;
}

/** Content with size and time, or undefined when the file is gone or no plain file. */
export async function contentOf(folder: string, file: MessageFile): Promise<Content | undefined> {
  return onFiles(`reading a message in ${folder}`, async () => {
    // Without O_NONBLOCK a named pipe would hang the open.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const handle = await open(join(folder, file.name), flags).catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ELOOP') return undefined;
      throw error;
    });
    if (!handle) return undefined;
    try {
      const facts = await handle.stat();
      if (!facts.isFile()) return undefined;
      return { body: await handle.readFile(), bytes: facts.size, seconds: Math.floor(facts.mtimeMs / 1000) };
    } finally {
      await handle.close();
    }
  });
}

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
