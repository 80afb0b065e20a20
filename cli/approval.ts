/** `migrate approve`: what waits is shown, and nothing but what was shown is approved. */
import { sidesOf, unitWords } from '../words/accounts.js';
import type { Cause } from '../words/causes.js';
import { causesOf } from '../words/causes.js';
import { waitsForApproval } from '../words/covers.js';
import { plural } from '../words/numbers.js';
import type { ParkedUnit } from '../words/units.js';
import type { Progress } from '../workflows/messages.js';
import { approveSignal } from '../workflows/messages.js';
import type { ApproveArgs } from './arguments.js';
import { isTyped } from './ask.js';
import { choiceOf, choiceWords } from './choice.js';
import { coveredLines } from './covered-lines.js';
import { CommandError, exitCodes } from './exit-codes.js';
import { gateWords } from './gate-lines.js';
import { noWorker, readProgress, requireRunning } from './migration.js';
import { print, printable } from './output.js';
import type { Shell } from './shell.js';
import { signalMigration, waitToSee } from './steer.js';
import type { TemporalAccess } from './temporal.js';

/** How long it is waited until they go on, in milliseconds. */
const SEE_MS = 10_000;

export async function approve(shell: Shell, temporal: TemporalAccess, args: ApproveArgs): Promise<number> {
  const { name } = args;
  await requireRunning(temporal, name, otherwise(name));
  const progress = await readProgress(temporal, name, shell.signal);
  shell.signal.throwIfAborted();
  if (!progress)
    throw new CommandError(
      exitCodes.unreachable,
      'nothing was approved: no worker answers now, so it cannot be shown what waits',
      noWorker(temporal),
    );
  const waiting = progress.gates.filter((gate) => waitsForApproval(gate) && isMeant(args, gate));
  if (waiting.length === 0) {
    const part = choiceWords(choiceOf(args));
    const who =
      args.unit === undefined ? `no unit${part ? ` of ${part}` : ''} waits` : `unit ${args.unit} does not wait`;
    shell.err(`${name}: ${who} for an approval`);
    return exitCodes.done;
  }
  const asks = shell.isTty && !args.yes;
  const say = args.output === 'text' ? shell.out : shell.err;
  if (args.output === 'text' || asks) for (const line of approvalLines(progress, waiting)) say(line);
  if (asks) {
    shell.err(`Nothing else is approved by it, and it cannot be taken back. Only "yes" approves:`);
    if (!(await isTyped(shell, 'yes'))) throw new CommandError(exitCodes.failed, 'nothing was approved');
  }
  await send(temporal, name, waiting);
  const code = await seen(shell, temporal, name, waiting);
  if (args.output !== 'text') await print(shell, args.output, { migration: name, approved: waiting }, () => []);
  return code;
}

const otherwise = (name: string): string => `\`migrate retry ${name}\` starts what is left of it`;

function isMeant({ unit, selection, account }: ApproveArgs, gate: ParkedUnit): boolean {
  const names = gate.account === undefined ? [] : sidesOf(gate.account);
  return (
    (unit ?? gate.n) === gate.n &&
    (selection?.includes(gate.selection) ?? true) &&
    (account?.some((name) => names.includes(name)) ?? true)
  );
}

function approvalLines({ name, units, gates }: Progress, waiting: readonly ParkedUnit[]): string[] {
  const unseen = units.parked - gates.length;
  return [
    ...waiting.flatMap((gate) => [
      gateWords(causesOf([gate])[0] as Cause),
      ...(gate.covers ? coveredLines(name, gate) : [unlisted(name, gate)]).map((line) => `  ${line}`),
    ]),
    ...(unseen > 0
      ? [`${plural(unseen, 'more unit')} ${unseen === 1 ? 'waits' : 'wait'} for something; not approved by this`]
      : []),
  ];
}

const unlisted = (name: string, { n }: ParkedUnit): string =>
  `what it covers is not named here: \`migrate approve ${name} --unit ${n} --list FILE\` writes it`;

/** Of gates that an older worker opened it is not known what they cover: those are named by their units. */
async function send(temporal: TemporalAccess, name: string, waiting: readonly ParkedUnit[]): Promise<void> {
  const shown = waiting.flatMap(({ covers }) => covers?.token ?? []);
  if (shown.length > 0) await signalMigration(temporal, name, approveSignal, [{ shown }], otherwise(name));
  for (const { n, covers } of waiting)
    if (!covers) await signalMigration(temporal, name, approveSignal, [{ unit: n }], otherwise(name));
}

async function seen(
  shell: Shell,
  temporal: TemporalAccess,
  name: string,
  waiting: readonly ParkedUnit[],
): Promise<number> {
  let again: readonly ParkedUnit[] = [];
  const went = await waitToSee(shell, temporal, name, SEE_MS, ({ gates }) => {
    const same = (now: ParkedUnit, then: ParkedUnit): boolean =>
      now.n === then.n && now.covers?.token === then.covers?.token;
    if (gates.some((now) => waiting.some((then) => same(now, then)))) return false;
    again = gates.filter((now) => waitsForApproval(now) && waiting.some(({ n }) => n === now.n));
    return true;
  });
  switch (went) {
    case 'yes':
    case 'ended': {
      const on = waiting.length - again.length;
      if (on > 0)
        shell.err(
          `${name}: ${on === 1 && waiting[0] && !waiting[1] ? `${printable(unitWords(waiting[0]))} goes on` : `${plural(on, 'unit')} ${on === 1 ? 'goes' : 'go'} on`}`,
        );
      for (const { n, ...gate } of again)
        shell.err(
          `${name}: ${printable(unitWords({ n, ...gate }))} waits again, for something else than what was shown: look at it with \`migrate approve ${name} --unit ${n}\``,
        );
      return again.length === 0 ? exitCodes.done : exitCodes.failed;
    }
    case 'timeout':
      shell.err(`${name}: the approval is sent; it is taken as soon as a worker has time for it`);
      return exitCodes.done;
    case 'interrupted':
      shell.err(`${name}: the approval is sent`);
      return exitCodes.interrupted;
    default:
      return went satisfies never;
  }
}
