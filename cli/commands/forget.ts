import { randomUUID } from 'node:crypto';
import { count } from '../../words/numbers.js';
import type { ForgetInput, ForgetResult } from '../../words/upkeep.js';
import { makeForgetId } from '../../words/upkeep.js';
import type { ForgetArgs } from '../arguments.js';
import { isTyped } from '../ask.js';
import { execute } from '../execute.js';
import { CommandError, exitCodes } from '../exit-codes.js';
import { print, printable } from '../output.js';
import { listSchedules } from '../schedules.js';
import type { Shell } from '../shell.js';
import type { TemporalAccess } from '../temporal.js';
import { withTemporal } from '../with-temporal.js';

/** Has a worker say what it knows of a migration or of a person in it, and remove it once that was agreed to. */
export async function run(shell: Shell, args: ForgetArgs): Promise<number> {
  const { name, account, dryRun, yes } = args;
  const ask = { name, ...(account !== undefined && { account }) };
  return withTemporal(shell, args, async (temporal) => {
    if (account === undefined) await requireNoSchedule(temporal, name);
    const forget = (input: ForgetInput): Promise<ForgetResult> =>
      execute<ForgetResult>(shell, temporal, 'forget', makeForgetId(name, randomUUID()), input);
    if (dryRun || !yes) {
      const asked = await forget({ ...ask, dryRun: true });
      if (dryRun || !shell.isTty) await print(shell, args.output, asked, () => forgetLines(asked));
      if (dryRun) return exitCodes.done;
      if (!shell.isTty)
        throw new CommandError(
          exitCodes.usage,
          'nothing was removed: nobody can be asked here',
          'say --yes to remove this',
        );
      for (const line of forgetLines(asked)) shell.err(line);
      await requireAgreement(shell, account ?? name);
    }
    const done = await forget({ ...ask, dryRun: false });
    await print(shell, args.output, done, () => forgetLines(done));
    return exitCodes.done;
  });
}

/** A schedule would start it anew, and fail each time. */
async function requireNoSchedule(temporal: TemporalAccess, name: string): Promise<void> {
  const [first] = await listSchedules(temporal, name);
  if (!first) return;
  throw new CommandError(
    exitCodes.failed,
    `the schedule "${first.schedule}" would start "${name}" again`,
    `\`migrate schedule remove ${name} ${first.schedule}\` removes it`,
  );
}

async function requireAgreement(shell: Shell, word: string): Promise<void> {
  shell.err(`This cannot be taken back. Type ${printable(word)} to remove it:`);
  if (await isTyped(shell, word)) return;
  throw new CommandError(exitCodes.failed, 'nothing was removed: something else was typed');
}

export function forgetLines({ name, account, dryRun, units, removed, kept, elsewhere }: ForgetResult): string[] {
  const shown = units.slice(0, UNITS_SHOWN);
  const parts = (Object.keys(REMOVED) as (keyof ForgetResult['removed'])[]).flatMap((what) =>
    removed[what] > 0 ? [`${count(removed[what])} ${REMOVED[what][removed[what] === 1 ? 0 : 1]}`] : [],
  );
  const whole = account === undefined ? `all of ${name}` : `${printable(account)} in ${name}`;
  return [
    `${whole} ${dryRun ? 'would be forgotten' : 'is forgotten'}:`,
    ...shown.map(({ n, selection, from, to }) => `  unit ${n} (${selection}): ${printable(from)} → ${printable(to)}`),
    ...(units.length > shown.length ? [`  and ${count(units.length - shown.length)} more units`] : []),
    `  ${parts.length === 0 ? 'nothing was known of it yet' : parts.join(', ')}`,
    ...(kept.length > 0 ? ['what stays:', ...kept.map((sentence) => `  ${printable(sentence)}`)] : []),
    'where something may still be found:',
    ...elsewhere.map((sentence) => `  ${printable(sentence)}`),
  ];
}

const UNITS_SHOWN = 20;

/** One and several of what is removed. */
const REMOVED: { readonly [What in keyof ForgetResult['removed']]: readonly [one: string, several: string] } = {
  items: ['item', 'items'],
  containers: ['container', 'containers'],
  places: ['place', 'places'],
  uploads: ['upload under way', 'uploads under way'],
  batches: ['batch whose answers were lost', 'batches whose answers were lost'],
  runs: ['run', 'runs'],
  outcomes: ['outcome', 'outcomes'],
  events: ['event', 'events'],
  specs: ['stored spec', 'stored specs'],
  reports: ['report', 'reports'],
};
