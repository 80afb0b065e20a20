/** The answer: whether everything is verified, and in which numbers. */
import type { Kind } from '../connectors/contract.js';
import type { ReportUnit } from '../ledger/report.js';
import type { LeftOutRule, LeftOutSum } from '../words/left-out.js';
import type { AccountSums, Sums } from './sums.js';
import { unproven } from './sums.js';

/** The answer, and what the exit code follows. */
export interface Verdict {
  /** Everything the run covers is known, and each item of it is verified, but for those that the target keeps as they are. */
  readonly complete: boolean;
  readonly items: number;
  readonly verified: number;
  readonly unproven: number;
  /** Left as they are, for a reason that the spec or the target gives. */
  readonly skipped: number;
  /** Items that nobody won; they are among the unproven. */
  readonly conflicts: number;
  readonly duplicates: number;
  readonly units: number;
  /** Units that did not end well: what they hold may not even be known. */
  readonly unitsOpen: number;
  /** A run that nobody has closed: the numbers are those of a moment, and nothing is complete. */
  readonly goesOn: boolean;
  /** What the spec's filters left out of all numbers. */
  readonly leftOut: LeftOutSum & { /** Items of folders that are moved. */ readonly filtered: number };
}

export function judge(total: Sums, accounts: readonly AccountSums[], goesOn: boolean, leftOut: LeftOutSum): Verdict {
  const unitsOpen = accounts.filter(({ unit }) => unit.state !== 'done').length;
  const open = unproven(total);
  return {
    complete: open === 0 && unitsOpen === 0 && accounts.length > 0 && !goesOn,
    items: total.items,
    verified: total.standings.verified,
    unproven: open,
    skipped: total.standings.skipped,
    conflicts: total.standings.conflict,
    duplicates: total.duplicates,
    units: accounts.length,
    unitsOpen,
    goesOn,
    leftOut: { ...leftOut, filtered: total.excluded },
  };
}

/** What the rules leave out as a whole, by kind: the words of the console. */
export function sumLeftOut(rules: readonly LeftOutRule[], units: readonly ReportUnit[]): LeftOutSum {
  const kindOf = new Map(units.map(({ selection, kind }) => [selection, kind]));
  const kinds: Partial<Record<Kind, number>> = {};
  for (const { selection, containers } of rules) {
    const kind = kindOf.get(selection) ?? 'mail';
    kinds[kind] = (kinds[kind] ?? 0) + containers;
  }
  const told = rules.flatMap(({ items }) => items ?? []);
  return { kinds, items: told.length < rules.length ? null : told.reduce((sum, items) => sum + items, 0) };
}
