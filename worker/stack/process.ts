/** Telling processes apart: a pid alone is reused by the system, a pid with its start time is not. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** One process, not the next one that gets its number. */
export interface ProcessId {
  readonly pid: number;
  /** When it was started, in the system's own words; compared, never read. */
  readonly started: string;
}

/** The identity of a running process; undefined when none has this pid, or only its exit status is left. */
export async function identify(pid: number): Promise<ProcessId | undefined> {
  const started = process.platform === 'linux' ? await startedOnLinux(pid) : await startedByPs(pid);
  return started === undefined ? undefined : { pid, started };
}

export async function isRunning(id: ProcessId): Promise<boolean> {
  return (await identify(id.pid))?.started === id.started;
}

/** The command line of a process, for telling whose it is; empty when it has ended. */
export async function commandLine(pid: number): Promise<string> {
  try {
    if (process.platform === 'linux') return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ');
    return (await run('ps', ['-o', 'args=', '-p', String(pid)])).stdout;
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (code === 'ENOENT' || code === 'ESRCH' || code === 1) return '';
    throw error;
  }
}

/** Sends each signal in turn, waiting up to `graceMs` (milliseconds) for the end after each. */
export async function endProcess(id: ProcessId, signals: readonly NodeJS.Signals[], graceMs: number): Promise<void> {
  for (const signal of signals) {
    if (!(await isRunning(id))) return;
    send(id.pid, signal);
    if (await endsWithin(id, graceMs)) return;
  }
  throw new Error(`process ${id.pid} did not end after ${signals.join(', ')}: end it by hand`);
}

/** Sends a signal; a process that has ended already is no error. A negative pid names a process group. */
export function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function endsWithin(id: ProcessId, graceMs: number): Promise<boolean> {
  // Not our child, so nobody tells us of its end: we have to ask.
  const deadline = performance.now() + graceMs;
  while (await isRunning(id)) {
    if (performance.now() > deadline) return false;
    await delay(25);
  }
  return true;
}

async function startedOnLinux(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
    // proc(5): the name in parentheses may hold blanks; state is field 3, the start time in ticks field 22.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}

async function startedByPs(pid: number): Promise<string | undefined> {
  try {
    const { stdout } = await run('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      env: { ...process.env, LC_ALL: 'C' },
    });
    const line = stdout.trim();
    return line === '' || line.startsWith('Z') ? undefined : line.replace(/^\S+\s+/, '');
  } catch (error) {
    // ps(1) answers with exit code 1 when it knows no such process.
    if ((error as { code?: unknown }).code === 1) return undefined;
    throw error;
  }
}
