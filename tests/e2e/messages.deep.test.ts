/**
 * Messages at any moment of runs that a slow ledger holds up here and there, and that continue as new all the time. In the end
 * the ledger, the workflow and the target agree with a model of what was asked for.
 */
import { randomUUID } from 'node:crypto';
import { WorkflowNotFoundError } from '@temporalio/common';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readControl } from '../../ledger/runs.js';
import type { Spec } from '../../schemas/spec.js';
import {
  cancelSignal,
  makeMigrationId,
  pauseSignal,
  requestSignal,
  resumeSignal,
  retrySignal,
  retuneUpdate,
} from '../../workflows/messages.js';
import { applySpec } from './apply-spec.js';
import { holdFinish, holdPrepare, holdUnit } from './hold.js';
import { copiesOf, fill, memorySpec, slowly, targetOf } from './memory-spec.js';
import type { TestStack } from './stack.js';
import { startTestStack } from './stack.js';

let test: TestStack;
beforeAll(async () => {
  test = await startTestStack({}, { historyEvents: 80 });
});
afterAll(() => test.stop());

const PEOPLE = ['anna', 'bert', 'cleo'];
const MESSAGES = 150;

type Said =
  | 'pause'
  | 'resume'
  | 'cancel'
  | 'retry'
  | 'request'
  | 'retune'
  | 'hold prepare'
  | 'hold finish'
  | 'hold unit';

interface Step {
  readonly said: Said;
  readonly afterMs: number;
  readonly n: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  said: fc.constantFrom<Said>(
    ...(['pause', 'resume', 'resume', 'cancel', 'retry', 'request', 'request', 'retune'] as const),
    ...(['hold prepare', 'hold finish', 'hold unit'] as const),
  ),
  afterMs: fc.integer({ min: 0, max: 250 }),
  n: fc.integer({ min: 1, max: 3 }),
});

async function play(spec: Spec, steps: readonly Step[]): Promise<void> {
  const { client, ledger, stack } = test;
  const { name } = spec;
  const handle = client.workflow.getHandle(makeMigrationId(name));
  /** What must have led to a run that is done: asked for, and not taken back. */
  let asked: string[] = [];
  let isPaused = false;
  let lanes: number | undefined;
  const begin = async (): Promise<void> => {
    const { firstExecutionRunId } = await applySpec(client, stack.taskQueue, spec);
    expect(firstExecutionRunId).not.toBe('');
  };
  /** False when the migration has ended: then nobody was told. */
  const tell = async (say: () => Promise<unknown>): Promise<boolean> => {
    try {
      await say();
      return true;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  };
  const say: Record<Said, (n: number) => Promise<void>> = {
    pause: async () => {
      if (await tell(() => handle.signal(pauseSignal))) isPaused = true;
    },
    resume: async () => {
      if (await tell(() => handle.signal(resumeSignal))) isPaused = false;
    },
    cancel: async () => {
      // A cancel takes a pause back where a run is open, and only there: said plainly, so that the model needs not know.
      if ((await tell(() => handle.signal(cancelSignal))) && (await tell(() => handle.signal(resumeSignal)))) {
        asked = [];
        isPaused = false;
      }
    },
    retry: async (n) => void (await tell(() => handle.signal(retrySignal, n === 1 ? {} : { unit: n }))),
    request: async () => {
      const id = randomUUID();
      if (await tell(() => handle.signal(requestSignal, { id, reason: 'verify' }))) asked.push(id);
      else await begin();
    },
    retune: async (n) => {
      if (await tell(() => handle.executeUpdate(retuneUpdate, { args: [{ lanes: n }] }))) lanes = n;
    },
    'hold prepare': (n) => held(holdPrepare(ledger, name), n),
    'hold finish': (n) => held(holdFinish(ledger, name), n),
    'hold unit': (n) => held(holdUnit(ledger, name, n), n),
  };
  const releases: Promise<void>[] = [];
  const held = async (holding: ReturnType<typeof holdPrepare>, n: number): Promise<void> => {
    releases.push(holding.then((one) => new Promise((go) => setTimeout(() => void one.release().then(go), n * 150))));
  };

  await begin();
  for (const { said, afterMs, n } of steps) {
    await new Promise((go) => setTimeout(go, afterMs));
    await say[said](n);
  }
  await Promise.all(releases);
  await say.resume(1);
  targetOf(spec).fault = undefined;
  await handle.result().catch(() => undefined);
  const { tuning, paused } = await readControl(ledger, name);
  expect({ paused, lanes: tuning.lanes }).toEqual({ paused: isPaused, lanes });
  const { rows } = await ledger.pool.query<{ request: string; state: string }>(
    'select request, state from run where migration = $1',
    [name],
  );
  expect(rows.filter(({ state }) => state === 'running')).toEqual([]);
  for (const id of asked) expect(rows).toContainEqual({ request: id, state: 'done' });

  await begin();
  if (isPaused) await say.resume(1);
  const last = await handle.result();
  expect(last).toMatchObject({ state: 'done', done: 3, totals: { items: 450, verified: 450, duplicates: 0 } });
  for (const person of PEOPLE) expect(copiesOf(spec, person)).toEqual({ messages: MESSAGES, most: 1 });
}

it('no message is lost, whenever it comes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      const spec = memorySpec(PEOPLE);
      fill(spec, PEOPLE, MESSAGES);
      slowly(spec, 4);
      await play(spec, steps);
    }),
    { numRuns: 25, endOnFailure: true },
  );
});
