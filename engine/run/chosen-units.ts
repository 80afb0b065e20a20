/** Units by the names of their accounts: who asks for a part of a migration does not know their numbers. */
import { Fault } from '../../connectors/errors.js';
import { lastRun } from '../../ledger/forget.js';
import { readReportUnits } from '../../ledger/report.js';
import type { Choice } from '../../schemas/choice.js';
import { choiceProblem, choosesAccount } from '../../schemas/choice.js';
import type { Ranges } from '../../words/ranges.js';
import { toRanges } from '../../words/ranges.js';
import type { Deps } from '../deps.js';

/** Their numbers: of a selection that may be very many. Throws `Fault('not-found')` for a name that no unit has. */
export async function chosenUnits(
  { ledger }: Pick<Deps, 'ledger'>,
  { name, ...choice }: Choice & { readonly name: string },
): Promise<Ranges> {
  const last = await lastRun(ledger.pool, name);
  const units = last === undefined ? [] : await readReportUnits(ledger.pool, name, last, 'whole');
  const selections = [...new Set(units.map(({ selection }) => selection))].map((selection) => ({
    name: selection,
    accounts: units.filter((unit) => unit.selection === selection),
  }));
  const problem = choiceProblem(selections, choice);
  if (problem !== undefined) {
    throw new Fault('not-found', `${problem}, among what "${name}" has begun to move`, {
      next: 'what it has not begun yet, `migrate apply` begins: with --account, or the whole spec',
    });
  }
  const chooses = choosesAccount(choice);
  const chosen = units.filter((unit) => (choice.selections?.includes(unit.selection) ?? true) && chooses(unit));
  return toRanges(chosen.map(({ n }) => n));
}
