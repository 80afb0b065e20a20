/** Accounts that are not done, by cause: thousands that wait for one secret are one line. */
import { accountName, withoutAccount } from '../words/accounts.js';
import { commandsFor, OPENED_BY } from '../words/gates.js';
import type { Gate, UnitState } from '../words/units.js';
import { grouped } from './grouped.js';
import type { AccountSums } from './sums.js';

export interface Cause {
  readonly state: UnitState;
  readonly gate: Gate | null;
  /** Where it names the account of each, `{account}` stands for it. */
  readonly reason: string | null;
  readonly next: string | null;
  readonly accounts: readonly AccountSums[];
}

/** What a person has to act on before what goes on by itself. */
const ORDER: readonly UnitState[] = ['failed', 'parked', 'cancelled', 'waiting', 'running'];

/** The worst first, and of those the one with most accounts. */
export function causesOf(accounts: readonly AccountSums[]): Cause[] {
  const alike = grouped(
    accounts.filter(({ unit }) => unit.state !== 'done'),
    causeKey,
  );
  const causes = [...alike.values()].map((some): Cause => {
    const { unit } = some[0] as AccountSums;
    const said = (text: string | null): string | null =>
      text === null || some.length === 1 ? text : withoutAccount(text, accountName(unit));
    return { state: unit.state, gate: unit.gate, reason: said(unit.reason), next: said(unit.next), accounts: some };
  });
  return causes.sort(
    (a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || b.accounts.length - a.accounts.length,
  );
}

/** As the console groups them: a text that names the account is the same text for the next one. */
function causeKey({ unit }: AccountSums): string {
  const plain = (text: string | null): string => withoutAccount(text ?? '', accountName(unit));
  return JSON.stringify([unit.state, unit.gate, plain(unit.reason), plain(unit.next)]);
}

/** Undefined for what goes on by itself. */
function verbOf({ state, gate }: Cause): string | undefined {
  if (state === 'waiting' || state === 'running') return undefined;
  return state === 'parked' && gate !== null ? OPENED_BY[gate] : 'retry';
}

const UNITS_SHOWN = 3;

/** What to type. */
export function causeCommands(cause: Cause, causes: readonly Cause[], migration: string): string[] {
  const verb = verbOf(cause);
  if (verb === undefined) return [];
  const others = causes.some((other) => other !== cause && verbOf(other) === verb);
  const named = cause.accounts.slice(0, UNITS_SHOWN).map(({ unit }) => unit.n);
  return commandsFor(migration, verb, { named, all: cause.accounts.length, others });
}
