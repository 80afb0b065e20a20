/** Two real Apaches with mod_dav, on memory where there is a disk of it: one that is full, one that is filled. */
import { access, chmod, mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { give, startApache } from '../tests/servers/apache.js';
import type { Tree } from './files-trees.js';
import { plant } from './files-trees.js';

/** A folder on a server. */
export interface Share {
  /** With a slash at its end. */
  readonly url: string;
  readonly user: string;
  /** The same folder on the server's disk. */
  readonly folder: string;
}

export interface FileServers {
  /** What the storage lies on. */
  readonly storage: string;
  /** Runs `use` with a share that holds the tree, and removes that. */
  withTree<T>(name: string, tree: Tree, use: (share: Share) => Promise<T>): Promise<T>;
  /** Runs `use` with an empty share on the other server, and removes it. */
  withEmpty<T>(name: string, use: (share: Share) => Promise<T>): Promise<T>;
  stop(): Promise<void>;
}

const USER = 'bench';
export const PASSWORD = 'secret';
export const authorization = `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString('base64')}`;

export async function startFileServers(): Promise<FileServers> {
  const below = (await isThere('/dev/shm')) ? '/dev/shm' : tmpdir();
  const source = await startApache({ users: [USER], below });
  const target = await startApache({ users: [USER], below }).catch(async (error) => {
    await source.stop();
    throw error;
  });
  const share = async <T>(server: typeof source, name: string, use: (share: Share) => Promise<T>): Promise<T> => {
    const folder = join(server.folder, USER, name);
    await mkdir(folder);
    await chmod(folder, 0o755);
    await give(folder);
    try {
      return await use({ url: `${server.url}/${USER}/${name}/`, user: USER, folder });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };
  return {
    storage: below === '/dev/shm' ? 'memory (/dev/shm)' : below,
    withTree: (name, tree, use) =>
      share(source, name, async (full) => {
        await plant(full.folder, tree);
        return use(full);
      }),
    withEmpty: (name, use) => share(target, name, use),
    async stop() {
      await target.stop();
      await source.stop();
    },
  };
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    // Not Linux.
    return false;
  }
}
