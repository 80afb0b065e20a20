/** Lock files, as mail programs agree on them: whoever creates the file holds the lock. */
import { readFile, stat, unlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { Fault } from '../errors.js';
import { errnoOf, ifThere } from './local-files.js';

/** After this a lock is thought to be left behind, as Dovecot and procmail think. */
const STALE_MS = 120_000;
const PATIENCE_MS = 10_000;
const ASK_AGAIN_MS = 20;

/**
 * Runs `step` while holding the lock file. A lock that a dead process of this machine left is taken over
 * at once, any other after two minutes. Throws `Fault('unavailable')` when it stays held for ten seconds.
 */
export async function withDotLock<T>(path: string, signal: AbortSignal, step: () => Promise<T>): Promise<T> {
  const until = performance.now() + PATIENCE_MS;
  while (!(await taken(path))) {
    if (await leftBehind(path)) await ifThere(unlink(path));
    else if (performance.now() > until) {
      throw new Fault('unavailable', `${path} is held by another program`, {
        next: 'end that program, or remove the file if none runs',
      });
    } else await wait(ASK_AGAIN_MS, undefined, { signal });
  }
  try {
    return await step();
  } finally {
    await ifThere(unlink(path));
  }
}

async function taken(path: string): Promise<boolean> {
  try {
    await writeFile(path, `${process.pid} ${hostname()}\n`, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function leftBehind(path: string): Promise<boolean> {
  const held = await ifThere(stat(path));
  if (!held) return false;
  if (Date.now() - held.mtimeMs > STALE_MS) return true;
  const [, pid, host] = /^(\d+) (\S+)\n$/.exec((await ifThere(readFile(path, 'latin1'))) ?? '') ?? [];
  return host === hostname() && !isAlive(Number(pid));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) !== 'ESRCH';
  }
}
