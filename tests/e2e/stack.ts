/** The embedded stack with a worker in this very process, so that tests see its memory systems. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import type { EngineSettings } from '../../engine/deps.js';
import type { Ledger } from '../../ledger/ledger.js';
import { openLedger } from '../../ledger/ledger.js';
import { migrateLedger } from '../../ledger/migrate.js';
import { runWorker } from '../../worker/main.js';
import { readWorkerSettings } from '../../worker/settings.js';
import type { Stack } from '../../worker/stack/stack.js';
import { startStack, workerEnvironment } from '../../worker/stack/stack.js';

export interface TestStack {
  readonly dir: string;
  readonly stack: Stack;
  readonly client: Client;
  readonly ledger: Ledger;
  stop(): Promise<void>;
}

export async function startTestStack(
  env: Record<string, string> | ((dir: string) => Record<string, string>) = {},
  engine: Partial<EngineSettings> = {},
): Promise<TestStack> {
  const dir = await mkdtemp(join(tmpdir(), 'drover-e2e-'));
  const stack = await startStack({ dir, log: () => {}, signal: new AbortController().signal });
  const ending = new AbortController();
  const settings = readWorkerSettings({
    ...workerEnvironment(stack, process.env),
    DROVER_LOG_LEVEL: 'error',
    DROVER_SHUTDOWN_GRACE_SECONDS: '2',
    ...(typeof env === 'function' ? env(dir) : env),
  });
  const worker = runWorker(settings, ending.signal, engine);
  const connection = await Connection.connect({ address: stack.temporalAddress });
  // Some tests hold rows on connections of their own, several at once.
  const ledger = openLedger(stack.ledgerUrl, { max: 40 });
  // The worker does this too; whoever comes first.
  await migrateLedger(ledger);
  return {
    dir,
    stack,
    client: new Client({ connection, namespace: stack.namespace }),
    ledger,
    async stop() {
      ending.abort();
      await worker;
      await connection.close();
      await ledger.close();
      await stack.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
