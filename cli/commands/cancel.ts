import type { CancelArgs } from '../arguments.js';
import { exitCodes } from '../exit-codes.js';
import type { Shell } from '../shell.js';
import { cancelMigration, SEE_MS, waitToSee } from '../steer.js';
import { withTemporal } from '../with-temporal.js';

/** Stops a migration at a safe point and waits until it has ended; what has moved stays. */
export async function run(shell: Shell, args: CancelArgs): Promise<number> {
  return withTemporal(shell, args, async (temporal) => {
    const timeoutMs = args.timeoutMs ?? SEE_MS;
    await cancelMigration(temporal, args.name, 'there is nothing to cancel');
    const seen = await waitToSee(shell, temporal, args.name, timeoutMs, () => false);
    switch (seen) {
      case 'ended':
        shell.err(
          `${args.name}: cancelled; what has moved stays, and \`migrate apply\` or \`migrate retry ${args.name}\` goes on from there`,
        );
        return exitCodes.done;
      case 'yes':
      case 'timeout':
        shell.err(
          `${args.name}: the cancel is asked for, but it had not ended after ${Math.round(timeoutMs / 1000)} s; it ends as soon as a worker takes it`,
        );
        return exitCodes.timedOut;
      case 'interrupted':
        shell.err(`${args.name}: the cancel is asked for`);
        return exitCodes.interrupted;
      default:
        return seen satisfies never;
    }
  });
}
