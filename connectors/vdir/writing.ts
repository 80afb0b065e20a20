/** Files that appear whole: written under another name, made durable, then named. */
import { randomUUID } from 'node:crypto';
import { link, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { ifThere } from '../local-files.js';
import { versionOf } from './item-files.js';

const TORN = /^\.drover-[0-9a-f-]{36}\.tmp$/;
/** Older ones belong to no session that still runs. */
const TORN_AFTER_MS = 3_600_000;

/** Writes `body` durably beside its place. Answers its path, and the version that it will have there. */
export async function writeAside(
  folder: string,
  body: Buffer | string,
): Promise<{ readonly path: string; readonly version: string }> {
  const path = join(folder, `.drover-${randomUUID()}.tmp`);
  const file = await open(path, 'wx', 0o644);
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

/** Names it, unless the name is taken: then false. */
export async function nameNew(aside: string, path: string): Promise<boolean> {
  try {
    await link(aside, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  } finally {
    await unlink(aside);
  }
  return true;
}

export async function writeFileSafely(folder: string, name: string, text: string): Promise<void> {
  const { path } = await writeAside(folder, text);
  await rename(path, join(folder, name));
}

/** What a session that died left behind. */
export async function sweep(folder: string, now: number): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!TORN.test(name)) continue;
    const found = await ifThere(stat(join(folder, name)));
    if (found && now - found.mtimeMs > TORN_AFTER_MS) await ifThere(unlink(join(folder, name)));
  }
}
