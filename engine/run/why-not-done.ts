/** Why a run is not done, in a few sentences: each cause once, with whom it is about. */
import type { Sql } from '../../ledger/ledger.js';
import { readTroubles } from '../../ledger/troubles.js';
import type { UnitRow } from '../../ledger/units.js';
import { pairingsOf } from '../../ledger/units.js';
import { accountName } from '../../words/accounts.js';
import type { StuckUnit } from '../../words/causes.js';
import { causesOf, whyWords } from '../../words/causes.js';
import { count, plural } from '../../words/numbers.js';

/** Causes that are named, of units and of items; the report has all. */
const CAUSES = 5;
/** Units whose items are asked why they failed. */
const ASKED = 20;

/**
 * E.g. `3 accounts: the environment variable OLD_PASSWORD is not set (anna@old, bela@old, carl@old)`, then how many units failed.
 * Empty where all got through, with all their items.
 */
export async function whyNotDone(sql: Sql, units: readonly UnitRow[]): Promise<string[]> {
  const failed = units.filter(({ state }) => state !== 'done');
  const stuck = failed.flatMap((unit): StuckUnit[] =>
    unit.reason === null ? [] : [{ ...named(unit), reason: unit.reason }],
  );
  const troubled: StuckUnit[] = [];
  for (const unit of units.filter(({ counters }) => (counters.failures ?? 0) > 0).slice(0, ASKED)) {
    const counted = { migration: unit.migration, n: unit.n, pairings: pairingsOf(unit) };
    for (const trouble of await readTroubles(sql, counted)) troubled.push({ ...named(unit), ...trouble });
  }
  return [
    ...sentences(stuck),
    ...(failed.length > 0 ? [`${count(failed.length)} of ${plural(units.length, 'account')} failed`] : []),
    ...sentences(troubled),
  ];
}

const named = (unit: UnitRow): Omit<StuckUnit, 'reason'> => ({
  n: unit.n,
  account: accountName(unit),
  selection: unit.selection,
});

function sentences(stuck: readonly StuckUnit[]): string[] {
  const causes = causesOf(stuck);
  const shown = causes.slice(0, CAUSES).map((cause) => whyWords({ ...cause, reason: bounded(cause.reason) }));
  const rest = causes.length - shown.length;
  return rest > 0 ? [...shown, plural(rest, 'other cause')] : shown;
}

/** It travels in the failure of a workflow, of which Temporal keeps a few thousand letters. */
const bounded = (text: string): string => (text.length <= 600 ? text : `${text.slice(0, 600)}…`);
