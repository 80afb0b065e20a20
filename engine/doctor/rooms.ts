/** Whether what is to be moved fits: each target is asked what it has room for, and only then the source for its bytes. */
import type { Room, Source, Target } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import { arrivedBytes } from '../../ledger/planned.js';
import type { Account, SelectionWithAccounts } from '../../schemas/spec.js';
import type { Deps } from '../deps.js';
import { bytesCovered } from './bytes-to-move.js';
import type { Beside } from './try-account.js';
import { CHECK_MS, within } from './try-account.js';
import type { Covered, Use } from './uses.js';

/** All sums together may take so long: those that list items take a while for each account. */
const SUMMING_MS = 300_000;

/** What one selection moves into one account. */
interface Pair {
  readonly selection: SelectionWithAccounts;
  readonly account: Account;
  /** What the target account has proven to be. */
  to?: string;
  room?: Room;
  bytes?: number;
  /** The source was asked, and could not be summed. */
  unsummed?: true;
}

/** What shares one room, and whether it fits. */
export interface Fit {
  /** Accounts of the target. */
  readonly accounts: readonly string[];
  readonly free: number;
  readonly needed: number;
  readonly disk: boolean;
}

export interface Rooms {
  /** What to ask of an account beside its login. */
  asks(use: Use, account: string): Beside | undefined;
  /** Of the target that the use is. `unsummed`: accounts whose bytes could not be told in time. */
  fits(use: Use): { readonly fits: readonly Fit[]; readonly unsummed: number };
}

export function createRooms(deps: Deps, covered: readonly Covered[]): Rooms {
  const into = new Map<string, Pair[]>();
  const outOf = new Map<string, Pair[]>();
  for (const { selection, accounts } of covered) {
    for (const account of accounts) {
      const pair: Pair = { selection, account };
      add(into, nameOf(selection.to, selection.kind, account.to), pair);
      add(outOf, nameOf(selection.from, selection.kind, account.from), pair);
    }
  }
  const summedBy = performance.now() + SUMMING_MS;

  const askRoom =
    (pairs: readonly Pair[]): Beside =>
    async (session, place, signal) => {
      const room = await unlessFault(signal, () =>
        within(CHECK_MS, signal, async (until) => (session as Target).room?.(until)),
      );
      for (const pair of pairs) {
        pair.to = place.proof;
        if (room) pair.room = room;
      }
    };

  const askBytes =
    (pairs: readonly Pair[]): Beside =>
    async (session, place, signal) => {
      for (const pair of pairs) {
        const left = Math.min(CHECK_MS, summedBy - performance.now());
        const sum = () => within(left, signal, (until) => bytesCovered(session as Source, pair.selection, until));
        const bytes = left > 0 ? await unlessFault(signal, sum) : undefined;
        if (bytes === undefined || pair.to === undefined) {
          pair.unsummed = true;
          continue;
        }
        const arrived = await arrivedBytes(deps.ledger, place.proof, pair.to, pair.selection.kind);
        pair.bytes = Math.max(0, bytes - arrived);
      }
    };

  return {
    asks({ name, role, kind, reverse }, account) {
      if (reverse || kind === undefined) return undefined;
      const pairs = (role === 'target' ? into : outOf).get(nameOf(name, kind, account)) ?? [];
      if (role === 'target') return askRoom(pairs);
      const roomy = pairs.filter(({ room }) => room);
      return roomy.length > 0 ? askBytes(roomy) : undefined;
    },
    fits({ name, kind, role, reverse, accounts }) {
      if (reverse || role !== 'target' || kind === undefined) return { fits: [], unsummed: 0 };
      const pairs = accounts.flatMap((account) => into.get(nameOf(name, kind, account)) ?? []);
      return fitsOf(pairs);
    },
  };
}

function fitsOf(pairs: readonly Pair[]): { fits: readonly Fit[]; unsummed: number } {
  const fits = new Map<string, { accounts: Set<string>; free: number; needed: number; disk: boolean }>();
  let unsummed = 0;
  for (const { account, to = '', room, bytes, unsummed: late } of pairs) {
    if (!room) continue;
    if (late) unsummed++;
    const of = room.disk ?? to;
    const fit = fits.get(of) ?? { accounts: new Set(), free: room.bytes, needed: 0, disk: room.disk !== undefined };
    fit.needed += bytes ?? 0;
    if (bytes !== undefined) fit.accounts.add(account.to);
    fits.set(of, fit);
  }
  const known = [...fits.values()].filter(({ accounts }) => accounts.size > 0);
  return { fits: known.map((fit) => ({ ...fit, accounts: [...fit.accounts] })), unsummed };
}

/** A number that cannot be had is no reason to call the account broken: its login has been checked. */
async function unlessFault<T>(signal: AbortSignal, step: () => Promise<T>): Promise<T | undefined> {
  try {
    return await step();
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Fault) return undefined;
    throw error;
  }
}

const nameOf = (...parts: readonly string[]): string => JSON.stringify(parts);

function add<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const known = map.get(key);
  if (known) known.push(value);
  else map.set(key, [value]);
}
