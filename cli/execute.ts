/** The short workflows that a worker runs for a command: `plan`, `doctor`, `search`, `prune`, `forget`. */
import type { Client, WorkflowHandle } from '@temporalio/client';
import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure, WorkflowNotFoundError } from '@temporalio/common';
import { attend } from './attend.js';
import { CommandError, exitCodes } from './exit-codes.js';
import { hasWorker, noWorker } from './migration.js';
import type { Shell } from './shell.js';
import type { TemporalAccess } from './temporal.js';
import { grpc, grpcCode, until, wordsOf } from './with-temporal.js';

/**
 * Runs one of a worker's short workflows and returns its answer, once what it needs (`ahead`) is done. Ctrl-C cancels
 * both, and so does a worker that is not there or falls silent: nobody else waits for them.
 * Throws `CommandError` with the workflow's own reason when it fails.
 */
export async function execute<Answer>(
  shell: Shell,
  temporal: TemporalAccess,
  type: 'plan' | 'doctor' | 'search' | 'prune' | 'forget',
  workflowId: string,
  input: unknown,
  ahead: readonly WorkflowHandle[] = [],
): Promise<Answer> {
  if (!(await hasWorker(temporal))) shell.err(`${noWorker(temporal)}; waiting for one`);
  const client: Client = temporal.client;
  const open = [...ahead];
  const over = new AbortController();
  const signal = AbortSignal.any([shell.signal, over.signal]);
  const ended = (handle: WorkflowHandle): Promise<unknown> => until(signal, client, () => handle.result());
  const answer = async (): Promise<unknown> => {
    await Promise.all(ahead.map(ended));
    const { taskQueue } = temporal;
    const handle = await client.workflow.start(type, { workflowId, taskQueue, args: [input], staticSummary: type });
    open.push(handle);
    return ended(handle);
  };
  const answered = answer();
  const attended = attend(shell, temporal, type, () => open.at(-1), signal);
  try {
    return (await Promise.race([answered, attended])) as Answer;
  } catch (error) {
    if (shell.signal.aborted) {
      await Promise.all(open.map(cancelled));
      throw new CommandError(exitCodes.interrupted, `the ${type} was stopped`, undefined, error);
    }
    if (error instanceof CommandError) {
      await Promise.allSettled(open.map(cancelled));
      throw error;
    }
    if (error instanceof WorkflowFailedError) {
      throw new CommandError(
        exitCodes.failed,
        `the ${type} failed: ${wordsOf(error)}`,
        isAnswer(error) ? undefined : 'the Web UI shows which step; `migrate doctor` may show why',
        error,
      );
    }
    if (grpcCode(error) === grpc.notFound)
      throw new CommandError(exitCodes.failed, `the ${type} is gone from Temporal`, 'try again', error);
    throw error;
  } finally {
    over.abort();
    await Promise.allSettled([answered, attended]);
  }
}

/** Which has ended meanwhile needs no cancel. */
async function cancelled(handle: WorkflowHandle): Promise<void> {
  try {
    await handle.cancel();
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}

/** The reason says what to do by itself: nothing broke. */
function isAnswer(error: WorkflowFailedError): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause)
    if (at instanceof ApplicationFailure) return ['refused', 'not-found'].includes(at.type ?? '');
  return false;
}
