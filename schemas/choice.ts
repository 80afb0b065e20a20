/** A part of a spec that a person asks for by names: `--selection`, `--account`. */
import { quote } from './diagnostic.js';
import type { Account } from './spec.js';
import { didYouMean } from './suggest.js';

export interface Choice {
  /** Absent: all. */
  readonly selections?: readonly string[];
  /** By their names on either side; absent: all. */
  readonly accounts?: readonly string[];
}

export const isPart = ({ selections, accounts }: Choice): boolean => selections !== undefined || accounts !== undefined;

export const isSameChoice = (a: Choice, b: Choice): boolean =>
  hasSame(a.selections, b.selections) && hasSame(a.accounts, b.accounts);

function hasSame(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  const [some, others] = [new Set(a), new Set(b)];
  return some.size === others.size && [...some].every((name) => others.has(name));
}

/** Whether it is among those that were chosen. */
export function choosesAccount({ accounts }: Choice): (account: Account) => boolean {
  if (accounts === undefined) return () => true;
  const names = new Set(accounts);
  return ({ from, to }) => names.has(from) || names.has(to);
}

/** The selections that were chosen, of some; their accounts are `all` where nobody has listed them yet. */
export interface Choosable {
  readonly name: string;
  readonly accounts: 'all' | readonly Account[];
}

export const chosenSelections = <S extends { readonly name: string }>(
  selections: readonly S[],
  choice: Choice,
): readonly S[] => selections.filter(({ name }) => choice.selections?.includes(name) ?? true);

/** What is wrong with a choice: the first name that nothing has, with the one that may be meant. */
export function choiceProblem(selections: readonly Choosable[], choice: Choice): string | undefined {
  const names = selections.map(({ name }) => name);
  const strange = choice.selections?.find((name) => !names.includes(name));
  if (strange !== undefined)
    return `there is no selection ${quote(strange)}${didYouMean(strange, names) || `; there are: ${names.join(', ')}`}`;
  if (choice.accounts === undefined) return undefined;
  const chosen = chosenSelections(selections, choice);
  // Only the source knows them.
  if (chosen.some(({ accounts }) => accounts === 'all')) return undefined;
  const known = new Set(
    chosen.flatMap(({ accounts }) => (accounts as Account[]).flatMap(({ from, to }) => [from, to])),
  );
  const stranger = choice.accounts.find((name) => !known.has(name));
  if (stranger === undefined) return undefined;
  const where = choice.selections ? ` in ${choice.selections.map(quote).join(', ')}` : '';
  return `there is no account ${quote(stranger)}${where}, on either side${didYouMean(stranger, known)}`;
}
