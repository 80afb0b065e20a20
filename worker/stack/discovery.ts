/** How other commands find the stack that `migrate dev` runs, without a setting. Loads nothing heavy. */
import { rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { readPrivateJson, writePrivateJson } from './private-file.js';
import type { ProcessId } from './process.js';
import { identify, isRunning } from './process.js';

/** The folder `migrate dev` keeps its state in, below the folder it was started in. */
export const STATE_FOLDER = '.drover';

export interface DevStack extends ProcessId {
  readonly temporalAddress: string;
  readonly namespace: string;
  readonly uiAddress: string;
  /** Holds the ledger's password: the file is readable by its owner only. */
  readonly ledgerUrl: string;
  readonly taskQueue: string;
}

export async function announce(dir: string, stack: Omit<DevStack, 'pid' | 'started'>): Promise<void> {
  const self = await identify(process.pid);
  if (self === undefined) throw new Error('the system does not show this process to itself: is /proc mounted?');
  await writePrivateJson(join(dir, 'dev.json'), { ...self, ...stack });
}

export async function withdraw(dir: string): Promise<void> {
  await rm(join(dir, 'dev.json'), { force: true });
}

/** The running stack of this folder or the nearest one above it; undefined when there is none. */
export async function findDevStack(cwd: string): Promise<DevStack | undefined> {
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const file = join(folder, STATE_FOLDER, 'dev.json');
    const stack = (await isOurs(file)) ? await readPrivateJson<DevStack>(file) : undefined;
    if (stack !== undefined && (await isRunning(stack))) return stack;
    if (dirname(folder) === folder) return undefined;
  }
}

/** Whether the file is there and ours: one that somebody else left in a shared folder could lead us anywhere. */
async function isOurs(file: string): Promise<boolean> {
  try {
    const { uid } = await stat(file);
    return process.getuid === undefined || uid === process.getuid();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES') return false;
    throw error;
  }
}
