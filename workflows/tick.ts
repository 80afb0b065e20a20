import { condition, setHandler, workflowInfo } from '@temporalio/workflow';
import type { RunResult } from '../words/runs.js';
import { ticks } from './calls.js';
import type { TickInput } from './messages.js';
import { runEndedSignal } from './messages.js';
import { throwUnlessDone } from './run-failure.js';

/**
 * One start of a schedule: asks the migration for a run and waits until that has ended, for weeks where it must, so that
 * overlap policies see it. It waits without an activity: the migration tells it. Now and then it looks by itself, for a
 * migration that was terminated tells nobody.
 */
export async function tick(input: TickInput): Promise<RunResult> {
  let ended: RunResult | undefined;
  setHandler(runEndedSignal, (result) => {
    ended = result;
  });
  const { workflowId, runId } = workflowInfo();
  const asked = { ...input, request: runId, waiter: workflowId };
  await ticks.askForRun(asked);
  while (!(await condition(() => ended !== undefined, LOOK_AGAIN))) ended = (await ticks.findRun(asked)) ?? undefined;
  return throwUnlessDone(ended as RunResult);
}

const LOOK_AGAIN = '1 hour';
