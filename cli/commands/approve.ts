import { resolve } from 'node:path';
import { writeCovered } from '../../report/covered-file.js';
import { plural } from '../../words/numbers.js';
import { approve } from '../approval.js';
import type { ApproveArgs } from '../arguments.js';
import { choiceOf } from '../choice.js';
import { CommandError, exitCodes } from '../exit-codes.js';
import { withLedger } from '../open-ledger.js';
import { print } from '../output.js';
import type { Shell } from '../shell.js';
import { withTemporal } from '../with-temporal.js';

/** Shows what waits for approval, of removals or of many failures, asks, and lets that go on. */
export function run(shell: Shell, args: ApproveArgs): Promise<number> {
  const { list } = args;
  if (list === undefined) return withTemporal(shell, args, (temporal) => approve(shell, temporal, args));
  return withLedger(shell, async (ledger) => {
    const file = resolve(shell.cwd, list);
    const { name, unit } = args;
    const written = await writeCovered(ledger, {
      migration: name,
      file,
      choice: choiceOf(args),
      ...(unit !== undefined && { unit }),
    });
    if (!written)
      throw new CommandError(
        exitCodes.failed,
        `the ledger knows no run of "${name}"`,
        '`migrate list` shows the migrations; a run is in the ledger as soon as a worker has taken it',
      );
    await print(shell, args.output, { file, ...written }, () => [file]);
    shell.err(`${name}: ${plural(written.items, 'item')} of ${plural(written.units, 'unit')}; nothing was approved`);
    return exitCodes.done;
  });
}
