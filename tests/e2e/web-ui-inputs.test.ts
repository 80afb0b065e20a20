/**
 * What the Web UI of Temporal can send: signals with JSON or without any input, and starts. The worker encrypts, the Web UI
 * does not. What cannot be meant changes nothing, and no workflow stops over it.
 */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readResult } from '../../cli/migration.js';
import { readControl } from '../../ledger/runs.js';
import type { Spec } from '../../schemas/spec.js';
import { encryptingConverter } from '../../worker/codec/data-converter.js';
import type { Progress } from '../../workflows/messages.js';
import { makeMigrationId, makeUnitId, progressQuery } from '../../workflows/messages.js';
import type { Migration } from './apply-spec.js';
import { applySpec } from './apply-spec.js';
import { fill, memorySpec, sourceOf } from './memory-spec.js';
import type { TestStack } from './stack.js';
import { startTestStack } from './stack.js';

type Payload = proto.temporal.api.common.v1.IPayload;

let test: TestStack;
/** Reads what the worker writes, and encrypts, as the command does. */
let client: Client;
beforeAll(async () => {
  let keys = '';
  test = await startTestStack((dir) => {
    keys = join(dir, 'keys');
    writeFileSync(keys, `k1:${Buffer.alloc(32, 1).toString('base64')}\n`);
    return { DROVER_ENCRYPTION_KEYS_FILE: keys };
  });
  client = new Client({ connection: test.client.connection, dataConverter: await encryptingConverter(keys) });
});
afterAll(() => test.stop());

const typed = (data: string, encoding = 'json/plain'): Payload => ({
  metadata: { encoding: Buffer.from(encoding) },
  data: Buffer.from(data),
});

/** A signal as the Web UI sends it; no payload stands for the empty field. */
const send = (name: string, signalName: string, ...payloads: Payload[]) =>
  test.client.workflowService.signalWorkflowExecution({
    namespace: test.stack.namespace,
    workflowExecution: { workflowId: makeMigrationId(name) },
    signalName,
    ...(payloads.length > 0 && { input: { payloads } }),
    requestId: randomUUID(),
  });

/** A start as the Web UI makes it: "Start like this" fills in what the workflow had been started with. */
const start = (workflowId: string, payloads: Payload[], workflowType = 'migration') =>
  test.client.workflowService.startWorkflowExecution({
    namespace: test.stack.namespace,
    workflowId,
    workflowType: { name: workflowType },
    taskQueue: { name: test.stack.taskQueue },
    input: { payloads },
    requestId: randomUUID(),
  });

const progressOf = ({ name }: Spec): Promise<Progress> =>
  client.workflow.getHandle(makeMigrationId(name)).query(progressQuery);
const stateOf = async (spec: Spec): Promise<string> => (await progressOf(spec)).state;
const resultOf = (name: string) => readResult(client.workflow.getHandle(makeMigrationId(name)));
const detailsOf = async ({ name }: Spec): Promise<string> => {
  const { currentDetails } = await client.workflow
    .getHandle(makeMigrationId(name))
    .query<{ currentDetails: string }>('__temporal_workflow_metadata');
  return currentDetails;
};

const people = Array.from({ length: 6 }, (_, n) => `p${n + 1}`);

/** Each unit waits for its credentials, which are renewed. */
async function waiting(): Promise<{ readonly spec: Spec; readonly handle: Migration }> {
  const spec = memorySpec(people);
  fill(spec, people, 1);
  for (const person of people) sourceOf(spec).account(person).locked = 'password expired';
  const handle = await applySpec(client, test.stack.taskQueue, spec);
  await expect.poll(() => stateOf(spec)).toBe('waiting');
  for (const person of people) sourceOf(spec).account(person).locked = undefined;
  return { spec, handle };
}

it('opens gates one by one and all together, however the unit is written', async () => {
  const { spec } = await waiting();
  await send(spec.name, 'credentials', typed('{"unit": 1}'));
  await send(spec.name, 'credentials', typed('2'));
  await send(spec.name, 'retry', typed('"3"'));
  await send(spec.name, 'retry', typed('{"unit": 4}', 'json/protobuf'));
  await expect.poll(async () => (await progressOf(spec)).units).toMatchObject({ done: 4, parked: 2 });
  await send(spec.name, 'credentials');

  expect(await resultOf(spec.name)).toMatchObject({ result: { state: 'done', done: 6 } });
});

it.each([
  ['{}', typed('{}')],
  ['null', typed('null')],
  ['nothing, encoded', typed('', 'binary/null')],
  ['an empty text', typed('""')],
])('takes %s for every unit', async (_name, payload) => {
  const { spec } = await waiting();
  await send(spec.name, 'credentials', payload);

  expect(await resultOf(spec.name)).toMatchObject({ result: { state: 'done', done: 6 } });
});

it('does nothing about what cannot be meant, and goes on', async () => {
  const { spec } = await waiting();
  const slips: Payload[] = [
    ...['{"unti": 3}', '{"unit": 0}', '{"unit": "all"}', '[3]', 'true', '{"unit": true}', '"all"', '{unit: 3}', ''].map(
      (text) => typed(text),
    ),
    typed('unit: 3', 'text/yaml'),
    typed('', 'binary/plain'),
    { data: Buffer.from('{}') },
  ];
  for (const signal of ['credentials', 'approve', 'retry'])
    for (const slip of slips) await send(spec.name, signal, slip);
  await send(spec.name, 'request', typed('{reason'));
  // A list that is none would stop the migration at the run's end; a spec without its hash would run the one before.
  for (const slip of [
    '{"waiters": 5}',
    '{"waiters": [""]}',
    '{"selections": "mail"}',
    '{"units": 3}',
    '{"spec": {}}',
    '{"reason": "aply"}',
  ])
    await send(spec.name, 'request', typed(slip));
  await send(spec.name, 'nothing', typed('{}'));
  expect(await progressOf(spec)).toMatchObject({ state: 'waiting', queued: 0, units: { parked: 6 } });
  await send(spec.name, 'retry');

  expect(await resultOf(spec.name)).toMatchObject({ result: { run: 1, state: 'done', done: 6 } });
});

it('is paused, resumed, retuned and cancelled there, and its details say what it listens to', async () => {
  const { spec } = await waiting();
  await expect
    .poll(() => detailsOf(spec))
    .toMatch(/Signals now: `pause`, `credentials`[^\n]*\{"unit": \d\}[^\n]*`retry`.*`cancel`/);
  await send(spec.name, 'pause', typed('{}'));
  await expect.poll(() => stateOf(spec)).toBe('paused');
  await expect.poll(() => detailsOf(spec)).toMatch(/Signals now: `resume`/);
  const { outcome } = await test.client.workflowService.updateWorkflowExecution({
    namespace: test.stack.namespace,
    workflowExecution: { workflowId: makeMigrationId(spec.name) },
    request: {
      meta: { updateId: randomUUID() },
      input: { name: 'retune', args: { payloads: [typed('{"lanes": 2}')] } },
    },
    waitPolicy: {
      lifecycleStage:
        proto.temporal.api.enums.v1.UpdateWorkflowExecutionLifecycleStage
          .UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED,
    },
  });
  expect(outcome?.success).toBeTruthy();
  await expect.poll(() => readControl(test.ledger, spec.name)).toMatchObject({ paused: true, tuning: { lanes: 2 } });
  await send(spec.name, 'resume');
  await expect.poll(() => stateOf(spec)).toBe('waiting');
  await send(spec.name, 'cancel');

  expect(await resultOf(spec.name)).toMatchObject({ result: { state: 'cancelled' } });
});

it('another run is asked for with a plain request, or with none', async () => {
  const { spec } = await waiting();
  await send(spec.name, 'request', typed('{"reason": "verify"}'));
  await send(spec.name, 'request');
  await send(spec.name, 'credentials');

  expect(await resultOf(spec.name)).toMatchObject({ result: { run: 3, state: 'done' } });
  const { rows } = await test.ledger.pool.query('select reason from run where migration = $1 order by number', [
    spec.name,
  ]);
  expect(rows.map(({ reason }) => reason)).toEqual(['apply', 'verify', 'apply']);
});

it('"Start like this" makes another run, with the input as it was encrypted', async () => {
  const { spec, handle } = await waiting();
  await send(spec.name, 'cancel');
  await resultOf(spec.name);
  const { events } = await handle.fetchHistory();
  const input = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
  expect(Buffer.from(input[0]?.metadata?.encoding ?? []).toString()).toBe('binary/encrypted');
  await start(makeMigrationId(spec.name), input);

  expect(await resultOf(spec.name)).toMatchObject({ result: { run: 2, state: 'done', done: 6 } });
});

it.each([
  ['no input', []],
  ['{}', [typed('{}')]],
  ['null', [typed('null')]],
  ['what cannot be read', [typed('{')]],
  ['a queue that is none', [typed('{"queue": 5}')]],
])('a start with %s tries the last run again', async (_name, input) => {
  const { spec } = await waiting();
  await send(spec.name, 'cancel');
  await resultOf(spec.name);
  await start(makeMigrationId(spec.name), input);

  expect(await resultOf(spec.name)).toMatchObject({ result: { run: 2, state: 'done', done: 6 } });
});

it('a start that no migration can be made of fails with a reason', async () => {
  const reasonOf = async (workflowId: string, input: Payload[], type?: string): Promise<string> => {
    await start(workflowId, input, type);
    const end = await readResult(client.workflow.getHandle(workflowId));
    return 'reason' in end ? end.reason : 'none';
  };
  const id = randomUUID().slice(0, 8);
  expect(await reasonOf(`move-${id}`, [])).toMatch(/has the id "migrate\/NAME"/);
  expect(await reasonOf(`migrate/move-${id}`, [typed('{"name": "other"}')])).toMatch(/has the id "migrate\/NAME"/);
  expect(await reasonOf(`migrate/move-${id}`, [])).toMatch(/knows no migration/);
  expect(await reasonOf(`migrate/move-${id}`, [typed('{"queue": [null, 3, {"spec": 4}]}')])).toMatch(
    /knows no migration/,
  );
  expect(await reasonOf(`migrate/move-${id}/1`, [], 'unit')).toMatch(/started by its migration/);
});

it('names accounts in summaries, however long, which are encrypted like everything else', async () => {
  // Temporal takes summaries of 400 bytes, as they are stored.
  const long = `${'会'.repeat(300)}@corp.example`;
  const spec = memorySpec([long]);
  fill(spec, [long], 1);
  const { result } = await applySpec(client, test.stack.taskQueue, spec);
  expect(await result()).toMatchObject({ done: 1 });

  const id = makeUnitId(spec.name, 1);
  const { events } = await test.client.workflow.getHandle(id).fetchHistory();
  const summaries = (events ?? []).flatMap(({ userMetadata }) => userMetadata?.summary ?? []);
  expect(summaries.length).toBeGreaterThan(3);
  const stored = summaries.map(({ data }) => Buffer.from(data ?? []).toString()).join();
  for (const letters of ['会', 'surveying', 'mail']) expect(stored).not.toContain(letters);
  expect(await (await client.workflow.getHandle(id).describe()).staticSummary()).toMatch(
    /^会+….*: mail, unit 1, run 1$/,
  );
});
