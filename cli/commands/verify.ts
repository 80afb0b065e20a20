import { plural } from '../../words/numbers.js';
import type { VerifyArgs } from '../arguments.js';
import { askForUnits } from '../choice.js';
import { exitCodes } from '../exit-codes.js';
import { follow } from '../follow.js';
import { requireMigration } from '../migration.js';
import type { Shell } from '../shell.js';
import { submitAgain } from '../submit.js';
import { withTemporal } from '../with-temporal.js';

/** Has every item compared with the target again, as a run of its own. */
export async function run(shell: Shell, args: VerifyArgs): Promise<number> {
  return withTemporal(shell, args, async (temporal) => {
    await requireMigration(temporal, args.name);
    const chosen = await askForUnits(shell, temporal, args.name, args);
    const submitted = await submitAgain(temporal, args.name, 'verify', chosen);
    const what = chosen ? plural(chosen.length, 'account') : 'everything';
    shell.err(
      submitted === 'queued'
        ? `${args.name}: a run is under way; the comparison of ${what} follows it`
        : `${args.name}: ${what} ${chosen && chosen.length > 1 ? 'are' : 'is'} compared again`,
    );
    if (!args.wait) {
      shell.err(`  \`migrate watch ${args.name}\` follows it`);
      return exitCodes.done;
    }
    return follow(shell, temporal, args.name, {
      watch: false,
      output: args.output,
      color: args.color,
      ...(args.timeoutMs !== undefined && { timeoutMs: args.timeoutMs }),
    });
  });
}
