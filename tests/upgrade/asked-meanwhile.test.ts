/** What people send while the older workers have stopped and no newer one is there yet: only the histories hold it. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Ledger } from '../../ledger/ledger.js';
import { openLedger } from '../../ledger/ledger.js';
import { migrateLedger } from '../../ledger/migrate.js';
import { openRun, readControl, runOfRequest, setControl } from '../../ledger/runs.js';
import { saveSpec } from '../../ledger/specs.js';
import { specHash } from '../../schemas/hash.js';
import { cutOver } from '../../worker/cut.js';
import { registerSearchAttributes } from '../../worker/search-attributes.js';
import type { Stack } from '../../worker/stack/stack.js';
import { startStack } from '../../worker/stack/stack.js';
import { makeMigrationId } from '../../workflows/messages.js';
import { memorySpec } from '../e2e/memory-spec.js';

let dir: string;
let stack: Stack;
let client: Client;
let ledger: Ledger;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'drover-upgrade-'));
  stack = await startStack({ dir, log: () => {}, signal: new AbortController().signal });
  ledger = openLedger(stack.ledgerUrl);
  await migrateLedger(ledger);
  client = new Client({
    connection: await Connection.connect({ address: stack.temporalAddress }),
    namespace: stack.namespace,
  });
  const connection = await NativeConnection.connect({ address: stack.temporalAddress });
  await registerSearchAttributes(connection, stack.namespace);
  await connection.close();
}, 120_000);
afterAll(async () => {
  await ledger.close();
  await client.connection.close();
  await stack.stop();
  await rm(dir, { recursive: true, force: true });
});

/** A migration that a worker has begun, which then went away. */
async function begun() {
  const taskQueue = `older-${randomUUID().slice(0, 8)}`;
  const spec = memorySpec(['anna']);
  const { name } = spec;
  const request = { id: randomUUID(), reason: 'apply' as const, specHash: specHash(spec) };
  await saveSpec(ledger, request.specHash, spec);
  await openRun(ledger, { migration: name, request: request.id, reason: 'apply', spec: request.specHash });
  const handle = await client.workflow.start('migration', {
    workflowId: makeMigrationId(name),
    taskQueue,
    args: [{ name, queue: [request] }],
  });
  const { namespace } = stack;
  const { taskToken } = await client.connection.withDeadline(Date.now() + 20_000, () =>
    client.workflowService.pollWorkflowTaskQueue({ namespace, taskQueue: { name: taskQueue } }),
  );
  await client.workflowService.respondWorkflowTaskCompleted({ namespace, taskToken });
  const cut = async () => {
    await ledger.pool.query('delete from workflow_cut');
    return cutOver({ client, ledger, taskQueue, log: () => {}, signal: new AbortController().signal });
  };
  const queued = async (): Promise<unknown[]> => {
    const { events } = await client.workflow.getHandle(makeMigrationId(name)).fetchHistory();
    const [payload] = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
    return JSON.parse(Buffer.from(payload?.data ?? []).toString()).queue;
  };
  return { name, request, handle, cut, queued };
}

it('takes requests that were typed by hand, and passes over what cannot be meant', async () => {
  const { name, request, handle, cut, queued } = await begun();
  await handle.signal('request');
  for (const typed of [null, 'apply', { reason: 'verify' }, { waiters: 5 }]) await handle.signal('request', typed);

  expect(await cut()).toEqual([name]);

  expect(await queued()).toMatchObject([
    { id: request.id },
    { id: expect.any(String), reason: 'apply' },
    { id: expect.any(String), reason: 'verify' },
  ]);
}, 60_000);

it.each(['its signal', 'Temporal'])(
  'does not start again what was cancelled by %s',
  async (how) => {
    const { name, request, handle, cut } = await begun();
    await (how === 'Temporal' ? handle.cancel() : handle.signal('cancel'));

    expect(await cut()).toEqual([]);

    expect(await runOfRequest(ledger.pool, name, request.id)).toMatchObject({ state: 'cancelled' });
    expect((await handle.describe()).status.name).toBe('TERMINATED');
  },
  60_000,
);

it('starts what was asked for in the place of the open run', async () => {
  const { name, request, handle, cut, queued } = await begun();
  await setControl(ledger.pool, name, { stopped: true });
  await handle.signal('request', { id: 'next', reason: 'apply', specHash: request.specHash, replace: true });

  expect(await cut()).toEqual([name]);

  expect(await queued()).toEqual([{ id: 'next', reason: 'apply', specHash: request.specHash }]);
  expect(await runOfRequest(ledger.pool, name, request.id)).toMatchObject({ state: 'replaced' });
}, 60_000);

it('is paused where a pause came that no worker has seen', async () => {
  const { name, handle, cut } = await begun();
  await handle.signal('pause');

  expect(await cut()).toEqual([name]);

  expect(await readControl(ledger, name)).toMatchObject({ paused: true });
}, 60_000);
