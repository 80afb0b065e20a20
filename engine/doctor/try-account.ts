/** One account is opened in one role: whether it logs in, what its system says of it, and what the caller asks beside. */
import type { Capability, Kind, Place, Source, Target } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import type { Deps } from '../deps.js';
import type { Opening } from '../session/connections.js';
import type { Use } from './uses.js';

/** A person waits: what takes longer is called a fault. */
export const CHECK_MS = 10_000;

export interface Tried {
  readonly account: string;
  /** What the account has proven to be, and the shared part of that. */
  readonly place?: Place;
  readonly told: readonly Capability[];
  /** Why it could not be opened, or not looked at. */
  readonly fault?: Fault;
}

/** What is asked of an account that has been opened. */
export type Beside = (session: Source | Target, place: Place, signal: AbortSignal) => Promise<void>;

export async function tryAccount(
  deps: Deps,
  { config, role, kind }: Use & { readonly kind: Kind },
  account: string,
  { beside, ms = CHECK_MS }: { readonly beside: Beside | undefined; readonly ms?: number },
  signal: AbortSignal,
): Promise<Tried> {
  try {
    // The connector is to give up first: it knows what it waits for.
    const opening: Omit<Opening, 'role'> = { config, account, kind, patienceMs: ms - 2_000 };
    const { connections } = deps;
    const held =
      role === 'source' ? await connections.openSource(opening, signal) : await connections.openTarget(opening, signal);
    try {
      const seen = await within(ms, signal, async (until) => ({
        place: await held.session.place(until),
        told: await held.session.describe(until),
      }));
      await beside?.(held.session, seen.place, signal);
      return { account, ...seen };
    } finally {
      // Thousands are looked at once: none is kept open for later.
      await held.done(false);
    }
  } catch (fault) {
    signal.throwIfAborted();
    if (!(fault instanceof Fault)) throw fault;
    return { account, told: [], fault };
  }
}

/** Runs one step; one that takes longer than `ms` is given up, whether it heeds its signal or not. */
export async function within<T>(
  ms: number,
  signal: AbortSignal,
  step: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const own = new AbortController();
  const late = new Fault('unavailable', `no answer within ${Math.round(ms / 1000)} s`, {
    next: 'see whether the server is overloaded, or a firewall between it and the worker drops packets',
  });
  const stop = (): void => own.abort(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const timer = setTimeout(() => own.abort(late), ms);
  const ended = new Promise<never>((_, reject) => {
    own.signal.addEventListener('abort', () => reject(own.signal.reason), { once: true });
  });
  const running = step(own.signal);
  running.catch(() => undefined);
  try {
    return await Promise.race([running, ended]);
  } catch (error) {
    // Connectors say in words of their own that they were given up.
    throw own.signal.aborted ? own.signal.reason : error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    ended.catch(() => undefined);
  }
}
