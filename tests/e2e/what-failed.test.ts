/**
 * What the list of workflows in Temporal shows of what did not end well: the status, the first message of the failure, the
 * search attribute. Reasons and accounts are said in failures, which are encrypted where workers encrypt; lists name nobody.
 */
import { randomUUID } from 'node:crypto';
import type { WorkflowFailedError } from '@temporalio/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Fault } from '../../connectors/errors.js';
import { memoryStore } from '../../connectors/memory/store.js';
import { systemScope } from '../../engine/session/connections.js';
import type { Spec, SystemConfig } from '../../schemas/spec.js';
import { cancelSignal, makeMigrationId, makeUnitId, progressQuery, requestSignal } from '../../workflows/messages.js';
import { applySpec } from './apply-spec.js';
import { fill, memorySpec, slowly, sourceOf, targetOf } from './memory-spec.js';
import type { TestStack } from './stack.js';
import { startTestStack } from './stack.js';

let test: TestStack;
beforeAll(async () => {
  test = await startTestStack();
});
afterAll(() => test.stop());

const ANNA = 'anna@corp.example';
const apply = (spec: Spec) => applySpec(test.client, test.stack.taskQueue, spec);
const until = async ({ name }: Spec, state: string): Promise<void> => {
  const handle = test.client.workflow.getHandle(makeMigrationId(name));
  await expect.poll(async () => (await handle.query(progressQuery)).state).toBe(state);
};

async function runsOf({ name }: Spec): Promise<unknown[]> {
  return (await test.ledger.pool.query('select state from run where migration = $1', [name])).rows;
}

/** As a list shows it, and beside it the failure's first message. */
async function shown(id: string): Promise<{ status: string; state?: unknown; failure?: string }> {
  const handle = test.client.workflow.getHandle(id);
  const failure = await handle.result().then(
    () => undefined,
    (error: WorkflowFailedError) => error.cause?.message ?? '',
  );
  const { status, searchAttributes } = await handle.describe();
  const state = searchAttributes.DroverState?.[0];
  expect(JSON.stringify([id, searchAttributes])).not.toContain('anna');
  return { status: status.name, ...(state !== undefined && { state }), ...(failure !== undefined && { failure }) };
}

it('items that the target refused', async () => {
  const spec = memorySpec([ANNA]);
  fill(spec, [ANNA], 3);
  targetOf(spec).fault = ({ op, when }) => {
    if (op === 'create' && when === 'before') throw new Fault('refused', 'the message is too large');
  };
  await (await apply(spec)).result();

  expect(await shown(makeUnitId(spec.name, 1))).toEqual({
    status: 'FAILED',
    failure: expect.stringMatching(/^items: 3 failed; 3: .*the message is too large/),
  });
  expect(await shown(makeMigrationId(spec.name))).toEqual({
    status: 'FAILED',
    state: 'failed',
    failure: expect.stringMatching(/^unit 1, anna@corp.example \(mail\), 3 items: .*too large; items: 3 failed/),
  });
});

it('a unit that could not start', async () => {
  const spec = memorySpec([ANNA]);
  sourceOf(spec).fault = ({ op }) => {
    if (op === 'containers') throw new Fault('spec', 'the folder of the spec is not there');
  };
  await (await apply(spec)).result();

  expect(await shown(makeUnitId(spec.name, 1))).toEqual({
    status: 'FAILED',
    failure: expect.stringContaining('the folder of the spec is not there'),
  });
  expect(await shown(makeMigrationId(spec.name))).toMatchObject({
    status: 'FAILED',
    state: 'failed',
    failure: expect.stringMatching(
      /^unit 1, anna@corp.example \(mail\): old: the folder of the spec is not there; 1 of 1 account failed/,
    ),
  });
});

it('a run that could not be opened', async () => {
  const spec = memorySpec([ANNA], { from: 'nowhere', accounts: 'all' });
  const handle = await apply(spec);
  await expect(handle.result()).rejects.toThrow(/has no source "nowhere"/);

  expect(await shown(makeMigrationId(spec.name))).toEqual({
    status: 'FAILED',
    state: 'failed',
    failure: expect.stringContaining('has no source "nowhere"'),
  });
  expect(await runsOf(spec)).toEqual([{ state: 'failed' }]);
});

it('a run that cannot be opened, as the source gives no connection to list its accounts, is cancelled all the same', async () => {
  const plain = memorySpec([ANNA], { accounts: 'all' });
  const old = { ...(plain.sources.old as SystemConfig), limits: { connections: 1 } };
  const spec: Spec = { ...plain, sources: { old } };
  await test.ledger.pool.query(
    `insert into slot (scope, holder, until) values ($1, 'another', now() + interval '1 hour')`,
    [systemScope(old)],
  );
  const handle = await apply(spec);
  await expect.poll(async () => (await runsOf(spec)).length).toBe(1);
  await handle.signal(cancelSignal);

  expect(await handle.result()).toMatchObject({ run: 1, state: 'cancelled' });
  expect(await runsOf(spec)).toEqual([{ state: 'cancelled' }]);
});

it('credentials that nobody renewed until the run was cancelled', async () => {
  const spec = memorySpec([ANNA]);
  sourceOf(spec).account(ANNA).locked = 'password expired';
  const handle = await apply(spec);
  await until(spec, 'waiting');
  await handle.cancel();

  expect(await handle.result()).toMatchObject({ state: 'cancelled', done: 0 });
  expect(await shown(makeMigrationId(spec.name))).toMatchObject({ status: 'CANCELLED', state: 'cancelled' });
});

it('a run that another replaced is no failure', async () => {
  const spec = memorySpec([ANNA]);
  fill(spec, [ANNA], 500);
  slowly(spec, 5);
  const handle = await apply(spec);
  await expect.poll(() => memoryStore(spec.targets.new?.options.name as string).counts.create).toBeGreaterThan(10);
  targetOf(spec).fault = undefined;
  await handle.signal(requestSignal, { id: randomUUID(), reason: 'apply', replace: true });

  expect(await handle.result()).toMatchObject({ state: 'done', run: 2 });
  expect(await shown(makeMigrationId(spec.name))).toEqual({ status: 'COMPLETED', state: 'done' });
});
