/** What ends a run late, or opens it once more: after a worker slept, and after a terminate or a reset by hand. */
import type { WorkflowClient } from '@temporalio/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findRun } from '../../activities/tick.js';
import { finishRun } from '../../engine/run/close-run.js';
import { endUnit } from '../../engine/run/end-units.js';
import { prepare } from '../../engine/run/open-run.js';
import { readControl, runOfRequest, setControl } from '../../ledger/runs.js';
import { listUnits } from '../../ledger/units.js';
import { specHash } from '../../schemas/hash.js';
import type { Prepared, RunRequest } from '../../words/runs.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import type { World } from './world.js';
import { createWorld } from './world.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());

const signal = new AbortController().signal;

const opened = (
  { deps, spec }: World,
  id: string,
  asked: Partial<RunRequest> = {},
  execution?: string,
): Promise<Prepared> => {
  const request = { id, reason: 'apply' as const, spec, specHash: specHash(spec), ...asked };
  return prepare(deps, { name: spec.name, request, ...(execution !== undefined && { execution }) }, signal);
};

it('does not close a run again whose units a later one has called', async () => {
  const world = createWorld(server.ledger);
  const { name } = world.spec;
  const { run } = await opened(world, 'one');
  await endUnit(world.deps, { migration: name, run, unit: 1, state: 'failed', reason: 'broken' });
  const close = { name, run, state: 'finished' } as const;
  const first = await finishRun(world.deps, close);
  await opened(world, 'two');

  const late = await finishRun(world.deps, close);

  expect(first).toMatchObject({ state: 'failed', totals: { units: 1, failed: 1 } });
  expect(late).toMatchObject({ run, state: 'failed', totals: { units: 1, failed: 1 } });
  expect(await runOfRequest(server.ledger.pool, name, 'one')).toMatchObject({ state: 'failed', totals: { units: 1 } });
  await world.close();
});

it('does not end a unit that a later run has called', async () => {
  const world = createWorld(server.ledger);
  const { name } = world.spec;
  const { run } = await opened(world, 'one');
  await finishRun(world.deps, { name, run, state: 'cancelled' });
  await opened(world, 'two');

  await endUnit(world.deps, { migration: name, run, unit: 1, state: 'done' });

  expect(await listUnits(server.ledger.pool, name)).toMatchObject([{ n: 1, run: 2, state: 'waiting' }]);
  await world.close();
});

it('lets a run go on that was terminated while it was to be cancelled, when the same is started again', async () => {
  const world = createWorld(server.ledger);
  await opened(world, 'one');
  await setControl(server.ledger.pool, world.spec.name, { stopped: true });

  await opened(world, 'one');

  expect(await readControl(server.ledger, world.spec.name)).toMatchObject({ stopped: false });
  await world.close();
});

it.each([
  ['a selection that the spec does not have', { selections: ['maul'] }, /no selection "maul"/],
  ['a unit that the migration does not have', { units: [7] }, /no unit 7/],
])('refuses a run of %s, which would be done with nothing', async (_, asked, reason) => {
  const world = createWorld(server.ledger);
  await opened(world, 'one');

  await expect(opened(world, 'two', { reason: 'retry', ...asked })).rejects.toThrow(reason);
  await world.close();
});

it('a tick that looks while its run ends is told how it ended', async () => {
  const world = createWorld(server.ledger);
  const { name } = world.spec;
  const { run } = await opened(world, 'one');
  const describe = async () => {
    await finishRun(world.deps, { name, run, state: 'cancelled' });
    return { status: { name: 'COMPLETED' } };
  };
  const client = { getHandle: () => ({ describe }) } as unknown as WorkflowClient;
  const asked = { name, schedule: 'nightly', selections: [], request: 'one', waiter: 'tick/x' };

  expect(await findRun(client, server.ledger, asked)).toMatchObject({ run, state: 'cancelled' });
  await world.close();
});

it('opens no run for a call that slept while its execution went on to the next', async () => {
  const world = createWorld(server.ledger);
  const { name } = world.spec;
  const { run } = await opened(world, 'one', {}, 'first');
  await finishRun(world.deps, { name, run, state: 'finished' });
  await opened(world, 'two', {}, 'first');

  await expect(opened(world, 'one', {}, 'first')).rejects.toThrow('came too late');
  await expect(opened(world, 'never opened', {}, 'first')).rejects.toThrow('came too late');

  expect(await listUnits(server.ledger.pool, name)).toMatchObject([{ n: 1, run: 2 }]);
  expect(await runOfRequest(server.ledger.pool, name, 'two')).toMatchObject({ state: 'running' });
  await world.close();
});

it('opens another run when the same is started again in an execution of its own', async () => {
  const world = createWorld(server.ledger);
  const { name } = world.spec;
  const { run } = await opened(world, 'one', {}, 'first');
  await finishRun(world.deps, { name, run, state: 'finished' });

  expect(await opened(world, 'one', {}, 'second')).toMatchObject({ run: 2 });
  // It continues as new.
  expect(await opened(world, 'one', {}, 'third')).toMatchObject({ run: 2 });
  await world.close();
});
