/** Files that appear whole: written under another name, made durable, then named. */
import { randomUUID } from 'node:crypto';
import { lstat, open, readdir, rename, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { versionOf } from '../local/item-files.js';
import type { Linked } from '../local/local-files.js';
import { ifThere, linked } from '../local/local-files.js';

const TORN = /^\.drover-[0-9a-f-]{36}\.tmp$/;
/** Older ones belong to no session that still runs. */
const TORN_AFTER_MS = 3_600_000;

export interface Staged {
  readonly path: string;
  /** The version it keeps under its later name. */
  readonly version: string;
}

/** Writes `body` durably beside its place. Leaves nothing when it fails. */
export async function writeStaged(folder: string, body: Buffer | string): Promise<Staged> {
  const path = join(folder, `.drover-${randomUUID()}.tmp`);
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(body);
    await file.datasync();
    return { path, version: versionOf(await file.stat({ bigint: true })) };
  } catch (error) {
    await ifThere(unlink(path));
    throw error;
  } finally {
    await file.close();
  }
}

/** Names it, unless the name is taken: then false. Nothing stays beside. */
export async function nameNew({ path }: Staged, name: string): Promise<boolean> {
  let named: Linked | undefined;
  try {
    named = await linked(path, name);
  } finally {
    if (named !== 'renamed') await unlink(path);
  }
  return named !== 'taken';
}

/** Puts it in the place of another. Nothing stays beside. */
export async function replace({ path }: Staged, name: string): Promise<void> {
  try {
    await rename(path, name);
  } catch (error) {
    await unlink(path);
    throw error;
  }
}

/** What a session that died left behind. */
export async function removeStale(folder: string, now: number): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!TORN.test(name)) continue;
    const found = await ifThere(lstat(join(folder, name)));
    if (found && now - found.mtimeMs > TORN_AFTER_MS) await rm(join(folder, name), { recursive: true, force: true });
  }
}
