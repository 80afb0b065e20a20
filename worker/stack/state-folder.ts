/** The folder that holds everything of an embedded stack, used by one process at a time. */
import { link, mkdir, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readPrivateJson, writePrivateJson } from './private-file.js';
import type { ProcessId } from './process.js';
import { endProcess, identify, isRunning } from './process.js';

export interface StateFolder {
  readonly dir: string;
  /** Remembers a server, so that the next start can end it should nothing else have done so. */
  remember(name: string, id: ProcessId): Promise<void>;
  release(): Promise<void>;
}

/**
 * Takes the folder for this process, making it when it is missing, and ends servers that a crashed stack
 * left. Throws when a stack is running there, naming its pid.
 */
export async function takeStateFolder(dir: string, log: (line: string) => void): Promise<StateFolder> {
  // As root the ledger runs as another user, who must be able to pass through, not to look.
  await mkdir(dir, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 });
  const lock = join(dir, 'stack.lock');
  await takeLock(lock, dir);
  const servers = join(dir, 'servers.json');
  const running: Record<string, ProcessId> = {};
  try {
    for (const [name, id] of Object.entries((await readPrivateJson<Record<string, ProcessId>>(servers)) ?? {})) {
      if (!(await isRunning(id))) continue;
      log(`ending ${name} of an earlier run (pid ${id.pid})`);
      await endProcess(id, ['SIGINT', 'SIGTERM', 'SIGKILL'], 5_000);
    }
  } catch (error) {
    await rm(lock, { force: true });
    throw error;
  }
  return {
    dir,
    remember: async (name, id) => {
      running[name] = id;
      await writePrivateJson(servers, running);
    },
    release: async () => {
      await rm(servers, { force: true });
      await rm(lock, { force: true });
    },
  };
}

async function takeLock(lock: string, dir: string): Promise<void> {
  const self = await identify(process.pid);
  if (self === undefined) throw new Error('the system does not show this process to itself: is /proc mounted?');
  const own = `${lock}.${process.pid}`;
  await writeFile(own, JSON.stringify(self), { mode: 0o600 });
  try {
    for (;;) {
      try {
        // link(2) fails when the name exists: unlike a check and a write, it cannot be raced.
        await link(own, lock);
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const holder = await readHolder(lock);
      if (holder !== undefined && (await isRunning(holder))) {
        throw new Error(
          `a stack is running in ${dir} already (pid ${holder.pid}): use it, or end it with \`kill ${holder.pid}\`, or give another folder with --dir`,
        );
      }
      // Moved away, not deleted: of two that saw the dead holder only one can move it.
      await rename(lock, `${own}.dead`).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
      });
      await rm(`${own}.dead`, { force: true });
    }
  } finally {
    await unlink(own);
  }
}

async function readHolder(lock: string): Promise<ProcessId | undefined> {
  try {
    return JSON.parse(await readFile(lock, 'utf8')) as ProcessId;
  } catch (error) {
    // Gone since, or torn by a crash of the machine: nobody holds it.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
