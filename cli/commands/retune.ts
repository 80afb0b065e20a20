import { WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError } from '@temporalio/client';
import type { Tunable, TuningInput } from '../../words/tuning.js';
import { TUNABLE } from '../../words/tuning.js';
import { retuneUpdate } from '../../workflows/messages.js';
import type { RetuneArgs } from '../arguments.js';
import { CommandError, exitCodes } from '../exit-codes.js';
import { noWorker, requireRunning } from '../migration.js';
import { print } from '../output.js';
import type { Shell } from '../shell.js';
import { isAway, until, withTemporal, wordsOf } from '../with-temporal.js';

const ANSWER_MS = 20_000;

/** Changes limits while a migration runs, or takes that back. It holds until the next retune, later runs included. */
export async function run(shell: Shell, args: RetuneArgs): Promise<number> {
  const tuning: TuningInput = {
    ...(args.reset && { reset: args.reset }),
    ...Object.fromEntries(TUNABLE.flatMap((name) => (args[name] === undefined ? [] : [[name, args[name]]]))),
  };
  if (Object.keys(tuning).length === 0) {
    throw new CommandError(
      exitCodes.usage,
      'retune needs at least one limit',
      'for example --items-per-second 50, or --reset for what the spec says',
    );
  }
  return withTemporal(shell, args, async (temporal) => {
    const handle = await requireRunning(
      temporal,
      args.name,
      `what was tuned holds in its next run, too; \`migrate retune ${args.name} --reset\` takes it back while that runs`,
    );
    const { connection } = temporal.client;
    try {
      const taken = await until(shell.signal, temporal.client, () =>
        connection.withDeadline(Date.now() + ANSWER_MS, () => handle.executeUpdate(retuneUpdate, { args: [tuning] })),
      );
      await print(shell, args.output, taken, () => changes(taken).map((change) => `${args.name}: ${change}`));
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

function changes({ reset, ...values }: TuningInput): string[] {
  const taken = (name: Tunable): string => `${name} is what the spec says again`;
  return [
    ...(reset === true ? ['all limits are what the spec says again'] : (reset ?? []).map(taken)),
    ...Object.entries(values).map(([name, value]) => `${name} is ${value} now`),
  ];
}
