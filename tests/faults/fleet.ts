/** The embedded stack with worker processes on it, and a migration that runs there. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import type { Ledger } from '../../ledger/ledger.js';
import { openLedger } from '../../ledger/ledger.js';
import type { Spec } from '../../schemas/spec.js';
import type { Stack } from '../../worker/stack/stack.js';
import { startStack } from '../../worker/stack/stack.js';
import type { Migration } from '../e2e/apply-spec.js';
import { applySpec } from '../e2e/apply-spec.js';
import type { WorkerProcess } from './worker-process.js';
import { startWorkerProcess } from './worker-process.js';

export interface Fleet {
  readonly dir: string;
  readonly stack: Stack;
  readonly client: Client;
  readonly ledger: Ledger;
  readonly workerLog: string;
  /** As they run now; the n-th takes the place of the n-th that was killed. */
  readonly workers: WorkerProcess[];
  /** Kills the n-th worker and starts another in its place. */
  replaceWorker(n: number): Promise<void>;
  apply(spec: Spec): Promise<Migration>;
  stop(): Promise<void>;
}

/** What a supervisor waits before it starts a worker again that ended by itself, e.g. because nothing answered it. */
const RESTART_MS = 500;

/** Workers that end by themselves are started again, as Docker or systemd would. */
export async function startFleet(workers: number, env: Record<string, string> = {}): Promise<Fleet> {
  const dir = await mkdtemp(join(tmpdir(), 'drover-fleet-'));
  const stack = await startStack({ dir, log: () => {}, signal: new AbortController().signal });
  const workerLog = join(dir, 'worker.log');
  const connection = await Connection.connect({ address: stack.temporalAddress });
  const client = new Client({ connection, namespace: stack.namespace });
  const ledger = openLedger(stack.ledgerUrl);
  const running: WorkerProcess[] = [];
  let stopping = false;
  const start = (n: number): void => {
    const worker = startWorkerProcess(stack, workerLog, env);
    running[n] = worker;
    void worker.endsByItself.then(async (byItself) => {
      if (!byItself || stopping) return;
      await delay(RESTART_MS);
      if (!stopping && running[n] === worker) start(n);
    });
  };
  const fleet: Fleet = {
    dir,
    stack,
    client,
    ledger,
    workerLog,
    workers: running,
    async replaceWorker(n) {
      await running[n]?.kill();
      start(n);
    },
    apply: (spec) => applySpec(client, stack.taskQueue, spec),
    async stop() {
      stopping = true;
      await Promise.all(running.map((worker) => worker.stop()));
      await connection.close();
      await ledger.close();
      await stack.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
  try {
    // The first one registers search attributes; the others need not race with it.
    for (let n = 0; n < workers; n++) {
      start(n);
      if (n === 0) await running[0]?.takesWork();
    }
    await Promise.all(running.map((worker) => worker.takesWork()));
    return fleet;
  } catch (error) {
    await fleet.stop();
    throw error;
  }
}
