/** A schedule's start: asks the migration's one entity for a run, so that it never collides with another. */
import type { WorkflowClient } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/common';
import type { MigrationInput, RunRequest, RunResult, TickInput } from '../workflows/messages.js';
import { makeMigrationId, requestSignal } from '../workflows/messages.js';

export interface AskInput extends TickInput {
  /** The tick's own run id: the same start asks once. */
  readonly request: string;
  readonly taskQueue: string;
}

/** Signals the migration, starting it when it is not running. */
export async function askForRun(client: WorkflowClient, input: AskInput): Promise<void> {
  const request: RunRequest = {
    id: input.request,
    reason: 'schedule',
    schedule: input.schedule,
    selections: input.selections,
  };
  const start: MigrationInput = { name: input.name, queue: [] };
  await client.signalWithStart('migration', {
    workflowId: makeMigrationId(input.name),
    taskQueue: input.taskQueue,
    args: [start],
    staticSummary: `${input.name}, started by its schedule ${input.schedule}`,
    signal: requestSignal,
    signalArgs: [request],
  });
}

/** Waits until the migration's present execution ends. */
export async function awaitRun(client: WorkflowClient, name: string): Promise<RunResult> {
  return (await client.getHandle(makeMigrationId(name)).result()) as RunResult;
}

/** Whether the migration's workflow is open now. */
export async function isOpen(client: WorkflowClient, name: string): Promise<boolean> {
  try {
    const { status } = await client.getHandle(makeMigrationId(name)).describe();
    return status.name === 'RUNNING' || status.name === 'PAUSED';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
