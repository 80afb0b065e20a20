import { plural } from '../../words/numbers.js';
import { retrySignal } from '../../workflows/messages.js';
import type { RetryArgs } from '../arguments.js';
import { askForUnits, choiceOf } from '../choice.js';
import { CommandError, exitCodes } from '../exit-codes.js';
import { isRunning, migrationHandle, readResult, requireMigration } from '../migration.js';
import type { Shell } from '../shell.js';
import { signalMigration } from '../steer.js';
import { submitAgain } from '../submit.js';
import type { TemporalAccess } from '../temporal.js';
import { withTemporal } from '../with-temporal.js';

/** A running migration takes so many units, one by one. */
const MOST_AT_ONCE = 100;

/** Tries again what failed or is parked: in the present run, or in a new one where none is under way. */
export async function run(shell: Shell, args: RetryArgs): Promise<number> {
  if (args.unit !== undefined && Object.keys(choiceOf(args)).length > 0)
    throw new CommandError(exitCodes.usage, '--unit names one unit already; leave out --selection and --account');
  return withTemporal(shell, args, async (temporal) => {
    const chosen = await askForUnits(shell, temporal, args.name, args);
    if (await isAllProven(temporal, args.name)) {
      shell.err(`${args.name}: nothing to retry: everything is verified`);
      shell.err(
        `  \`migrate verify ${args.name}\` compares it with the target again; \`migrate apply\` moves what is new`,
      );
      return exitCodes.done;
    }
    const units = chosen ?? (args.unit === undefined ? undefined : [args.unit]);
    // The worker took its time.
    if (!isRunning(await requireMigration(temporal, args.name))) {
      await submitAgain(temporal, args.name, 'retry', units);
      const whose = chosen ? ` of ${plural(chosen.length, 'account')}` : '';
      shell.err(`${args.name}: a new run tries again what failed${whose}; \`migrate watch ${args.name}\` follows it`);
      return exitCodes.done;
    }
    if (units && units.length > MOST_AT_ONCE) {
      throw new CommandError(
        exitCodes.usage,
        `these are ${units.length} units, and a running migration takes ${MOST_AT_ONCE} at most at once`,
        `\`migrate retry ${args.name}\` tries all again that failed or wait`,
      );
    }
    for (const which of units?.map((unit) => ({ unit })) ?? [{}])
      await signalMigration(temporal, args.name, retrySignal, [which], 'try again');
    const what = chosen
      ? `what failed or waits of ${plural(chosen.length, 'account')} is`
      : args.unit === undefined
        ? 'failed and parked units are'
        : `unit ${args.unit} is`;
    shell.err(`${args.name}: ${what} tried again in the present run`);
    return exitCodes.done;
  });
}

/** Its last run has ended and left nothing open. */
async function isAllProven(temporal: TemporalAccess, name: string): Promise<boolean> {
  if (isRunning(await requireMigration(temporal, name))) return false;
  const end = await readResult(migrationHandle(temporal, name));
  return 'result' in end && end.result.allProven === true;
}
