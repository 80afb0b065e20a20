/** How a run that is not done fails its workflow: the Web UI shows red what is not green. */
import { ApplicationFailure, CancelledFailure } from '@temporalio/workflow';
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
