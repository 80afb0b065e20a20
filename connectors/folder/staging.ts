/** The place of what is not whole yet: below the root, so that it can be named by a rename, and never listed. */
import { randomUUID } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { lstat, lutimes, mkdir, open, readdir, symlink, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '../errors.js';
import type { FileBody } from '../kinds/files.js';
import { errnoOf, ifThere } from '../local/local-files.js';
import { secondsOf, timeOf } from './entry.js';
import type { HeldFolder } from './held-folder.js';
import { holdFolder, STAGING } from './held-folder.js';

const MODE = 0o600;
/** Older ones belong to no write that is still going on. */
const TORN_AFTER_MS = 3_600_000;
/** Parts of a large file to which nobody has added in so long. */
const ABANDONED_AFTER_MS = 7 * 24 * 3_600_000;
const TORN = /^[0-9a-f-]{36}\.tmp$/;

/** Held by the caller. Throws `Fault('refused')` when a link or a file is in its place. */
export async function openStaging(root: string): Promise<HeldFolder> {
  await mkdir(join(root, STAGING), { mode: 0o700 }).catch((error: unknown) => {
    if (errnoOf(error) !== 'EEXIST') throw error;
  });
  const held = await holdFolder(root, [STAGING]);
  if (held) return held;
  throw new Fault('refused', `${join(root, STAGING)} is not a folder`, { next: 'move what stands there elsewhere' });
}

export interface Staged {
  readonly name: string;
  readonly stats: BigIntStats;
}

/** Writes a file or link durably under a name of its own. Leaves nothing when it fails. */
export async function stage(staging: HeldFolder, body: FileBody, mode?: number): Promise<Staged> {
  const name = `${randomUUID()}.tmp`;
  const path = staging.at(name);
  const seconds = secondsOf(body.modified);
  const modified = seconds === undefined ? undefined : timeOf(seconds);
  try {
    if (body.type === 'link') {
      await symlink(body.bytes, path);
      if (modified !== undefined) await lutimes(path, modified, modified);
      return { name, stats: await lstat(path, { bigint: true }) };
    }
    const file = await open(path, 'wx', mode === undefined ? 0o666 : MODE);
    try {
      await file.writeFile(body.bytes);
      if (mode !== undefined) await file.chmod(mode);
      if (modified !== undefined) await file.utimes(modified, modified);
      // With its times, which are part of its version.
      await file.sync();
      return { name, stats: await file.stat({ bigint: true }) };
    } finally {
      await file.close();
    }
  } catch (error) {
    await ifThere(unlink(path));
    throw error;
  }
}

/** What sessions that died left behind. By the time of the last change of the entry: files get the dates of their sources. */
export async function removeStale(root: string, now: number): Promise<void> {
  const staging = await holdFolder(root, [STAGING]);
  if (!staging) return;
  try {
    for (const name of await readdir(staging.path)) {
      const found = await ifThere(lstat(staging.at(name)));
      const after = TORN.test(name) ? TORN_AFTER_MS : ABANDONED_AFTER_MS;
      if (found && !found.isDirectory() && now - found.ctimeMs > after) await ifThere(unlink(staging.at(name)));
    }
  } finally {
    await staging.close();
  }
}
