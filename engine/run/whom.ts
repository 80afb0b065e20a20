/** Whom a run or a plan is about: the accounts of a spec, or those of a part of it that somebody asked for. */
import { Fault } from '../../connectors/errors.js';
import type { Choice, Choosable } from '../../schemas/choice.js';
import { choiceProblem, choosesAccount, chosenSelections, isPart } from '../../schemas/choice.js';
import type { Account, SelectionWithAccounts, Spec } from '../../schemas/spec.js';
import type { Deps } from '../deps.js';
import { accountsOf } from './accounts.js';

export interface Whom {
  readonly selection: SelectionWithAccounts;
  /** `n`: its place among all accounts of the spec, as far as these are known, from 1. */
  readonly accounts: readonly { readonly n: number; readonly account: Account }[];
}

/** Throws `Fault('spec')` for a name that the spec does not have. */
export async function whom(deps: Deps, spec: Spec, choice: Choice, signal: AbortSignal): Promise<Whom[]> {
  refuseChoice(spec, choice);
  const chosen = new Set(chosenSelections(spec.selections, choice));
  const listed: { readonly selection: SelectionWithAccounts; readonly accounts: readonly Account[] }[] = [];
  let skipped = 0;
  const before: number[] = [];
  for (const selection of spec.selections) {
    if (!chosen.has(selection)) {
      if (selection.accounts !== 'all') skipped += selection.accounts.length;
      continue;
    }
    const accounts = await accountsOf(deps, spec, selection, signal);
    listed.push({ selection, accounts });
    before.push(skipped);
    skipped += accounts.length;
  }
  // Now those are known, too, that only a source can list.
  const known = listed.map(({ selection, accounts }) => ({ name: selection.name, accounts }));
  if (isPart(choice)) refuseChoice({ name: spec.name, selections: known }, choice);
  const chooses = choosesAccount(choice);
  return listed.map(({ selection, accounts }, at) => ({
    selection,
    accounts: accounts
      .map((account, index) => ({ n: (before[at] as number) + index + 1, account }))
      .filter(({ account }) => chooses(account)),
  }));
}

/** Throws `Fault('spec')` for a name that the spec does not have, as far as its accounts are listed. */
export function refuseChoice(
  { name, selections }: { readonly name: string; readonly selections: readonly Choosable[] },
  choice: Choice,
): void {
  const problem = choiceProblem(selections, choice);
  if (problem === undefined) return;
  throw new Fault('spec', `the spec that "${name}" runs does not have it: ${problem}`, {
    next: 'name what it has, or bring it up to date with `migrate apply`, schedules too',
  });
}
