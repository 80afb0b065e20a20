import { retrySignal } from '../../workflows/messages.js';
import type { RetryArgs } from '../arguments.js';
import { exitCodes } from '../exit-codes.js';
import { findMigration, isRunning, requireMigration } from '../migration.js';
import type { Shell } from '../shell.js';
import { signalMigration } from '../steer.js';
import { submitAgain } from '../submit.js';
import { withTemporal } from '../with-temporal.js';

/** Tries again what failed or is parked: in the present run, or in a new one where none is under way. */
export async function run(shell: Shell, args: RetryArgs): Promise<number> {
  return withTemporal(shell, args, async (temporal) => {
    await requireMigration(temporal, args.name);
    const what = args.unit === undefined ? 'failed and parked units' : `unit ${args.unit}`;
    const found = await findMigration(temporal, args.name);
    if (found && isRunning(found)) {
      const which = args.unit === undefined ? {} : { unit: args.unit };
      await signalMigration(temporal, args.name, retrySignal, [which], 'try again');
      shell.err(`${args.name}: ${what} are tried again in the present run`.replace(/^(.*unit \d+) are/, '$1 is'));
    } else {
      await submitAgain(temporal, args.name, 'retry', args.unit === undefined ? undefined : [args.unit]);
      shell.err(`${args.name}: a new run tries again what failed; \`migrate watch ${args.name}\` follows it`);
    }
    return exitCodes.done;
  });
}
