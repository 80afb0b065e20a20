/** Accounts as people know them. They never stand in ids of workflows or in search attributes. */

/** `anna@old.example`, or `anna@old.example → anna@new.example` where both sides call it differently. */
export function accountName({ from, to }: { readonly from: string; readonly to: string }): string {
  return from === to ? from : `${from}${ARROW}${to}`;
}

const ARROW = ' → ';

/** What either side calls it. */
export const sidesOf = (account: string): readonly string[] => account.split(ARROW);

/** A unit, as people look for it. */
export interface UnitName {
  readonly n: number;
  /** Absent where only its number is known. */
  readonly account?: string;
  readonly selection?: string;
}

/** `unit 3, anna@old.example (mail)`; without a name `unit 3 (mail)`. */
export function unitWords({ n, account, selection }: UnitName): string {
  return `unit ${n}${account === undefined ? '' : `, ${account}`}${selection === undefined ? '' : ` (${selection})`}`;
}

/** The account that a text names, as a placeholder: what is said of many is then the same text. */
export function withoutAccount(text: string, account: string | undefined): string {
  const names = (account === undefined ? [] : sidesOf(account)).filter((name) => name.length >= SHORT);
  return names.reduce((rest, name) => rest.replaceAll(name, '{account}'), text);
}

/** The placeholder as the account, where `withoutAccount` finds it again. */
export function withAccount(text: string, name: string): string {
  return name.length < SHORT ? text : text.replaceAll('{account}', () => name);
}

/** Shorter names may be words of the text. */
const SHORT = 4;

/** Names of units by their numbers, as they travel between the ledger and the workflows. */
export type AccountNames = Readonly<Record<number, string>>;

/** As many of the names as have room, the first before the others. */
export function namesWithin(
  units: Iterable<{ readonly n: number; readonly from: string; readonly to: string }>,
  { names: most, letters }: { readonly names: number; readonly letters: number },
): AccountNames {
  const named: Record<number, string> = {};
  let left = letters;
  let count = 0;
  for (const unit of units) {
    const name = accountName(unit);
    left -= name.length + 10;
    if (left < 0 || ++count > most) break;
    named[unit.n] = name;
  }
  return named;
}
