/** A migration as Temporal knows it: whether it runs, how it stands, how it ended. */

import type { WorkflowExecutionDescription, WorkflowHandle } from '@temporalio/client';
import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure, WorkflowNotFoundError } from '@temporalio/common';
import { instant } from '../words/numbers.js';
import type { RunResult } from '../words/runs.js';
import type { Progress } from '../workflows/messages.js';
import { makeMigrationId, progressQuery, RUN_FAILED } from '../workflows/messages.js';
import { CommandError, exitCodes } from './exit-codes.js';
import type { TemporalAccess } from './temporal.js';
import { grpc, grpcCode, isAway, until, wordsOf } from './with-temporal.js';
import { workersAsking } from './workers.js';

export type MigrationHandle = WorkflowHandle<(input: unknown) => Promise<RunResult>>;

/** So long a worker may take to say how a migration stands. */
export const ANSWER_MS = 3_000;

export function migrationHandle({ client }: TemporalAccess, name: string): MigrationHandle {
  return client.workflow.getHandle<(input: unknown) => Promise<RunResult>>(makeMigrationId(name));
}

/** The last execution of a migration; undefined when Temporal knows none. */
export async function findMigration(
  temporal: TemporalAccess,
  name: string,
): Promise<WorkflowExecutionDescription | undefined> {
  try {
    return await migrationHandle(temporal, name).describe();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

/** As `findMigration`; a migration that Temporal does not know is a `CommandError`. */
export async function requireMigration(temporal: TemporalAccess, name: string): Promise<WorkflowExecutionDescription> {
  const found = await findMigration(temporal, name);
  if (found) return found;
  throw new CommandError(
    exitCodes.failed,
    `there is no migration "${name}" in namespace "${temporal.namespace}" at ${temporal.address}`,
    '`migrate list` shows those there are; `migrate apply` starts one',
  );
}

export const isRunning = (found: WorkflowExecutionDescription): boolean =>
  found.status.name === 'RUNNING' || found.status.name === 'PAUSED';

/** Throws a `CommandError` unless the migration runs: for commands that only a running one understands. */
export async function requireRunning(
  temporal: TemporalAccess,
  name: string,
  otherwise: string,
): Promise<MigrationHandle> {
  const found = await requireMigration(temporal, name);
  if (!isRunning(found)) {
    throw new CommandError(
      exitCodes.failed,
      `migration "${name}" is not running: its last run ended (${found.status.name.toLowerCase()}${found.closeTime ? ` at ${instant(found.closeTime)}` : ''})`,
      otherwise,
    );
  }
  return migrationHandle(temporal, name);
}

/** How a running migration stands; undefined when no worker answers within some seconds, or it is not there. */
export async function readProgress(
  temporal: TemporalAccess,
  name: string,
  signal: AbortSignal,
): Promise<Progress | undefined> {
  const { client } = temporal;
  try {
    return await until(signal, client, () =>
      client.connection.withDeadline(Date.now() + ANSWER_MS, () =>
        migrationHandle(temporal, name).query(progressQuery),
      ),
    );
  } catch (error) {
    // A worker that is away, or has not come to its first task yet, is nothing wrong with the migration.
    if (isAway(error) || grpcCode(error) === grpc.precondition || grpcCode(error) === grpc.invalidArgument)
      return undefined;
    if (signal.aborted || error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

/**
 * How an execution ended: the result of its last run, or the reason that it has none. Waits while it runs. A run that is
 * not done fails its workflow, which carries the result; one that was cancelled leaves it in the memo.
 */
export async function readResult(
  handle: MigrationHandle,
): Promise<{ readonly result: RunResult } | { readonly reason: string }> {
  try {
    return { result: await handle.result() };
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const { cause } = error;
    const carried = cause instanceof ApplicationFailure && cause.type === RUN_FAILED ? cause.details?.[0] : undefined;
    const noted = cause instanceof CancelledFailure ? (await handle.describe()).memo?.last : undefined;
    const result = (carried ?? noted) as RunResult | undefined;
    return result ? { result } : { reason: wordsOf(error) };
  }
}

/** Whether a worker asked for work within the last minutes. */
export async function hasWorker(temporal: TemporalAccess): Promise<boolean> {
  return (await workersAsking(temporal)).length > 0;
}

export const noWorker = ({ taskQueue }: Pick<TemporalAccess, 'taskQueue'>): string =>
  `no worker asks for work on task queue "${taskQueue}": start one with \`migrate worker\` (or \`migrate dev\` for everything)`;
