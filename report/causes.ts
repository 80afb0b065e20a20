/** Accounts that are not done, by cause: thousands that wait for one secret are one line. */
import type { Gate, UnitState } from '../words/units.js';
import type { AccountSums } from './gather.js';
import { grouped } from './grouped.js';

export interface Cause {
  readonly state: UnitState;
  readonly gate: Gate | null;
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
    const { state, gate, reason, next } = (some[0] as AccountSums).unit;
    return { state, gate, reason, next, accounts: some };
  });
  return causes.sort(
    (a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || b.accounts.length - a.accounts.length,
  );
}

/** Servers put the account and numbers into their words; they make no other cause. */
function causeKey({ unit }: AccountSums): string {
  const plain = (text: string | null): string =>
    (text ?? '').replaceAll(unit.from, '\0').replaceAll(unit.to, '\0').replace(/\d+/g, '0');
  return [unit.state, unit.gate, plain(unit.reason), plain(unit.next)].join('\n');
}

const OPENERS: Readonly<Record<Gate, string>> = {
  credentials: 'credentials',
  approval: 'approve',
  failures: 'approve',
  quota: 'retry',
  order: 'retry',
};

/** What to type; undefined for what goes on by itself. */
export function causeCommand(
  { state, gate, accounts: [first, ...others] }: Cause,
  migration: string,
): string | undefined {
  if (state === 'waiting' || state === 'running') return undefined;
  const verb = state === 'parked' && gate !== null ? OPENERS[gate] : 'retry';
  return `migrate ${verb} ${migration}${others.length === 0 ? ` --unit ${first?.unit.n}` : ''}`;
}
