/** What was found of a use, in as few checks as say it: what is well in one, what fails once for each cause. */
import type { Fault } from '../../connectors/errors.js';
import type { Check, CheckedAccount } from '../../words/check.js';
import { count, plural, size } from '../../words/numbers.js';
import type { Rooms } from './rooms.js';
import type { Tried } from './try-account.js';
import type { Outcome } from './try-use.js';
import type { Use } from './uses.js';

/** A check travels through Temporal's history: no more names than this, of all checks together. */
const MOST_NAMED = 20_000;
const MOST_NAMED_BYTES = 800_000;

export interface Findings {
  add(use: Use, outcome: Outcome, rooms: Rooms): void;
  readonly checks: readonly Check[];
}

export function createFindings(redact: (text: string) => string): Findings {
  const checks: Check[] = [];
  const saidDown = new Set<Fault>();
  let named = 0;
  let bytes = 0;
  const listed = (accounts: readonly CheckedAccount[]): Pick<Check, 'accounts' | 'unlisted'> => {
    const room = accounts.slice(0, MOST_NAMED - named);
    const kept: CheckedAccount[] = [];
    for (const one of room) {
      bytes += JSON.stringify(one).length;
      if (bytes > MOST_NAMED_BYTES) break;
      kept.push(one);
    }
    named += kept.length;
    return { accounts: kept, ...(kept.length < accounts.length && { unlisted: accounts.length - kept.length }) };
  };
  const say = ({ value, fix, ...check }: Check): void => {
    checks.push({ ...check, value: redact(value), ...(fix !== undefined && { fix: redact(fix) }) });
  };

  return {
    checks,
    add(use, outcome, rooms) {
      const { subject } = use;
      if (use.kind === undefined) {
        say({ subject, check: 'used', ok: true, value: 'no selection uses it' });
        return;
      }
      if (use.fault) say({ subject, check: 'accounts', ok: false, ...saidOf(use.fault) });
      else if (use.accounts.length === 0) {
        say({ subject, check: 'accounts', ok: false, value: 'none', fix: 'the selection covers no account' });
      }
      const good = outcome.tried.filter(({ fault }) => fault === undefined);
      if (good[0]) say({ subject, check: 'credentials', ok: true, value: wellWords(use, good) });
      if (outcome.down && !saidDown.has(outcome.down)) {
        const check = outcome.down.refusedLogin ? 'credentials' : 'reachable';
        say({ subject, check, ok: false, ...downWords(use, outcome) });
        saidDown.add(outcome.down);
      }
      const single = use.accounts.length === 1;
      for (const { accounts, fault } of failuresOf(outcome)) {
        const check = fault.code === 'credentials' ? 'credentials' : isAway(fault) ? 'reachable' : 'account';
        say({ subject, check, ok: false, ...failureWords(accounts, fault, single), ...(!single && listed(accounts)) });
      }
      for (const { name, value, problem, own } of good[0]?.told ?? []) {
        if (problem === undefined && (single || !own)) say({ subject, check: name, ok: true, value });
      }
      for (const { name, problem, accounts } of problemsOf(good)) {
        const [first] = accounts as [CheckedAccount];
        const whole = accounts.length === use.accounts.length;
        const value = whole ? (first.value as string) : `in ${plural(accounts.length, 'account')}`;
        say({ subject, check: name, ok: false, value, fix: problem, ...(!whole && listed(accounts)) });
      }
      addRooms(use, rooms);
    },
  };

  function addRooms(use: Use, rooms: Rooms): void {
    const { subject } = use;
    const { fits, unsummed } = rooms.fits(use);
    const short = fits.filter(({ free, needed }) => needed > free);
    const check = 'room';
    const fix =
      'make room there or have the quota raised (`migrate plan` counts what is there already); a run waits at the gate `quota` when it is full';
    const [only] = short;
    if (only && short.length === 1) {
      const [first, ...others] = only.accounts;
      const whose = others.length === 0 ? first : plural(only.accounts.length, 'account');
      const where = only.disk ? `on the disk of ${whose}` : `in ${only.accounts.join(', ')}`;
      say({ subject, check, ok: false, value: `${needWords(only)} ${where}`, fix, ...listed(namesOf(only)) });
    } else if (only) {
      const accounts = short.flatMap(namesOf);
      const value = `${plural(accounts.length, 'account')} without room for what is to be moved`;
      say({ subject, check, ok: false, value, fix, ...listed(accounts) });
    }
    const well = fits.filter(({ free, needed }) => needed <= free);
    if (well.length > 0) {
      const bytes = well.reduce((sum, { needed }) => sum + needed, 0);
      const accounts = well.reduce((sum, one) => sum + one.accounts.length, 0);
      const whom = use.accounts.length === 1 ? '' : ` for ${plural(accounts, 'account')}`;
      say({ subject, check, ok: true, value: `${size(bytes)} to move${whom}, and room for it` });
    }
    if (unsummed > 0) {
      const value = `not compared for ${plural(unsummed, 'account')}: what the source holds could not be summed in time; \`migrate plan\` does`;
      say({ subject, check, ok: true, value });
    }
  }
}

function needWords({ free, needed }: { readonly free: number; readonly needed: number }): string {
  return `${size(needed)} to move, ${size(free)} free`;
}

function namesOf(fit: {
  readonly accounts: readonly string[];
  readonly free: number;
  readonly needed: number;
}): CheckedAccount[] {
  return fit.accounts.map((account) => ({ account, value: needWords(fit) }));
}

function wellWords({ accounts, all }: Use, good: readonly Tried[]): string {
  const system = good[0]?.place?.system ?? '';
  const one = good.length === 1;
  // Files of this machine know no login.
  const does = system.includes('//') ? (one ? 'logs in' : 'log in') : one ? 'opens' : 'open';
  const at = system.includes('//') ? ` at ${system}` : '';
  if (accounts.length < all) {
    return `${count(good.length)} of ${count(accounts.length)} accounts tried ${does}${at} (a sample of ${count(all)})`;
  }
  if (accounts.length === 1) return `${accounts[0]} ${does}${at}`;
  return `${plural(good.length, 'account')} ${does}${at}`;
}

function downWords(use: Use, { tried, down }: Outcome): Pick<Check, 'value' | 'fix'> {
  const left = use.accounts.length - tried.length;
  if (down?.refusedLogin) {
    const value = `${plural(left, 'account')} not tried: one login after the other was refused, and servers lock out who goes on`;
    return { value, fix: 'correct the logins that are refused, and run doctor again' };
  }
  const said = saidOf(down as Fault, use.accounts.length === 1 ? use.accounts[0] : undefined);
  return left > 0
    ? { ...said, value: `${said.value}; its other ${plural(left, 'account')} ${left === 1 ? 'was' : 'were'} not tried` }
    : said;
}

/** Accounts by the cause that they share; what the whole system suffers from is said once, elsewhere. */
function failuresOf({ tried, down }: Outcome): { fault: Fault; accounts: CheckedAccount[] }[] {
  const groups = new Map<string, { fault: Fault; accounts: CheckedAccount[] }>();
  const isOfAll = (fault: Fault): boolean => down !== undefined && !down.refusedLogin && fault.message === down.message;
  for (const { account, fault } of tried) {
    if (!fault || isOfAll(fault)) continue;
    const key = JSON.stringify([fault.code, alike(fault.message, account), alike(fault.next ?? '', account)]);
    const group = groups.get(key);
    if (group) group.accounts.push({ account });
    else groups.set(key, { fault, accounts: [{ account }] });
  }
  return [...groups.values()];
}

function failureWords(
  accounts: readonly CheckedAccount[],
  fault: Fault,
  single: boolean,
): Pick<Check, 'value' | 'fix'> {
  const [{ account }] = accounts as [CheckedAccount];
  if (accounts.length === 1) {
    const said = saidOf(fault, account);
    return single || said.value.includes(account) ? said : { ...said, value: `${account}: ${said.value}` };
  }
  const next = fault.next === undefined ? {} : { fix: alike(fault.next, account) };
  return { value: `${plural(accounts.length, 'account')}: ${alike(fault.message, account)}`, ...next };
}

function problemsOf(good: readonly Tried[]): { name: string; problem: string; accounts: CheckedAccount[] }[] {
  const groups = new Map<string, { name: string; problem: string; accounts: CheckedAccount[] }>();
  for (const { account, told } of good) {
    for (const { name, value, problem } of told) {
      if (problem === undefined) continue;
      const key = JSON.stringify([name, alike(problem, account)]);
      const group = groups.get(key);
      if (group) group.accounts.push({ account, value });
      else groups.set(key, { name, problem, accounts: [{ account, value }] });
    }
  }
  return [...groups.values()];
}

/** A sentence as it is for any account. Connectors leave `{account}` in it where the spec does. */
function alike(sentence: string, account: string): string {
  return sentence.replaceAll(account, '{account}');
}

function saidOf({ message, next }: Fault, account?: string): Pick<Check, 'value' | 'fix'> {
  const said = (text: string): string => (account === undefined ? text : text.replaceAll('{account}', account));
  return { value: said(message), ...(next !== undefined && { fix: said(next) }) };
}

function isAway({ code }: Fault): boolean {
  return code === 'unavailable' || code === 'throttled';
}
