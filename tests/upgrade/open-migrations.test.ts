/** Migrations that version 0.3 had open go on under this one: decision 40. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readResult } from '../../cli/migration.js';
import { memoryStore } from '../../connectors/memory/store.js';
import type { Ledger } from '../../ledger/ledger.js';
import { openLedger } from '../../ledger/ledger.js';
import type { RunResult } from '../../words/runs.js';
import { cutOver } from '../../worker/cut.js';
import { runWorker } from '../../worker/main.js';
import { readWorkerSettings } from '../../worker/settings.js';
import { compiledFile } from '../../worker/stack/compiled.js';
import type { Stack } from '../../worker/stack/stack.js';
import { startStack, workerEnvironment } from '../../worker/stack/stack.js';
import type { Progress } from '../../workflows/messages.js';
import {
  credentialsSignal,
  makeMigrationId,
  pauseSignal,
  progressQuery,
  resumeSignal,
} from '../../workflows/messages.js';
import type { migration } from '../../workflows/migration.js';
import { layLedger, laySystems, layTemporal, MESSAGES, NAMES, PEOPLE, unlockAll } from './load.js';

let dir: string;
let stack: Stack;
let client: Client;
const ending = new AbortController();
let worker: Promise<void>;
let ledger: Ledger;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'drover-upgrade-'));
  await layTemporal(dir);
  stack = await startStack({ dir, log: () => {}, signal: new AbortController().signal });
  await layLedger(stack.ledgerUrl);
  laySystems();
  ledger = openLedger(stack.ledgerUrl);
  client = new Client({
    connection: await Connection.connect({ address: stack.temporalAddress }),
    namespace: stack.namespace,
  });
  worker = runWorker(
    readWorkerSettings({
      ...workerEnvironment(stack, process.env),
      DROVER_LOG_LEVEL: 'error',
      DROVER_SHUTDOWN_GRACE_SECONDS: '2',
    }),
    ending.signal,
  );
}, 120_000);
afterAll(async () => {
  ending.abort();
  await worker;
  await ledger.close();
  await client.connection.close();
  await stack.stop();
  await rm(dir, { recursive: true, force: true });
});

const handleOf = (name: string) => client.workflow.getHandle<typeof migration>(makeMigrationId(name));

async function until(name: string, reached: (progress: Progress) => boolean): Promise<Progress> {
  for (;;) {
    // Until the cut is made, its history cannot be replayed, and nothing answers.
    const progress = await handleOf(name)
      .query(progressQuery)
      .catch(() => undefined);
    if (progress && reached(progress)) return progress;
    await new Promise((go) => setTimeout(go, 100));
  }
}

async function resultOf(name: string): Promise<RunResult> {
  const end = await readResult(handleOf(name));
  if ('reason' in end) throw new Error(`${name}: ${end.reason}`);
  return end.result;
}

const WHOLE = { state: 'done', done: 2, failed: 0, totals: { items: 6, verified: 6, duplicates: 0 } };

it('goes on with what was at work, paused, or waiting, and with what was asked for meanwhile', async () => {
  await until('paused', ({ state }) => state === 'paused');
  expect((await until('parked', ({ state }) => state === 'waiting')).gates).toMatchObject([
    { n: 2, gate: 'credentials' },
  ]);
  await until('scheduled', ({ state }) => state === 'waiting');
  unlockAll();
  await handleOf('paused').signal(resumeSignal);
  for (const name of ['parked', 'scheduled']) await handleOf(name).signal(credentialsSignal, {});

  const results = await Promise.all(NAMES.map(resultOf));

  expect(results).toMatchObject(NAMES.map((name) => ({ ...WHOLE, name })));
  // The first run of "queued" had begun; the second was asked for in a signal that only its history held.
  expect(results.map(({ run }) => run)).toEqual([1, 2, 1, 1, 2]);
  for (const name of NAMES) {
    for (const person of PEOPLE) {
      const { messages } = memoryStore(`${name}-target`).account(person).folder(['INBOX']);
      expect(messages.size, `${name}, ${person}`).toBe(MESSAGES);
    }
  }
  await expect(client.workflow.getHandle('tick/scheduled/nightly').result()).rejects.toMatchObject({
    cause: { message: expect.stringContaining('newer version of Drover') },
  });
}, 120_000);

it('makes the cut once', async () => {
  expect(await cutOver({ client, ledger, taskQueue: stack.taskQueue, log: () => {}, signal: ending.signal })).toEqual(
    [],
  );
});

it('starts again what it had ended when it died in the middle', async () => {
  memoryStore('paused-source')
    .account('anna')
    .put(['INBOX'], { bytes: Buffer.from('Message-ID: <9@x>\r\n\r\n9\r\n') });
  const { taskQueue } = stack;
  await client.workflow.signalWithStart('migration', {
    workflowId: makeMigrationId('paused'),
    taskQueue,
    args: [{ name: 'paused', queue: [{ id: 'paused-2', reason: 'apply' }] }],
    signal: pauseSignal,
  });
  await until('paused', ({ state }) => state === 'paused');
  await ledger.pool.query('delete from workflow_cut');
  const dying = Object.assign(Object.create(client), {
    workflow: Object.assign(Object.create(client.workflow), {
      start: () => Promise.reject(new Error('kill -9')),
    }),
  }) as Client;
  await expect(cutOver({ client: dying, ledger, taskQueue, log: () => {}, signal: ending.signal })).rejects.toThrow(
    'kill -9',
  );
  expect((await handleOf('paused').describe()).status.name).toBe('TERMINATED');

  expect(await cutOver({ client, ledger, taskQueue, log: () => {}, signal: ending.signal })).toEqual(['paused']);

  await until('paused', ({ state }) => state === 'paused');
  await handleOf('paused').signal(resumeSignal);
  expect(await resultOf('paused')).toMatchObject({ state: 'done', run: 2, totals: { items: 7, verified: 7 } });
}, 60_000);

it('waits until workers of an older version have ended', async () => {
  await ledger.pool.query('delete from workflow_cut');
  const connection = await NativeConnection.connect({ address: stack.temporalAddress });
  const older = await Worker.create({
    connection,
    namespace: stack.namespace,
    taskQueue: 'older',
    identity: 'drover/0123abcd',
    workflowBundle: { codePath: compiledFile('workflows/bundle.js') },
  });
  const running = older.run();
  const said: string[] = [];
  const giveUp = new AbortController();
  const seen = { client, ledger, taskQueue: 'older', log: (_: object, message: string) => said.push(message) };
  await expect.poll(() => pollersOf('older')).toBeGreaterThan(0);

  const waiting = cutOver({ ...seen, signal: giveUp.signal });

  await expect.poll(() => said).toEqual([expect.stringContaining('stop them')]);
  giveUp.abort();
  await expect(waiting).rejects.toThrow('aborted');
  older.shutdown();
  await running;
  await connection.close();
}, 60_000);

async function pollersOf(taskQueue: string): Promise<number> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: stack.namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: 1,
  });
  return (pollers ?? []).length;
}
