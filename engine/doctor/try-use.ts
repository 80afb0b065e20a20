/** All accounts of one use of a system: several at once, and none any more where the system as a whole does not answer. */
import type { Kind } from '../../connectors/contract.js';
import type { Fault, FaultCode } from '../../connectors/errors.js';
import { DEFAULT_LIMITS } from '../../schemas/core.js';
import type { SystemConfig } from '../../schemas/spec.js';
import type { Deps } from '../deps.js';
import type { Beside, Tried } from './try-account.js';
import { CHECK_MS, tryAccount } from './try-account.js';
import type { Use } from './uses.js';

/** More would be a burst of logins, which servers take for an attack. */
const MOST_AT_ONCE = 8;
/** So many accounts one after the other that the system did not answer: the others would wait for nothing. */
const MOST_UNANSWERED = 3;
/** So many logins refused one after the other: servers lock out who goes on. */
const MOST_REFUSED = 10;
/** Servers hold an answer back from who was refused before (Dovecot: up to 15 s). */
const HELD_BACK_MS = 20_000;
const UNANSWERED: ReadonlySet<FaultCode> = new Set(['unavailable', 'throttled']);

export type TriedUse = Use & { readonly kind: Kind };

export interface Outcome {
  readonly tried: readonly Tried[];
  /** Why the rest was not tried. */
  readonly down?: Fault;
}

export interface Trial {
  readonly deps: Deps;
  readonly beside: (use: Use, account: string) => Beside | undefined;
  /** Called once for each account, tried or not. */
  readonly counted: (accounts: number) => void;
  readonly signal: AbortSignal;
}

/** The first account alone: whether the system is there at all. */
export async function tryFirst(trial: Trial, use: TriedUse): Promise<Outcome> {
  const { deps, beside, counted, signal } = trial;
  const [first] = use.accounts;
  if (first === undefined) return { tried: [] };
  const asked = { beside: use.role === 'target' ? beside(use, first) : undefined };
  const tried = await tryAccount(deps, use, first, asked, signal);
  counted(1);
  const down = isDown(use.config, tried) ? tried.fault : undefined;
  return { tried: [tried], ...(down && { down }) };
}

/** The others; and the first once more, where its source is asked now what could not be asked before its target was. */
export async function tryOthers(trial: Trial, use: TriedUse, begun: Outcome): Promise<Outcome> {
  const { deps, beside, counted, signal } = trial;
  const [first, ...others] = use.accounts;
  if (begun.down) {
    counted(use.accounts.length - begun.tried.length);
    return begun;
  }
  const tried = [...begun.tried];
  const down: Fault[] = [];
  const mayAsk = use.role === 'source' && first !== undefined && !tried[0]?.fault;
  const again = mayAsk && beside(use, first) ? [first] : [];
  const waiting = [...again, ...others];
  let at = 0;
  let unanswered = 0;
  let refused = tried[0]?.fault?.refusedLogin ? 1 : 0;
  const lane = async (): Promise<void> => {
    while (at < waiting.length && down.length === 0) {
      const account = waiting[at++] as string;
      const isAgain = account === first;
      const ms = refused > 0 ? HELD_BACK_MS : CHECK_MS;
      const one = await tryAccount(deps, use, account, { beside: beside(use, account), ms }, signal);
      if (isAgain) tried[0] = one;
      else tried.push(lean(one));
      if (!isAgain) counted(1);
      unanswered = one.fault && UNANSWERED.has(one.fault.code) ? unanswered + 1 : 0;
      refused = one.fault?.refusedLogin ? refused + 1 : 0;
      const isHopeless = unanswered >= MOST_UNANSWERED || refused >= MOST_REFUSED;
      if (one.fault && (isDown(use.config, one) || isHopeless)) down.push(one.fault);
    }
  };
  const { connections = DEFAULT_LIMITS.connections } = use.config.limits ?? {};
  await Promise.all(Array.from({ length: Math.min(MOST_AT_ONCE, connections, waiting.length) }, lane));
  counted(Math.max(0, waiting.length - at));
  const places = new Map(use.accounts.map((account, n) => [account, n]));
  tried.sort((a, b) => (places.get(a.account) ?? 0) - (places.get(b.account) ?? 0));
  return { tried, ...(down[0] && { down: down[0] }) };
}

/** Of all but the first, what stands in the way is enough. */
function lean(one: Tried): Tried {
  return { ...one, told: one.told.filter((told) => told.problem !== undefined) };
}

/** Whether every other account would meet the same: not where each has a host or a database of its own. */
function isDown({ options }: SystemConfig, { fault }: Tried): boolean {
  if (!fault?.systemWide) return false;
  const { host, url, database } = options;
  const authority = typeof url === 'string' ? url.replace(/^(\w+:\/\/[^/]*).*$/s, '$1') : '';
  return !`${host ?? ''}${authority}${database ?? ''}`.includes('{account}');
}
