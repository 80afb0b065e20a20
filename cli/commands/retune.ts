import { WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError } from '@temporalio/client';
import type { TuningInput } from '../../words/tuning.js';
import { retuneUpdate } from '../../workflows/messages.js';
import type { RetuneArgs } from '../arguments.js';
import { CommandError, exitCodes } from '../exit-codes.js';
import { noWorker, requireRunning } from '../migration.js';
import { print } from '../output.js';
import type { Shell } from '../shell.js';
import { isAway, until, withTemporal, wordsOf } from '../with-temporal.js';

const NAMES = ['lanes', 'connections', 'connectionsPerAccount', 'itemsPerSecond', 'bytesPerSecond'] as const;
const ANSWER_MS = 20_000;

/** Changes limits while a migration runs. It holds until the next retune, later runs included. */
export async function run(shell: Shell, args: RetuneArgs): Promise<number> {
  const tuning: TuningInput = Object.fromEntries(
    NAMES.flatMap((name) => (args[name] === undefined ? [] : [[name, args[name]]])),
  );
  if (Object.keys(tuning).length === 0) {
    throw new CommandError(exitCodes.usage, 'retune needs at least one limit', 'for example --items-per-second 50');
  }
  return withTemporal(shell, args, async (temporal) => {
    const handle = await requireRunning(temporal, args.name, 'limits of its next run are in the spec');
    const { connection } = temporal.client;
    try {
      const taken = await until(shell.signal, temporal.client, () =>
        connection.withDeadline(Date.now() + ANSWER_MS, () => handle.executeUpdate(retuneUpdate, { args: [tuning] })),
      );
      await print(shell, args.output, taken, () =>
        Object.entries(taken).map(([name, value]) => `${args.name}: ${name} is ${value} now`),
      );
      return exitCodes.done;
    } catch (error) {
      if (shell.signal.aborted) return exitCodes.interrupted;
      if (error instanceof WorkflowUpdateFailedError) {
        throw new CommandError(exitCodes.failed, `the migration refuses: ${wordsOf(error)}`, undefined, error);
      }
      if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError || isAway(error)) {
        throw new CommandError(
          exitCodes.timedOut,
          `nobody took the change within ${ANSWER_MS / 1000} s`,
          noWorker(temporal),
          error,
        );
      }
      throw error;
    }
  });
}
