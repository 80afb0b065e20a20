/** A worker as it is run in earnest: a compiled process of its own, for tests that kill it. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { compiledFile } from '../../worker/stack/compiled.js';
import type { Stack } from '../../worker/stack/stack.js';
import { workerEnvironment } from '../../worker/stack/stack.js';

export interface WorkerProcess {
  readonly pid: number;
  /** Resolves once its log says so: before that there is nothing in it to kill. */
  takesWork(): Promise<void>;
  /** Resolves with true when it ended by itself, with false when it was told to. */
  readonly endsByItself: Promise<boolean>;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves when the process is gone. */
  stop(): Promise<void>;
}

/** Starts `migrate worker` on the stack; what it says is added to `logFile`. */
export function startWorkerProcess(stack: Stack, logFile: string, env: Record<string, string> = {}): WorkerProcess {
  const log = openSync(logFile, 'a', 0o600);
  const before = readFileSync(logFile).length;
  const child = spawn(process.execPath, [compiledFile('cli/main.js'), 'worker'], {
    env: { ...workerEnvironment(stack, process.env), DROVER_SHUTDOWN_GRACE_SECONDS: '2', ...env },
    stdio: ['ignore', log, log],
  });
  const onExit = () => void child.kill('SIGKILL');
  process.once('exit', onExit);
  let told = false;
  const endsByItself = once(child, 'exit').then(() => !told);
  const end = async (signal: NodeJS.Signals) => {
    process.removeListener('exit', onExit);
    if (child.exitCode !== null || child.signalCode !== null) return;
    told = true;
    child.kill(signal);
    // One that is stopped hears of nothing but SIGKILL.
    child.kill('SIGCONT');
    await endsByItself;
  };
  return {
    pid: child.pid as number,
    endsByItself,
    takesWork: () => logSays(child, logFile, before),
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
  };
}

async function logSays(child: ChildProcess, logFile: string, from: number): Promise<void> {
  for (;;) {
    const said = readFileSync(logFile).subarray(from).toString();
    if (said.includes('the worker takes work')) return;
    if (child.exitCode !== null) throw new Error(`the worker ended with ${child.exitCode}:\n${said}`);
    await new Promise((go) => setTimeout(go, 50));
  }
}
