/** Units that wait or failed for one and the same reason, as one: what a person mends once is said once. */
import type { UnitName } from './accounts.js';
import { unitWords, withoutAccount } from './accounts.js';
import { count, plural } from './numbers.js';
import type { Gate } from './units.js';

/** A unit that waits at a gate, or failed. */
export interface StuckUnit extends UnitName {
  /** Absent: it failed. */
  readonly gate?: Gate;
  readonly reason: string;
  readonly next?: string;
  readonly retryAt?: number;
  /** Of a unit that got through: how many of its items failed for it. */
  readonly items?: number;
}

/** Equal gate, reason and remedy. */
export interface Cause {
  readonly gate?: Gate;
  /** Where it names the account of each, `{account}` stands for it. */
  readonly reason: string;
  readonly next?: string;
  /** When time opens the gate of the first. */
  readonly retryAt?: number;
  /** How many units that are. */
  readonly count: number;
  /** How many items, where it is not about the whole of each. */
  readonly items?: number;
  /** The first of them. */
  readonly units: readonly UnitName[];
  /** They are accounts of one selection: each is another account. */
  readonly alike: boolean;
}

const UNITS_SHOWN = 10;
const CAUSES_SHOWN = 50;

/** Units by cause, kept while they come and go: to list them costs what is listed, however many wait. */
export class Causes {
  readonly #groups = new Map<string, Group>();

  constructor(units: Iterable<StuckUnit> = []) {
    for (const unit of units) this.add(unit);
  }

  add(unit: StuckUnit): void {
    const key = keyOf(unit);
    const group = this.#groups.get(key) ?? newGroup();
    this.#groups.set(key, group);
    group.units.set(unit.n, unit);
    group.items += unit.items ?? 0;
    tally(group.kinds, unit, 1);
  }

  remove(unit: StuckUnit): void {
    const key = keyOf(unit);
    const group = this.#groups.get(key);
    if (!group?.units.delete(unit.n)) return;
    group.items -= unit.items ?? 0;
    tally(group.kinds, unit, -1);
    if (group.units.size === 0) this.#groups.delete(key);
  }

  /** Those of most units first. */
  list(most = CAUSES_SHOWN): Cause[] {
    return [...this.#groups.values()]
      .sort((a, b) => b.units.size - a.units.size)
      .slice(0, most)
      .map(causeOf);
  }
}

/** The causes of these units; those of most units first. */
export const causesOf = (units: Iterable<StuckUnit>, most?: number): Cause[] => new Causes(units).list(most);

interface Group {
  readonly units: Map<number, StuckUnit>;
  /** How many there are of each selection, and how many without a name. */
  readonly kinds: Map<string, number>;
  items: number;
}

const newGroup = (): Group => ({ units: new Map(), kinds: new Map(), items: 0 });

const keyOf = ({ gate, reason, next, account }: StuckUnit): string =>
  JSON.stringify([gate, withoutAccount(reason, account), next && withoutAccount(next, account)]);

function tally(kinds: Map<string, number>, { account, selection = '' }: StuckUnit, by: number): void {
  const kind = account === undefined ? '' : `of ${selection}`;
  const left = (kinds.get(kind) ?? 0) + by;
  if (left === 0) kinds.delete(kind);
  else kinds.set(kind, left);
}

function causeOf({ units, kinds, items }: Group): Cause {
  const first = units.values().next().value as StuckUnit;
  const one = units.size === 1;
  const said = (text: string): string => (one ? text : withoutAccount(text, first.account));
  const shown: UnitName[] = [];
  for (const { n, account, selection } of units.values()) {
    if (shown.length === UNITS_SHOWN) break;
    shown.push({ n, ...(account !== undefined && { account }), ...(selection !== undefined && { selection }) });
  }
  return {
    ...(first.gate !== undefined && { gate: first.gate }),
    reason: said(first.reason),
    ...(first.next !== undefined && { next: said(first.next) }),
    ...(first.retryAt !== undefined && { retryAt: first.retryAt }),
    count: units.size,
    ...(items > 0 && { items }),
    units: shown,
    alike: kinds.size === 1 && !kinds.has(''),
  };
}

/** `3 accounts`, `12 units`: who it is about. Of one: `unit 3, anna@old.example (mail)`. */
export function whoWords({ count: units, units: [first], alike }: Cause): string {
  if (units === 1 && first) return unitWords(first);
  return plural(units, alike ? 'account' : 'unit');
}

/** `(anna@old.example, bela@old.example and 12 more)`, behind what is said of many. Empty for one, who was named. */
export function namesWords(cause: Cause, most = 3): string {
  const { count: units, alike } = cause;
  if (units === 1) return '';
  const shown = cause.units.slice(0, most);
  const names = shown.map(({ n, account, selection }) => {
    if (account === undefined) return `unit ${n}`;
    return alike || selection === undefined ? account : `${account} (${selection})`;
  });
  const rest = units - shown.length;
  return `(${names.join(', ')}${rest > 0 ? ` and ${count(rest)} more` : ''})`;
}

/** `3 accounts wait for credentials`, `unit 3, anna@old.example (mail), waits for approval`, `2 accounts failed`. */
export function stateWords(cause: Cause): string {
  const who = whoWords(cause);
  if (cause.gate === undefined) return `${who}${cause.count === 1 ? ',' : ''} failed`;
  return cause.count === 1 ? `${who}, waits for ${cause.gate}` : `${who} wait for ${cause.gate}`;
}

/** In one line: who, what and why. */
export function causeWords(cause: Cause, most?: number): string {
  return `${stateWords(cause)}: ${cause.reason} ${namesWords(cause, most)}`.trimEnd();
}

/** Who and why, where what it is about is said in front: `3 accounts: OLD_PASSWORD is not set (anna@…)`. */
export function whyWords(cause: Cause, most?: number): string {
  const { items, reason } = cause;
  const what = items === undefined ? '' : `, ${plural(items, 'item')}`;
  return `${whoWords(cause)}${what}: ${reason} ${namesWords(cause, most)}`.trimEnd();
}
