/** Plans and dry runs: made by a worker, where the secrets are, and shown here. */
import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { WorkflowFailedError } from '@temporalio/client';
import type { PlanInput, PlanResult } from '../words/plan.js';
import { makePlanId } from '../workflows/messages.js';
import { CommandError, exitCodes } from './exit-codes.js';
import { hasWorker, noWorker } from './migration.js';
import type { OutputFormat } from './output.js';
import { print, printable } from './output.js';
import { hasChanges, planLines } from './plan-lines.js';
import type { Shell } from './shell.js';
import type { TemporalAccess } from './temporal.js';
import { grpc, grpcCode, wordsOf } from './with-temporal.js';

/** Has a plan made and prints it. Problems are listed and make the exit code 1. */
export async function plan(
  shell: Shell,
  temporal: TemporalAccess,
  input: PlanInput,
  args: { readonly output: OutputFormat; readonly detailedExitcode?: boolean },
): Promise<number> {
  const made = await execute<PlanResult>(shell, temporal, 'plan', makePlanId(input.spec.name, randomUUID()), input);
  await print(shell, args.output, made, () => planLines(made));
  for (const { where, problem, next } of made.problems) {
    shell.err(`${printable(where)}: ${printable(problem)}`);
    if (next) shell.err(`  ${printable(next)}`);
  }
  if (made.problems.length > 0) return exitCodes.failed;
  return args.detailedExitcode && hasChanges(made.totals) ? exitCodes.changes : exitCodes.done;
}

/**
 * Runs one of a worker's short workflows and returns its answer. Ctrl-C cancels it: nobody else waits for it.
 * Throws `CommandError` with the workflow's own reason when it fails.
 */
export async function execute<Answer>(
  shell: Shell,
  temporal: TemporalAccess,
  type: 'plan' | 'doctor',
  workflowId: string,
  input: unknown,
): Promise<Answer> {
  if (!(await hasWorker(temporal))) shell.err(`${noWorker(temporal)}; waiting for one`);
  const client: Client = temporal.client;
  const handle = await client.workflow.start(type, {
    workflowId,
    taskQueue: temporal.taskQueue,
    args: [input],
    staticSummary: type,
  });
  try {
    return (await client.connection.withAbortSignal(shell.signal, () => handle.result())) as Answer;
  } catch (error) {
    if (shell.signal.aborted) {
      await handle.cancel();
      throw new CommandError(exitCodes.interrupted, `the ${type} was stopped`, undefined, error);
    }
    if (error instanceof WorkflowFailedError) {
      throw new CommandError(
        exitCodes.failed,
        `the ${type} failed: ${wordsOf(error)}`,
        'the Web UI shows which step; `migrate doctor` may show why',
        error,
      );
    }
    if (grpcCode(error) === grpc.notFound)
      throw new CommandError(exitCodes.failed, `the ${type} is gone from Temporal`, 'try again', error);
    throw error;
  }
}
