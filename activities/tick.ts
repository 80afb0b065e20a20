/** A schedule's start: asks the migration's one entity for a run, so that it never collides with another. */
import type { WorkflowClient } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/common';
import { Fault } from '../connectors/errors.js';
import type { Ledger } from '../ledger/ledger.js';
import { runOfRequest } from '../ledger/runs.js';
import { NO_COUNTERS } from '../words/counters.js';
import type { RunRequest, RunResult } from '../words/runs.js';
import type { MigrationInput, TickInput } from '../workflows/messages.js';
import { makeMigrationId, requestSignal } from '../workflows/messages.js';

export interface AskInput extends TickInput {
  /** The tick's own run id: the same start asks once. */
  readonly request: string;
  /** The id of the tick's workflow. */
  readonly waiter: string;
}

/** Signals the migration, starting it when it is not running. */
export async function askForRun(client: WorkflowClient, input: AskInput, taskQueue: string): Promise<void> {
  const request: RunRequest = {
    id: input.request,
    reason: 'schedule',
    schedule: input.schedule,
    selections: input.selections,
    waiters: [input.waiter],
  };
  const start: MigrationInput = { name: input.name, queue: [] };
  await client.signalWithStart('migration', {
    workflowId: makeMigrationId(input.name),
    taskQueue,
    args: [start],
    staticSummary: `${input.name}, started by its schedule ${input.schedule}`,
    signal: requestSignal,
    signalArgs: [request],
  });
}

/** How the run ended that the request led to; null while it goes on or waits its turn. */
export async function findRun(client: WorkflowClient, ledger: Ledger, input: AskInput): Promise<RunResult | null> {
  const { name } = input;
  const ended = await endedRun(ledger, input);
  if (ended) return ended;
  if (await isOpen(client, name)) return null;
  // Between the two questions both may have ended.
  const endedSince = await endedRun(ledger, input);
  if (endedSince) return endedSince;
  throw new Fault('not-found', `the migration "${name}" ended before the run of its schedule "${input.schedule}" did`, {
    next: `\`migrate logs ${name}\` shows what it did; \`migrate retry ${name}\` starts it again where it was`,
  });
}

async function endedRun({ pool }: Ledger, { name, request }: AskInput): Promise<RunResult | undefined> {
  const run = await runOfRequest(pool, name, request);
  if (!run?.totals || run.state === 'running') return undefined;
  const { totals, state, number } = run;
  const { units, done, failed } = totals;
  return { name, run: number, state, units, done, failed, totals: { ...NO_COUNTERS, ...totals } };
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
