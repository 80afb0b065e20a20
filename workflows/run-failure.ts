/** How a run that is not done fails its workflow: the Web UI shows red what is not green. */
import { ActivityFailure, ApplicationFailure, CancelledFailure } from '@temporalio/workflow';
import type { RunResult } from '../words/runs.js';
import { RUN_FAILED } from './messages.js';

export function throwUnlessDone(result: RunResult): RunResult {
  switch (result.state) {
    case 'done':
    // Another run came in its place, at somebody's wish.
    case 'replaced':
      return result;
    case 'cancelled':
      throw new CancelledFailure(`run ${result.run} was cancelled`, [result]);
    case 'failed':
      throw ApplicationFailure.create({
        message: result.reason ?? `run ${result.run} is not done`,
        type: RUN_FAILED,
        nonRetryable: true,
        details: [result],
      });
    default:
      return result.state satisfies never;
  }
}

/** What stopped an activity for good stops the workflow, in the activity's words: lists show the first message only. */
export function failureOf(error: unknown): unknown {
  if (!(error instanceof ActivityFailure) || !(error.cause instanceof Error)) return error;
  const { cause } = error;
  const type = cause instanceof ApplicationFailure && cause.type ? cause.type : RUN_FAILED;
  return ApplicationFailure.create({ message: cause.message, type, nonRetryable: true });
}
