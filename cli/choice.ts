/** `--selection` and `--account`: which part of a spec or a migration is meant. */
import { randomUUID } from 'node:crypto';
import type { Choice } from '../schemas/choice.js';
import { choiceProblem, isPart } from '../schemas/choice.js';
import { quote } from '../schemas/diagnostic.js';
import type { Spec } from '../schemas/spec.js';
import { plural } from '../words/numbers.js';
import type { Ranges } from '../words/ranges.js';
import { numbersOf } from '../words/ranges.js';
import { makeSearchId } from '../workflows/messages.js';
import type { PartArgs } from './arguments.js';
import { execute } from './execute.js';
import { CommandError, exitCodes } from './exit-codes.js';
import type { Shell } from './shell.js';
import type { TemporalAccess } from './temporal.js';

export function choiceOf({ selection: selections, account: accounts }: PartArgs): Choice {
  return { ...(selections && { selections }), ...(accounts && { accounts }) };
}

/** The part of a spec that is meant. Throws `CommandError` for a name that the spec does not have. */
export function requireChoice(spec: Spec, args: PartArgs): Choice {
  const choice = choiceOf(args);
  const problem = choiceProblem(spec.selections, choice);
  if (problem !== undefined) throw new CommandError(exitCodes.usage, problem, 'nothing was asked of anybody');
  return choice;
}

/** E.g. `selection "mail", 2 accounts`; undefined where all is meant. */
export function choiceWords({ selections, accounts }: Choice): string | undefined {
  const words = [
    ...(selections
      ? [`${selections.length === 1 ? 'selection' : 'selections'} ${selections.map(quote).join(', ')}`]
      : []),
    ...(accounts
      ? [accounts.length === 1 ? `account ${quote(accounts[0] as string)}` : plural(accounts.length, 'account')]
      : []),
  ];
  return words.length === 0 ? undefined : words.join(', ');
}

/** The numbers of the units that are meant, asked of a worker; undefined where no part is named. Throws `CommandError` for a name that none has. */
export async function askForUnits(
  shell: Shell,
  temporal: TemporalAccess,
  name: string,
  args: PartArgs,
): Promise<readonly number[] | undefined> {
  const choice = choiceOf(args);
  if (!isPart(choice)) return undefined;
  const id = makeSearchId(name, randomUUID());
  return [...numbersOf(await execute<Ranges>(shell, temporal, 'search', id, { name, ...choice }))];
}
