import { pauseSignal } from '../../workflows/messages.js';
import type { PauseArgs } from '../arguments.js';
import { exitCodes } from '../exit-codes.js';
import type { Shell } from '../shell.js';
import { SEE_MS, signalMigration, waitToSee } from '../steer.js';
import { withTemporal } from '../with-temporal.js';

/** Pauses a migration and waits until nothing moves any more; survives restarts of everything. */
export async function run(shell: Shell, args: PauseArgs): Promise<number> {
  return withTemporal(shell, args, async (temporal) => {
    await signalMigration(temporal, args.name, pauseSignal, [], 'there is nothing to pause');
    const seen = await waitToSee(shell, temporal, args.name, SEE_MS, ({ state }) => state === 'paused');
    switch (seen) {
      case 'yes':
        shell.err(`${args.name}: paused; \`migrate resume ${args.name}\` lets it go on`);
        return exitCodes.done;
      case 'ended':
        shell.err(`${args.name}: it ended before the pause; \`migrate status ${args.name}\` shows how`);
        return exitCodes.failed;
      case 'timeout':
        shell.err(
          `${args.name}: the pause is asked for, but was not seen within ${SEE_MS / 1000} s; it holds as soon as a worker takes it`,
        );
        return exitCodes.timedOut;
      case 'interrupted':
        shell.err(`${args.name}: the pause is asked for`);
        return exitCodes.interrupted;
      default:
        return seen satisfies never;
    }
  });
}
