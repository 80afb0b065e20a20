/**
 * Terminate, Reset and Cancel, as the Web UI of Temporal offers them for every workflow, in the middle of a run and after it.
 * Whatever was done there, a new `apply` completes the migration: nothing is written twice, nothing is lost, no unit, run or
 * workflow is left open.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MigrationHandle } from '../../cli/migration.js';
import { readResult } from '../../cli/migration.js';
import { specHash } from '../../schemas/hash.js';
import type { Spec } from '../../schemas/spec.js';
import { makeDoctorId, makeMigrationId, makePlanId, makeUnitId } from '../../workflows/messages.js';
import type { Migration } from './apply-spec.js';
import { applySpec } from './apply-spec.js';
import { copiesOf, fill, memorySpec, slowly, sourceOf, targetOf } from './memory-spec.js';
import type { TestStack } from './stack.js';
import { startTestStack } from './stack.js';

let test: TestStack;
beforeAll(async () => {
  test = await startTestStack();
});
afterAll(() => test.stop());

const MESSAGES = 700;
const PEOPLE = ['anna', 'bert', 'cleo'];

const apply = (spec: Spec): Promise<Migration> => applySpec(test.client, test.stack.taskQueue, spec);
const workflow = (id: string) => test.client.workflow.getHandle(id);
/** How the last execution ended: the state of its run, or the reason that it has none. */
async function ended(id: string): Promise<string> {
  const end = await readResult(workflow(id) as MigrationHandle);
  return 'reason' in end ? end.reason : end.result.state;
}

/** Ids of workflow tasks that ended, oldest first: the points that a reset may go back to. */
async function pointsOf(id: string): Promise<readonly { readonly runId: string; readonly eventId: number }[]> {
  const { runId } = await workflow(id).describe();
  const { events } = await test.client.workflow.getHandle(id, runId).fetchHistory();
  return (events ?? []).flatMap(({ eventId, workflowTaskCompletedEventAttributes: completed }) =>
    completed ? [{ runId, eventId: Number(eventId) }] : [],
  );
}

async function reset(id: string, where: 'first' | 'middle' | 'last'): Promise<void> {
  const points = await pointsOf(id);
  const at = { first: 0, middle: Math.floor(points.length / 2), last: points.length - 1 }[where];
  const point = points[at] as { runId: string; eventId: number };
  await test.client.workflowService.resetWorkflowExecution({
    namespace: test.stack.namespace,
    workflowExecution: { workflowId: id, runId: point.runId },
    workflowTaskFinishEventId: String(point.eventId) as never,
    requestId: randomUUID(),
    reason: 'by hand',
  });
}

/** In the middle of its first run: every unit has begun to write. */
async function moving(): Promise<Spec> {
  const spec = memorySpec(PEOPLE);
  fill(spec, PEOPLE, MESSAGES);
  slowly(spec, 10);
  await apply(spec);
  const begun = (person: string): boolean => targetOf(spec).account(person).folder(['INBOX']).messages.size > 20;
  while (!PEOPLE.every(begun)) await new Promise((go) => setTimeout(go, 20));
  return spec;
}

async function expectComplete(spec: Spec): Promise<void> {
  const result = await (await apply(spec)).result();
  expect(result).toMatchObject({
    state: 'done',
    done: PEOPLE.length,
    totals: { items: PEOPLE.length * MESSAGES, verified: PEOPLE.length * MESSAGES, duplicates: 0 },
  });
  await expectClosed(spec);
  for (const person of PEOPLE) expect(copiesOf(spec, person)).toEqual({ messages: MESSAGES, most: 1 });
}

async function unitsOf({ name }: Spec): Promise<string[]> {
  const { rows } = await test.ledger.pool.query('select state from unit where migration = $1 order by n', [name]);
  return rows.map(({ state }) => state);
}

async function expectClosed(spec: Spec): Promise<void> {
  const { name } = spec;
  for (const n of PEOPLE.keys()) await ended(makeUnitId(name, n + 1));
  expect(await unitsOf(spec)).toEqual(DONE);
  const runs = await test.ledger.pool.query('select state, ended_at, totals from run where migration = $1', [name]);
  for (const run of runs.rows)
    expect(run).toEqual({
      state: expect.not.stringMatching('running'),
      ended_at: expect.any(Date),
      totals: expect.any(Object),
    });
  const gates = await test.ledger.pool.query('select from gate where migration = $1 and closed_at is null', [name]);
  expect(gates.rowCount).toBe(0);
}

interface Verb {
  readonly act: (spec: Spec) => Promise<unknown>;
  /** How the migration ends that it was done to: the state of its run, or Temporal's reason. */
  readonly end: string;
  /** What the ledger then holds of the units. */
  readonly units?: readonly string[];
}

const DONE = PEOPLE.map(() => 'done');
const terminate = (id: string) => workflow(id).terminate('by hand');

const verbs: Record<string, Verb> = {
  'Terminate of the migration': { act: ({ name }) => terminate(makeMigrationId(name)), end: 'by hand' },
  'Terminate of a unit': {
    act: ({ name }) => terminate(makeUnitId(name, 1)),
    end: 'failed',
    units: ['failed', 'done', 'done'],
  },
  'Terminate of a unit, then of the migration': {
    act: async ({ name }) => {
      await terminate(makeUnitId(name, 1));
      await terminate(makeMigrationId(name));
    },
    end: 'by hand',
  },
  'Cancel of the migration': {
    act: ({ name }) => workflow(makeMigrationId(name)).cancel(),
    end: 'cancelled',
    units: PEOPLE.map(() => 'cancelled'),
  },
  'Cancel of a unit': {
    act: ({ name }) => workflow(makeUnitId(name, 1)).cancel(),
    end: 'failed',
    units: ['failed', 'done', 'done'],
  },
  'Reset of the migration to its start': {
    act: ({ name }) => reset(makeMigrationId(name), 'first'),
    end: 'done',
    units: DONE,
  },
  'Reset of the migration to the middle': {
    act: ({ name }) => reset(makeMigrationId(name), 'middle'),
    end: 'done',
    units: DONE,
  },
  'Reset of the migration to its last task': {
    act: ({ name }) => reset(makeMigrationId(name), 'last'),
    end: 'done',
    units: DONE,
  },
  'Reset of a unit to its start': { act: ({ name }) => reset(makeUnitId(name, 1), 'first'), end: 'done', units: DONE },
  'Reset of a unit to its last task': {
    act: ({ name }) => reset(makeUnitId(name, 1), 'last'),
    end: 'done',
    units: DONE,
  },
  'Terminate of the migration, then a reset of it': {
    act: async ({ name }) => {
      await terminate(makeMigrationId(name));
      await reset(makeMigrationId(name), 'middle');
    },
    end: 'done',
    units: DONE,
  },
};

describe.concurrent.each(Object.entries(verbs))('%s', (_name, { act, end, units }) => {
  it('in the middle of a run', async ({ expect }) => {
    const spec = await moving();
    await act(spec);
    targetOf(spec).fault = undefined;
    expect(await ended(makeMigrationId(spec.name))).toBe(end);
    if (units) expect(await unitsOf(spec)).toEqual(units);
    await expectComplete(spec);
  });
});

it('what is reset after the run has ended leaves nothing open', async () => {
  const spec = memorySpec(PEOPLE);
  fill(spec, PEOPLE, MESSAGES);
  await (await apply(spec)).result();
  await reset(makeUnitId(spec.name, 1), 'first');
  await ended(makeUnitId(spec.name, 1));
  await expectClosed(spec);
  await reset(makeMigrationId(spec.name), 'first');
  await ended(makeMigrationId(spec.name));
  await expectClosed(spec);
  await reset(makeMigrationId(spec.name), 'last');
  await ended(makeMigrationId(spec.name));
  await expectComplete(spec);
});

it('Cancel and Terminate of a plan and of a doctor end them', async () => {
  const spec = memorySpec(['anna']);
  fill(spec, ['anna'], 1);
  let isAsked = false;
  sourceOf(spec).fault = async ({ op }) => {
    isAsked ||= op === 'containers';
    if (op === 'containers') await new Promise((go) => setTimeout(go, 30_000));
  };
  const input = { spec, specHash: specHash(spec), dryRun: false };
  const start = (type: string, workflowId: string) =>
    test.client.workflow.start(type, { workflowId, taskQueue: test.stack.taskQueue, args: [input] });
  const plan = await start('plan', makePlanId(spec.name, randomUUID()));
  await expect.poll(() => isAsked).toBe(true);
  await plan.cancel();
  await expect(plan.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
  const doctor = await start('doctor', makeDoctorId(randomUUID()));
  await doctor.terminate('by hand');
  await expect(doctor.result()).rejects.toMatchObject({ cause: { name: 'TerminatedFailure' } });
  sourceOf(spec).fault = undefined;

  expect(await (await apply(spec)).result()).toMatchObject({ state: 'done' });
});
