/** What `migrate dev` and the demo run: the embedded stack with a worker on it. */
import { rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { compiledFile } from './compiled.js';
import type { Guarded } from './guarded.js';
import { startGuarded } from './guarded.js';
import type { KeptUp } from './kept-up.js';
import { keepUp } from './kept-up.js';
import { lastLines } from './last-lines.js';
import type { Stack, StackOptions } from './stack.js';
import { startStack, workerEnvironment } from './stack.js';

export interface Dev {
  readonly stack: Stack;
  /** Where the worker's log lies. */
  readonly workerLog: string;
  /** The worker's pid as it runs now. */
  workerPid(): number;
  /** Resolves when a part cannot be kept running. */
  readonly givenUp: Promise<Error>;
  /** The worker first, then the servers. */
  stop(): Promise<void>;
}

/** Resolves when the worker takes work. Throws when a part cannot be started; nothing is left then. */
export async function startDev(options: StackOptions): Promise<Dev> {
  const { env = process.env, log, signal } = options;
  const stack = await startStack(options);
  const workerLog = join(options.dir, 'worker.log');
  let worker: KeptUp<{ readonly server: Guarded }> | undefined;
  const stop = async (): Promise<void> => {
    await worker?.stop();
    await stack.stop();
  };
  try {
    await rename(workerLog, `${workerLog}.1`).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    const running = await keepUp('the worker', async () => ({ server: await startWorker(stack, env, workerLog) }), log);
    worker = running;
    const givenUp = Promise.race([stack.givenUp, running.givenUp]);
    await untilItTakesWork(stack, givenUp, workerLog, signal);
    return { stack, workerLog, workerPid: () => running.current().server.id.pid, givenUp, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * Without a bound Node lets garbage pile up: a worker needs some 60 MB, and content stands outside of the heap. Buffers of
 * streams make V8 collect after each 64 MB of them; helping threads turn that into 40 % of a worker's processor time.
 */
const HEAP = ['--max-old-space-size=320', '--single-threaded-gc'];

function startWorker(
  stack: Stack,
  env: Readonly<Record<string, string | undefined>>,
  workerLog: string,
): Promise<Guarded> {
  return startGuarded({
    command: process.execPath,
    args: [...HEAP, compiledFile('cli/main.js'), 'worker'],
    cwd: process.cwd(),
    // Somebody waits at a terminal: what a slice has not finished is continued at the next start.
    env: {
      DROVER_SHUTDOWN_GRACE_SECONDS: '3',
      DROVER_REPORT_FOLDER: join(dirname(workerLog), 'reports'),
      ...workerEnvironment(stack, env),
    },
    output: { file: workerLog },
    stopSignals: ['SIGTERM'],
    graceMs: 8_000,
  });
}

/** Asks Temporal who polls the task queue, which is the proof that work would be taken. */
async function untilItTakesWork(
  stack: Stack,
  givenUp: Promise<Error>,
  workerLog: string,
  signal: AbortSignal,
): Promise<void> {
  const { Connection } = await import('@temporalio/client');
  let failure: Error | undefined;
  void givenUp.then((error) => {
    failure = error;
  });
  const connection = await Connection.connect({ address: stack.temporalAddress });
  try {
    for (;;) {
      signal.throwIfAborted();
      if (failure) throw new Error(`${failure.message}; see ${workerLog}:\n${await lastLines(workerLog, 5)}`);
      const WORKFLOW_TASKS = 1;
      const { pollers } = await connection.workflowService.describeTaskQueue({
        namespace: stack.namespace,
        taskQueue: { name: stack.taskQueue },
        taskQueueType: WORKFLOW_TASKS,
      });
      if (pollers && pollers.length > 0) return;
      await delay(100, undefined, { signal });
    }
  } finally {
    await connection.close();
  }
}
