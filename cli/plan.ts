/** Plans and dry runs: made by a worker, where the secrets are, and shown here. */
import { randomUUID } from 'node:crypto';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { WorkflowFailedError } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/common';
import type { Spec } from '../schemas/spec.js';
import type { PlanInput, PlanResult } from '../words/plan.js';
import { makePlanId } from '../workflows/messages.js';
import { CommandError, exitCodes } from './exit-codes.js';
import { hasWorker, noWorker } from './migration.js';
import type { OutputFormat } from './output.js';
import { print, printable } from './output.js';
import { hasChanges, planLines } from './plan-lines.js';
import { sendSpec } from './send-spec.js';
import type { Shell } from './shell.js';
import type { TemporalAccess } from './temporal.js';
import { grpc, grpcCode, wordsOf } from './with-temporal.js';

/** Has a plan made and prints it. Problems are listed and make the exit code 1. */
export async function plan(
  shell: Shell,
  temporal: TemporalAccess,
  { spec, ...asked }: PlanInput & { readonly spec: Spec },
  args: { readonly output: OutputFormat; readonly detailedExitcode?: boolean },
): Promise<number> {
  const { carried, parts } = await sendSpec(temporal, spec, shell.signal);
  const input: PlanInput = { ...asked, ...carried };
  const made = await execute<PlanResult>(shell, temporal, 'plan', makePlanId(spec.name, randomUUID()), input, parts);
  await print(shell, args.output, made, () => planLines(made));
  for (const { where, problem, next } of made.problems) {
    shell.err(`${printable(where)}: ${printable(problem)}`);
    if (next) shell.err(`  ${printable(next)}`);
  }
  if (made.problems.length > 0) return exitCodes.failed;
  return args.detailedExitcode && hasChanges(made.totals) ? exitCodes.changes : exitCodes.done;
}

/**
 * Runs one of a worker's short workflows and returns its answer, once what it needs (`ahead`) is done. Ctrl-C cancels
 * both: nobody else waits for them.
 * Throws `CommandError` with the workflow's own reason when it fails.
 */
export async function execute<Answer>(
  shell: Shell,
  temporal: TemporalAccess,
  type: 'plan' | 'doctor',
  workflowId: string,
  input: unknown,
  ahead: readonly WorkflowHandle[] = [],
): Promise<Answer> {
  if (!(await hasWorker(temporal))) shell.err(`${noWorker(temporal)}; waiting for one`);
  const client: Client = temporal.client;
  const open = [...ahead];
  const ended = (handle: WorkflowHandle): Promise<unknown> =>
    client.connection.withAbortSignal(shell.signal, () => handle.result());
  try {
    await Promise.all(ahead.map(ended));
    const { taskQueue } = temporal;
    const handle = await client.workflow.start(type, { workflowId, taskQueue, args: [input], staticSummary: type });
    open.push(handle);
    return (await ended(handle)) as Answer;
  } catch (error) {
    if (shell.signal.aborted) {
      await Promise.all(open.map(cancelled));
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

/** Which has ended meanwhile needs no cancel. */
async function cancelled(handle: WorkflowHandle): Promise<void> {
  try {
    await handle.cancel();
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}
