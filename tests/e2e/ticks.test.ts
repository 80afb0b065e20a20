/** Schedules' starts wait for their runs, for weeks where they must, and hold no slot of a worker meanwhile. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Spec } from '../../schemas/spec.js';
import type { Progress, TickInput } from '../../workflows/messages.js';
import {
  credentialsSignal,
  makeMigrationId,
  makeTickId,
  pauseSignal,
  progressQuery,
  resumeSignal,
} from '../../workflows/messages.js';
import type { tick } from '../../workflows/tick.js';
import { applySpec } from './apply-spec.js';
import { fill, memorySpec, sourceOf } from './memory-spec.js';
import type { TestStack } from './stack.js';
import { startTestStack } from './stack.js';

const SLOTS = 4;

let test: TestStack;
beforeAll(async () => {
  test = await startTestStack({ DROVER_MAX_SLICES: String(SLOTS) });
});
afterAll(() => test.stop());

const migrationOf = ({ name }: Spec) => test.client.workflow.getHandle(makeMigrationId(name));

async function until({ name }: Spec, reached: (progress: Progress) => boolean): Promise<void> {
  await expect
    .poll(async () => reached(await test.client.workflow.getHandle(makeMigrationId(name)).query(progressQuery)))
    .toBe(true);
}

/** A migration that has moved one message. */
async function migrated(): Promise<Spec> {
  const spec = memorySpec(['anna']);
  fill(spec, ['anna'], 1);
  await (await applySpec(test.client, test.stack.taskQueue, spec)).result();
  return spec;
}

const startTick = ({ name }: Spec) =>
  test.client.workflow.start<typeof tick>('tick', {
    workflowId: `${makeTickId(name, 'nightly')}-${randomUUID()}`,
    taskQueue: test.stack.taskQueue,
    args: [{ name, schedule: 'nightly', selections: ['mail'] } satisfies TickInput],
  });

const migratedOnes = (count: number): Promise<Spec[]> => Promise.all(Array.from({ length: count }, migrated));

it('as many scheduled runs as a worker has slots all end', async () => {
  const ticks = await Promise.all((await migratedOnes(SLOTS + 1)).map(startTick));

  for (const { state, run } of await Promise.all(ticks.map((one) => one.result())))
    expect({ state, run }).toEqual({ state: 'done', run: 2 });
});

it('other migrations go on while more scheduled runs than slots wait at a gate', async () => {
  const specs = await migratedOnes(SLOTS + 1);
  for (const spec of specs) sourceOf(spec).account('anna').locked = 'password expired';
  const ticks = await Promise.all(specs.map(startTick));
  for (const spec of specs) await until(spec, ({ state }) => state === 'waiting');

  const other = memorySpec(['bert']);
  fill(other, ['bert'], 3);
  const result = await (await applySpec(test.client, test.stack.taskQueue, other)).result();
  expect(result).toMatchObject({ state: 'done', totals: { verified: 3 } });

  for (const spec of specs) {
    sourceOf(spec).account('anna').locked = undefined;
    await migrationOf(spec).signal(credentialsSignal, {});
  }
  for (const { state } of await Promise.all(ticks.map((one) => one.result()))) expect(state).toBe('done');
});

/** A tick whose migration stands still at a gate. */
async function parked() {
  const spec = await migrated();
  sourceOf(spec).account('anna').locked = 'password expired';
  const waiting = await startTick(spec);
  await until(spec, ({ state }) => state === 'waiting');
  return { spec, waiting };
}

it('ends with a reason when its migration was terminated, as soon as it looks', async () => {
  const { spec, waiting } = await parked();
  await waiting.signal('runEnded');
  await migrationOf(spec).terminate();

  await waiting.signal('runEnded');

  await expect(waiting.result()).rejects.toMatchObject({
    cause: { message: expect.stringMatching(/ended before the run of its schedule "nightly" did/) },
  });
});

it('takes no result from what is none', async () => {
  const { spec, waiting } = await parked();
  await waiting.signal('runEnded', 'done');
  await waiting.signal('runEnded', { state: 'done' });
  await migrationOf(spec).cancel();

  await expect(waiting.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
});

it('two starts that wait for their turn are one run, and both hear how it ended', async () => {
  const spec = await migrated();
  fill(spec, ['anna'], 1, 1);
  await applySpec(test.client, test.stack.taskQueue, spec);
  await migrationOf(spec).signal(pauseSignal);
  await until(spec, ({ state }) => state === 'paused');
  const ticks = [await startTick(spec), await startTick(spec)];
  await until(spec, ({ queued }) => queued === 1);
  for (const { workflowId } of ticks)
    await expect
      .poll(async () => (await test.client.workflow.getHandle(workflowId).describe()).raw.pendingActivities?.length)
      .toBe(0);
  await migrationOf(spec).signal(resumeSignal);

  const runs = (await Promise.all(ticks.map((one) => one.result()))).map(({ run }) => run);

  expect(runs).toEqual([3, 3]);
});

it('goes on waiting after a reset, for the run that it had asked for', async () => {
  const { spec, waiting } = await parked();
  const { events } = await waiting.fetchHistory();
  const last = (events ?? []).filter((event) => event.workflowTaskCompletedEventAttributes).at(-1);
  await test.client.workflowService.resetWorkflowExecution({
    namespace: test.stack.namespace,
    workflowExecution: { workflowId: waiting.workflowId, runId: waiting.firstExecutionRunId },
    workflowTaskFinishEventId: last?.eventId ?? null,
    requestId: randomUUID(),
    reason: 'by hand',
  });
  sourceOf(spec).account('anna').locked = undefined;
  await migrationOf(spec).signal(credentialsSignal, {});

  expect(await test.client.workflow.getHandle<typeof tick>(waiting.workflowId).result()).toMatchObject({
    run: 2,
    state: 'done',
  });
});

it('a reset to its start asks for the same run while that is open', async () => {
  const { spec, waiting } = await parked();
  const { events } = await waiting.fetchHistory();
  const first = (events ?? []).find((event) => event.workflowTaskCompletedEventAttributes);
  await test.client.workflowService.resetWorkflowExecution({
    namespace: test.stack.namespace,
    workflowExecution: { workflowId: waiting.workflowId, runId: waiting.firstExecutionRunId },
    workflowTaskFinishEventId: first?.eventId ?? null,
    requestId: randomUUID(),
    reason: 'by hand',
  });
  const again = test.client.workflow.getHandle<typeof tick>(waiting.workflowId);
  await expect
    .poll(async () => ((await again.fetchHistory()).events ?? []).filter((e) => e.activityTaskCompletedEventAttributes))
    .toHaveLength(1);
  sourceOf(spec).account('anna').locked = undefined;
  await migrationOf(spec).signal(credentialsSignal, {});

  expect(await again.result()).toMatchObject({ run: 2, state: 'done' });
  const { rows } = await test.ledger.pool.query('select number from run where migration = $1', [spec.name]);
  expect(rows).toHaveLength(2);
});

it('is cancelled alone: the run goes on', async () => {
  const { spec, waiting } = await parked();
  await waiting.cancel();
  await expect(waiting.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
  sourceOf(spec).account('anna').locked = undefined;
  await migrationOf(spec).signal(credentialsSignal, {});

  expect(await migrationOf(spec).result()).toMatchObject({ run: 2, state: 'done' });
});

it('without the name of a migration it fails, and starts none', async () => {
  const nameless = await test.client.workflow.start('tick', {
    workflowId: `tick/x/${randomUUID()}`,
    taskQueue: test.stack.taskQueue,
    args: [],
  });

  await expect(nameless.result()).rejects.toMatchObject({ cause: { type: 'spec' } });
});
