import { ApplicationFailure, condition, setCurrentDetails, setHandler, workflowInfo } from '@temporalio/workflow';
import type { RunResult } from '../words/runs.js';
import { ticks } from './calls.js';
import type { TickInput } from './messages.js';
import { runEndedSignal } from './messages.js';
import { failureOf, throwUnlessDone } from './run-failure.js';

/**
 * One start of a schedule: asks the migration for a run and waits until that has ended, for weeks where it must, so that
 * overlap policies see it. It waits without an activity: the migration tells it. Now and then it looks by itself, for a
 * migration that was terminated tells nobody; and when somebody sends the signal without a result, in the Web UI.
 */
export async function tick(input: TickInput): Promise<RunResult> {
  let ended: RunResult | undefined;
  let isWoken = false;
  setHandler(runEndedSignal, (result: unknown) => {
    if (isResult(result)) ended = result;
    isWoken = true;
  });
  // A reset keeps the first run's id: it asks for the same.
  const { workflowId, firstExecutionRunId } = workflowInfo();
  if (typeof input?.name !== 'string')
    throw ApplicationFailure.nonRetryable('a tick has the name of a migration in its input', 'spec');
  const asked = { ...input, request: firstExecutionRunId, waiter: workflowId };
  try {
    await ticks.askForRun(asked);
    setCurrentDetails(
      `Waits for the run of **${input.name}** that it asked for. The signal \`runEnded\`, without input, makes it look whether that has ended.`,
    );
    while (!ended) {
      await condition(() => isWoken, LOOK_AGAIN);
      isWoken = false;
      ended ??= (await ticks.findRun(asked)) ?? undefined;
    }
  } catch (error) {
    throw failureOf(error);
  }
  return throwUnlessDone(ended);
}

const LOOK_AGAIN = '1 hour';

function isResult(value: unknown): value is RunResult {
  return typeof value === 'object' && value !== null && 'state' in value && 'totals' in value;
}
