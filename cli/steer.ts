/** What the verbs that steer a running migration share: a signal, and waiting until it is seen to bite. */
import type { SignalDefinition } from '@temporalio/common';
import { WorkflowNotFoundError } from '@temporalio/common';
import type { Progress } from '../workflows/messages.js';
import { CommandError, exitCodes } from './exit-codes.js';
import { pause } from './follow.js';
import type { MigrationHandle } from './migration.js';
import { findMigration, isRunning, migrationHandle, readProgress, requireRunning } from './migration.js';
import type { Shell } from './shell.js';
import type { TemporalAccess } from './temporal.js';

/** How long `pause` and `cancel` wait to see what they asked for, in milliseconds. */
export const SEE_MS = 30_000;

/** Signals a running migration; for any other, says `otherwise` (exit code 1). */
export async function signalMigration<Args extends unknown[]>(
  temporal: TemporalAccess,
  name: string,
  signal: SignalDefinition<Args>,
  args: Args,
  otherwise: string,
): Promise<void> {
  await steer(temporal, name, otherwise, (handle) => handle.signal(signal, ...args));
}

/** Cancels it as the Web UI does, by Temporal itself: then it ends as cancelled, where the signal `cancel` ends it as failed. */
export function cancelMigration(temporal: TemporalAccess, name: string, otherwise: string): Promise<void> {
  return steer(temporal, name, otherwise, async (handle) => {
    // Temporal takes a cancel of what has ended, and says nothing.
    await requireRunning(temporal, name, otherwise);
    await handle.cancel();
  });
}

async function steer(
  temporal: TemporalAccess,
  name: string,
  otherwise: string,
  act: (handle: MigrationHandle) => Promise<void>,
): Promise<void> {
  try {
    await act(migrationHandle(temporal, name));
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    // Why there is nothing to steer is asked only then: most times there is.
    await requireRunning(temporal, name, otherwise);
    throw new CommandError(exitCodes.failed, `migration "${name}" ended just now`, otherwise, error);
  }
}

export type Seen = 'yes' | 'ended' | 'timeout' | 'interrupted';

const LOOK_MS = 250;

/** Asks again and again until progress is as wished, the migration ended, or the time is up. */
export async function waitToSee(
  shell: Shell,
  temporal: TemporalAccess,
  name: string,
  timeoutMs: number,
  wished: (progress: Progress) => boolean,
): Promise<Seen> {
  const timeUp = AbortSignal.timeout(timeoutMs);
  const signal = AbortSignal.any([shell.signal, timeUp]);
  while (!signal.aborted) {
    const progress = await readProgress(temporal, name, signal);
    if (progress && wished(progress)) return 'yes';
    const found = await findMigration(temporal, name);
    if (!found || !isRunning(found)) return 'ended';
    await pause(LOOK_MS, signal);
  }
  return shell.signal.aborted ? 'interrupted' : 'timeout';
}
