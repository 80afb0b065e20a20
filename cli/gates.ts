/** The verbs that open gates: they say which units that lets go on. */
import type { SignalDefinition } from '@temporalio/common';
import { causesOf, namesWords, whoWords } from '../words/causes.js';
import type { Gate } from '../words/units.js';
import type { Progress, UnitSelector } from '../workflows/messages.js';
import type { ApproveArgs } from './arguments.js';
import { exitCodes } from './exit-codes.js';
import { waitingFor } from './gate-lines.js';
import { readProgress, requireRunning } from './migration.js';
import { printable } from './output.js';
import type { Shell } from './shell.js';
import { signalMigration } from './steer.js';
import { withTemporal } from './with-temporal.js';

/** Signals that gates of these names may open, and reports how many units wait behind them now. */
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
      shell.err(`${args.name}: sent; no worker answers now, so it takes effect when one does`);
      return exitCodes.done;
    }
    shell.err(`${args.name}: ${openedWords(before, gates, args.unit)}`);
    return exitCodes.done;
  });
}

/** Whom a signal lets go on: one unit, or everybody who waits at one of these gates. */
function openedWords(before: Progress, gates: readonly Gate[], unit: number | undefined): string {
  const causes =
    unit === undefined
      ? waitingFor(before).filter(({ gate }) => gate !== undefined && gates.includes(gate))
      : causesOf(before.gates.filter(({ n, gate }) => n === unit && gates.includes(gate)));
  if (causes.length === 0)
    return `nothing changes: ${unit === undefined ? 'no unit waits' : `unit ${unit} does not wait`} for that`;
  return causes
    .map((cause) => {
      const who = printable(`${whoWords(cause)} ${namesWords(cause)}`.trimEnd());
      return cause.count === 1 ? `${who} goes on` : `${who} go on`;
    })
    .join('; ');
}
