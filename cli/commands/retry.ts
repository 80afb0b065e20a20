import { retrySignal } from '../../workflows/messages.js';
import type { RetryArgs } from '../arguments.js';
import { exitCodes } from '../exit-codes.js';
import { isRunning, migrationHandle, readResult, requireMigration } from '../migration.js';
import type { Shell } from '../shell.js';
import { signalMigration } from '../steer.js';
import { submitAgain } from '../submit.js';
import { withTemporal } from '../with-temporal.js';

/** Tries again what failed or is parked: in the present run, or in a new one where none is under way. */
export async function run(shell: Shell, args: RetryArgs): Promise<number> {
  return withTemporal(shell, args, async (temporal) => {
    const found = await requireMigration(temporal, args.name);
    const end = isRunning(found) ? undefined : await readResult(migrationHandle(temporal, args.name));
    if (end && 'result' in end && end.result.allProven) {
      shell.err(`${args.name}: nothing to retry: everything is verified`);
      shell.err(
        `  \`migrate verify ${args.name}\` compares it with the target again; \`migrate apply\` moves what is new`,
      );
      return exitCodes.done;
    }
    if (isRunning(found)) {
      await signalMigration(
        temporal,
        args.name,
        retrySignal,
        [args.unit === undefined ? {} : { unit: args.unit }],
        'try again',
      );
      const what = args.unit === undefined ? 'failed and parked units are' : `unit ${args.unit} is`;
      shell.err(`${args.name}: ${what} tried again in the present run`);
    } else {
      await submitAgain(temporal, args.name, 'retry', args.unit === undefined ? undefined : [args.unit]);
      shell.err(`${args.name}: a new run tries again what failed; \`migrate watch ${args.name}\` follows it`);
    }
    return exitCodes.done;
  });
}
