/**
 * What is said to a migration while it does something else: while its run is opened or closed, while the report is written,
 * while a gate opens, between two runs. No message is lost, and each does what it says.
 */
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readResult } from '../../cli/migration.js';
import { Fault } from '../../connectors/errors.js';
import { readControl } from '../../ledger/runs.js';
import type { Spec } from '../../schemas/spec.js';
import type { Progress } from '../../workflows/messages.js';
import {
  approveSignal,
  cancelSignal,
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
import type { Held } from './hold.js';
import { holdFinish, holdGates, holdPrepare, holdReports } from './hold.js';
import { fill, memorySpec, slowly, sourceOf, targetOf } from './memory-spec.js';
import type { TestStack } from './stack.js';
import { startTestStack } from './stack.js';

let test: TestStack;
beforeAll(async () => {
  test = await startTestStack({ DROVER_REPORT_FOLDER: join(tmpdir(), `drover-reports-${randomUUID()}`) });
});
afterAll(() => test.stop());

const apply = (spec: Spec): Promise<Migration> => applySpec(test.client, test.stack.taskQueue, spec);

async function until(name: string, reached: (progress: Progress) => boolean): Promise<Progress> {
  const handle = test.client.workflow.getHandle(makeMigrationId(name));
  for (;;) {
    const progress = await handle.query(progressQuery);
    if (reached(progress)) return progress;
    await new Promise((go) => setTimeout(go, 30));
  }
}

const stateOf = async (name: string): Promise<string> => {
  const { rows } = await test.ledger.pool.query('select number, state from run where migration = $1 order by number', [
    name,
  ]);
  return rows.map(({ number, state }) => `${number} ${state}`).join(', ');
};

interface Scene {
  readonly spec: Spec;
  readonly handle: Migration;
  readonly held: Held;
}

/** A second run that cannot be opened yet. */
async function opening(): Promise<Scene> {
  const spec = memorySpec(['anna', 'bert']);
  fill(spec, ['anna', 'bert'], 1);
  await (await apply(spec)).result();
  const held = await holdPrepare(test.ledger, spec.name);
  const handle = await apply(spec);
  await held.waitedFor();
  return { spec, handle, held };
}

/** A run with a unit that failed, which cannot be closed yet. What made it fail is mended. */
async function closing(): Promise<Scene> {
  const spec = memorySpec(['anna', 'bert']);
  fill(spec, ['anna', 'bert'], 1);
  let fail = (): void => {};
  const held = new Promise<void>((go) => {
    fail = go;
  });
  sourceOf(spec).fault = async ({ op, account }) => {
    if (op !== 'containers' || account !== 'bert') return;
    await held;
    throw new Fault('spec', 'broken for now');
  };
  const handle = await apply(spec);
  await until(spec.name, ({ units }) => units.done === 1);
  const finish = await holdFinish(test.ledger, spec.name);
  fail();
  await finish.waitedFor();
  sourceOf(spec).fault = undefined;
  return { spec, handle, held: finish };
}

/** The same, while its report is written. */
async function reporting(): Promise<Scene> {
  const { held: finish, ...scene } = await closing();
  const held = await holdReports(test.ledger);
  await finish.release();
  await held.waitedFor();
  return { ...scene, held };
}

/** The gate of a unit, whose credentials are renewed, is about to be opened. */
async function gateOpening(): Promise<Scene> {
  const spec = memorySpec(['anna', 'bert']);
  fill(spec, ['anna', 'bert'], 1);
  sourceOf(spec).account('bert').locked = 'password expired';
  const handle = await apply(spec);
  await until(spec.name, ({ state }) => state === 'waiting');
  sourceOf(spec).account('bert').locked = undefined;
  const held = await holdGates(test.ledger, spec.name);
  await handle.signal(credentialsSignal, {});
  await held.waitedFor();
  return { spec, handle, held };
}

const scenes = { opening, closing, reporting, gateOpening };

describe.concurrent.each(Object.entries(scenes))('%s', (moment, arrange) => {
  const hasEnded = moment === 'closing' || moment === 'reporting';
  const first = moment === 'opening' ? 2 : 1;

  it('apply: another run follows', async () => {
    const { spec, handle, held } = await arrange();
    await handle.signal(requestSignal, { id: randomUUID(), reason: 'apply' });
    await held.release();
    expect(await handle.result()).toMatchObject({ run: first + 1, state: 'done', done: 2 });
    expect(await stateOf(spec.name)).toContain(`${first} ${hasEnded ? 'failed' : 'done'}, ${first + 1} done`);
  });

  it('retry: what failed is tried again', async () => {
    const { handle, held } = await arrange();
    await handle.signal(retrySignal, {});
    await held.release();
    expect(await handle.result()).toMatchObject({ run: hasEnded ? 2 : first, state: 'done' });
  });

  it('pause: it stands still until it is resumed', async () => {
    const { spec, handle, held } = await arrange();
    await handle.signal(pauseSignal);
    await held.release();
    if (hasEnded) {
      expect(await handle.result()).toMatchObject({ state: 'failed', failed: 1 });
      await apply(spec);
    }
    await until(spec.name, ({ state, units }) => state === 'paused' && units.running === 0);
    await expect.poll(() => readControl(test.ledger, spec.name)).toMatchObject({ paused: true });
    await handle.signal(resumeSignal);
    expect(await handle.result()).toMatchObject({ state: 'done', done: 2 });
  });

  it('pause and resume at once: nothing fails', async () => {
    const { spec, handle, held } = await arrange();
    await handle.signal(pauseSignal);
    await handle.signal(resumeSignal);
    await held.release();
    await handle.result();
    expect(await readControl(test.ledger, spec.name)).toMatchObject({ paused: false });
    expect(await stateOf(spec.name)).not.toContain(hasEnded ? 'running' : 'failed');
  });

  it('cancel: the run is cancelled unless it has ended, and what was asked for before with it, but not what comes after', async () => {
    const { spec, handle, held } = await arrange();
    await handle.signal(requestSignal, { id: randomUUID(), reason: 'apply' });
    await handle.signal(cancelSignal);
    await handle.signal(requestSignal, { id: randomUUID(), reason: 'verify' });
    await held.release();
    expect(await handle.result()).toMatchObject({ run: first + 1, state: 'done' });
    expect(await stateOf(spec.name)).toContain(`${first} ${hasEnded ? 'failed' : 'cancelled'}, ${first + 1} done`);
  });

  it('Cancel by Temporal: the same', async () => {
    const { spec, handle, held } = await arrange();
    await handle.cancel();
    await held.release();
    expect(await handle.result()).toMatchObject({ run: first, state: hasEnded ? 'failed' : 'cancelled' });
    expect(await stateOf(spec.name)).not.toContain('running');
  });

  it('retune: it holds from now on', async () => {
    const { spec, handle, held } = await arrange();
    await handle.executeUpdate(retuneUpdate, { args: [{ lanes: 3 }] });
    await held.release();
    await handle.result();
    expect(await readControl(test.ledger, spec.name)).toMatchObject({ tuning: { lanes: 3 } });
  });

  it('credentials and approve: what waits at no such gate goes on as it was', async () => {
    const { handle, held } = await arrange();
    await handle.signal(credentialsSignal, {});
    await handle.signal(approveSignal, {});
    await held.release();
    expect(await handle.result()).toMatchObject({ run: first, state: hasEnded ? 'failed' : 'done' });
  });
});

it('goes on after a pause that is taken back before the units have stopped', async () => {
  const spec = memorySpec(['anna', 'bert']);
  fill(spec, ['anna', 'bert'], 1_000);
  slowly(spec, 3);
  const handle = await apply(spec);
  await expect.poll(() => targetOf(spec).counts.create).toBeGreaterThan(50);
  await handle.signal(pauseSignal);
  await handle.signal(resumeSignal);

  expect(await handle.result()).toMatchObject({ state: 'done', failed: 0, totals: { verified: 2_000 } });
});

it('a request that is asked for twice while its run is open is one run', async () => {
  const spec = memorySpec(['anna']);
  fill(spec, ['anna'], 1);
  sourceOf(spec).account('anna').locked = 'password expired';
  const handle = await apply(spec);
  await until(spec.name, ({ state }) => state === 'waiting');
  const request = { id: 'once', reason: 'verify' as const };
  await handle.signal(requestSignal, { ...request, replace: true });
  await until(spec.name, ({ state, run }) => state === 'waiting' && run === 2);
  await handle.signal(requestSignal, request);
  await handle.signal(requestSignal, request);
  sourceOf(spec).account('anna').locked = undefined;
  await handle.signal(credentialsSignal, {});

  expect(await handle.result()).toMatchObject({ run: 2, state: 'done' });
  expect(await stateOf(spec.name)).toBe('1 replaced, 2 done');
});

it('a cancel that comes before the first task ends the migration', async () => {
  const { name } = memorySpec(['anna']);
  const handle = await test.client.workflow.signalWithStart('migration', {
    workflowId: makeMigrationId(name),
    taskQueue: test.stack.taskQueue,
    args: [{ name, queue: [{ id: randomUUID(), reason: 'apply' }] }],
    signal: cancelSignal,
  });

  expect(await readResult(handle)).toMatchObject({ result: { run: 0, state: 'cancelled' } });
});
