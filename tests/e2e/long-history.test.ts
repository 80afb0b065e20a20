/**
 * A migration whose history is long continues as new: its units stop at a safe point, and the next execution asks the
 * ledger where they are. Here after a hundred events, where thousands are usual.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Fault } from '../../connectors/errors.js';
import { readControl } from '../../ledger/runs.js';
import type { Spec } from '../../schemas/spec.js';
import { NO_COUNTERS } from '../../words/counters.js';
import type { Progress } from '../../workflows/messages.js';
import {
  credentialsSignal,
  makeMigrationId,
  pauseSignal,
  progressQuery,
  requestSignal,
  resumeSignal,
  retrySignal,
  retuneUpdate,
} from '../../workflows/messages.js';
import type { Migration } from './apply-spec.js';
import { applySpec } from './apply-spec.js';
import { holdUnit } from './hold.js';
import { copiesOf, fill, memorySpec, slowly, sourceOf, targetOf } from './memory-spec.js';
import type { TestStack } from './stack.js';
import { startTestStack } from './stack.js';

let test: TestStack;
beforeAll(async () => {
  test = await startTestStack({}, { historyEvents: 100 });
});
afterAll(() => test.stop());

const people = (count: number): string[] => Array.from({ length: count }, (_, n) => `p${n + 1}`);
const apply = (spec: Spec): Promise<Migration> => applySpec(test.client, test.stack.taskQueue, spec);
const migration = ({ name }: Spec) => test.client.workflow.getHandle(makeMigrationId(name));
const progressOf = (spec: Spec): Promise<Progress> => migration(spec).query(progressQuery);

/** How many executions the migration has had. */
async function executionsOf({ name }: Spec): Promise<number> {
  const query = `WorkflowId = '${makeMigrationId(name)}'`;
  let count = 0;
  for await (const _ of test.client.workflow.list({ query })) count++;
  return count;
}

const continued = async (spec: Spec, handle: Migration): Promise<void> => {
  await expect.poll(async () => (await migration(spec).describe()).runId).not.toBe(handle.firstExecutionRunId);
};

it('one long unit among thirty holds nobody up', async () => {
  const spec = memorySpec(people(30));
  fill(spec, ['p1'], 3_000);
  fill(spec, people(30).slice(1), 1);
  targetOf(spec).fault = async ({ op, when, account }) => {
    if (op === 'create' && when === 'before' && account === 'p1') await new Promise((go) => setTimeout(go, 100));
  };
  const handle = await apply(spec);
  await expect.poll(async () => (await progressOf(spec)).units.done).toBe(29);
  // The long one is at work all the time, but where it hands over.
  expect((await progressOf(spec)).units).toMatchObject({ failed: 0, parked: 0 });
  expect(targetOf(spec).account('p1').folder(['INBOX']).messages.size).toBeLessThan(3_000);
  targetOf(spec).fault = undefined;

  expect(await handle.result()).toMatchObject({ run: 1, state: 'done', done: 30, totals: { verified: 3_029 } });

  expect(copiesOf(spec, 'p1')).toEqual({ messages: 3_000, most: 1 });
  await expect.poll(() => executionsOf(spec)).toBeGreaterThan(2);
});

it('parked units wait on in the next execution, with the same reasons and counters', async () => {
  const spec = memorySpec(people(10));
  fill(spec, people(10), 1);
  sourceOf(spec).account('p2').locked = 'password expired';
  targetOf(spec).fault = ({ op, when, account }) => {
    if (op === 'create' && when === 'before' && account === 'p3')
      throw new Fault('quota', 'full', { retryAfterMs: 3_600_000 });
  };
  const handle = await apply(spec);
  await continued(spec, handle);
  await expect.poll(async () => (await progressOf(spec)).state).toBe('waiting');
  const waiting = await progressOf(spec);
  expect(waiting).toMatchObject({
    run: 1,
    units: { total: 10, done: 8, parked: 2, failed: 0, waiting: 0, running: 0 },
    totals: { items: 9, verified: 8, pending: 1 },
    gates: [
      { n: 2, gate: 'credentials', selection: 'mail', kind: 'mail' },
      { n: 3, gate: 'quota', retryAt: expect.any(Number) },
    ],
  });
  sourceOf(spec).account('p2').locked = undefined;
  targetOf(spec).fault = undefined;
  await migration(spec).signal(retrySignal, {});

  expect(await handle.result()).toMatchObject({ state: 'done', done: 10, totals: { items: 10, verified: 10 } });
});

/** Two units that have begun and go on for long. */
async function long(): Promise<{ readonly spec: Spec; readonly handle: Migration }> {
  const spec = memorySpec(people(2));
  fill(spec, people(2), 1_500);
  slowly(spec, 5);
  const handle = await apply(spec);
  await expect
    .poll(() => Math.min(...people(2).map((p) => targetOf(spec).account(p).folder(['INBOX']).messages.size)))
    .toBeGreaterThan(5);
  return { spec, handle };
}

async function paused(spec: Spec): Promise<Progress> {
  for (;;) {
    const progress = await progressOf(spec);
    if (progress.state === 'paused') return progress;
    await new Promise((go) => setTimeout(go, 30));
  }
}

/** Signals that change nothing, until the history is long enough. */
async function lengthen(spec: Spec): Promise<void> {
  await Promise.all(Array.from({ length: 100 }, () => migration(spec).signal(credentialsSignal, { unit: 99 })));
}

it('a pause holds in the next execution, and what was counted stays counted', async () => {
  const { spec, handle } = await long();
  await migration(spec).signal(pauseSignal);
  const before = await paused(spec);
  await lengthen(spec);
  await continued(spec, handle);
  const after = await paused(spec);
  expect({ units: after.units, totals: after.totals }).toEqual({ units: before.units, totals: before.totals });
  const { rows } = await test.ledger.pool.query<{ items: number; arrived: number }>(
    `select sum((counters->>'items')::int) as items, sum((counters->>'arrived')::int) as arrived from unit where migration = $1`,
    [spec.name],
  );
  expect(after.totals).toMatchObject({ ...NO_COUNTERS, ...after.totals, ...rows[0] });
  targetOf(spec).fault = undefined;
  await migration(spec).signal(resumeSignal);

  expect(await handle.result()).toMatchObject({ run: 1, state: 'done', totals: { items: 3_000, verified: 3_000 } });
});

it('what is said while units stop for the next execution is heard', async () => {
  const { spec, handle } = await long();
  const held = await holdUnit(test.ledger, spec.name, 1);
  await lengthen(spec);
  await held.waitedFor();
  await handle.signal(requestSignal, { id: 'next', reason: 'verify' });
  await handle.executeUpdate(retuneUpdate, { args: [{ lanes: 5 }] });
  await handle.signal(pauseSignal);
  await held.release();
  await continued(spec, handle);
  await expect.poll(async () => (await progressOf(spec)).state).toBe('paused');
  expect(await progressOf(spec)).toMatchObject({ queued: 1, run: 1 });
  expect(await readControl(test.ledger, spec.name)).toMatchObject({ paused: true, tuning: { lanes: 5 } });
  targetOf(spec).fault = undefined;
  await migration(spec).signal(resumeSignal);

  expect(await handle.result()).toMatchObject({ run: 2, state: 'done', totals: { verified: 3_000 } });
  for (const person of people(2)) expect(copiesOf(spec, person)).toEqual({ messages: 1_500, most: 1 });
});

it('a cancel while units stop for the next execution ends the run', async () => {
  const { spec, handle } = await long();
  const held = await holdUnit(test.ledger, spec.name, 1);
  await lengthen(spec);
  await held.waitedFor();
  await handle.cancel();
  await held.release();

  expect(await handle.result()).toMatchObject({ run: 1, state: 'cancelled' });
});
