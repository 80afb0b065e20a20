/** The verbs that open gates: they say which units that lets go on. */
import type { SignalDefinition } from '@temporalio/common';
import { count } from '../words/numbers.js';
import type { Gate } from '../words/units.js';
import type { UnitSelector } from '../workflows/messages.js';
import type { ApproveArgs } from './arguments.js';
import { exitCodes } from './exit-codes.js';
import { readProgress, requireRunning } from './migration.js';
import type { Shell } from './shell.js';
import { signalMigration } from './steer.js';
import { withTemporal } from './with-temporal.js';

/** Signals that gates of these names may open, and tells how many units wait behind them now. */
export async function openGates(
  shell: Shell,
  args: ApproveArgs,
  signal: SignalDefinition<[UnitSelector]>,
  gates: readonly Gate[],
): Promise<number> {
  return withTemporal(shell, args, async (temporal) => {
    const otherwise = `\`migrate retry ${args.name}\` starts what is left of it`;
    await requireRunning(temporal, args.name, otherwise);
    const before = await readProgress(temporal, args.name, shell.signal);
    await signalMigration(temporal, args.name, signal, [args.unit === undefined ? {} : { unit: args.unit }], otherwise);
    if (before === undefined) {
      shell.err(`${args.name}: told; no worker answers now, so it is heard when one does`);
      return exitCodes.done;
    }
    const opened = before.gates.filter((gate) => gates.includes(gate.gate) && (args.unit ?? gate.n) === gate.n);
    shell.err(
      opened.length === 0
        ? `${args.name}: told, but ${args.unit === undefined ? 'no unit waits' : `unit ${args.unit} does not wait`} for that`
        : `${args.name}: ${opened.length === 1 ? `unit ${opened[0]?.n} goes on` : `${count(opened.length)} units go on`}`,
    );
    return exitCodes.done;
  });
}
