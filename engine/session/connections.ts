/**
 * Open sessions of this process, by role, system and account. Each holds slots in the ledger, so that a fleet of
 * workers obeys one limit; an idle session is kept a while for the next slice, then ended.
 */
import { createHash, randomUUID } from 'node:crypto';
import type { JsonObject, Kind, SecretRef, Source, Target } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import type { Registration } from '../../connectors/registry.js';
import { freeSlots, renewSlots, takeSlots } from '../../ledger/budgets.js';
import type { Ledger } from '../../ledger/ledger.js';
import { DEFAULT_LIMITS } from '../../schemas/core.js';
import type { SystemConfig } from '../../schemas/spec.js';
import { ofSide } from './sides.js';
import { startStopwatch } from './stopwatch.js';
import { withAccount } from './with-account.js';

/** A session that somebody uses; `done(false)` ends it, `done(true)` keeps it for the next. */
export interface Held<T> {
  readonly session: T;
  done(healthy: boolean): Promise<void>;
}

export interface Opening {
  readonly role: 'source' | 'target';
  readonly config: SystemConfig;
  readonly account: string;
  readonly kind: Kind;
  /** See `Access`. */
  readonly patienceMs?: number;
  /** Connections the fleet may hold to the system, and for the account, where `migrate retune` says. */
  readonly connections?: number | undefined;
  readonly connectionsPerAccount?: number | undefined;
}

export interface Connections {
  openSource(opening: Omit<Opening, 'role'>, signal: AbortSignal): Promise<Held<Source>>;
  openTarget(opening: Omit<Opening, 'role'>, signal: AbortSignal): Promise<Held<Target>>;
  /** Like the others, but undefined at once when no slot is free. */
  tryOpenSource(opening: Omit<Opening, 'role'>, signal: AbortSignal): Promise<Held<Source> | undefined>;
  tryOpenTarget(opening: Omit<Opening, 'role'>, signal: AbortSignal): Promise<Held<Target> | undefined>;
  close(): Promise<void>;
}

interface Entry {
  readonly name: string;
  readonly session: { close(): void };
  /** Its slots' holder, and their scopes. */
  readonly holder: string;
  readonly scopes: readonly string[];
  /** Since when nobody uses it: after a machine slept, its connection is gone. */
  idleMs: () => number;
}

const IDLE_MS = 20_000;
const TICK_MS = 3_000;
const SLOT_POLL_MS = 500;
/** Slices that wait for each other's slots, each holding one, would wait for ever: they let go and come back. */
const SLOT_PATIENCE_MS = 10_000;

export function createConnections(deps: {
  readonly ledger: Ledger;
  readonly connectors: Readonly<Record<string, Registration>>;
  readonly secret: (ref: SecretRef, signal: AbortSignal) => Promise<string>;
  readonly log: { warn(detail: object, message: string): void };
}): Connections {
  const { ledger } = deps;
  const process = randomUUID();
  const idle: Entry[] = [];
  /** Holders of slots that are in use, with their scopes, and holders of those that still have to be given back. */
  const using = new Map<string, readonly string[]>();
  const owed = new Set<string>();

  const giveBack = async (): Promise<void> => {
    const holders = [...owed];
    if (holders.length === 0) return;
    await freeSlots(ledger, holders);
    for (const holder of holders) owed.delete(holder);
  };
  /** Its slots are given back with the next that are taken, or by `giveBack`. */
  const close = (entry: Entry | undefined): void => {
    if (!entry) return;
    entry.session.close();
    using.delete(entry.holder);
    owed.add(entry.holder);
  };
  const end = (entry: Entry): Promise<void> => {
    close(entry);
    return giveBack();
  };
  const tick = setInterval(() => {
    const lapsed = idle.filter((entry) => entry.idleMs() > IDLE_MS);
    for (const entry of lapsed) idle.splice(idle.indexOf(entry), 1);
    const renewed = using.size > 0 ? renewSlots(ledger, [...using.keys()]) : undefined;
    void Promise.all([...lapsed.map(end), giveBack(), renewed]).catch((error: Error) =>
      // Slots lapse by themselves; a ledger that is away stops the slices through their leases.
      deps.log.warn({ error: error.message }, 'renewing connection slots'),
    );
  }, TICK_MS);
  tick.unref();

  /** What this process keeps open for later, of a scope. */
  const spareIn = (scope: string): Entry | undefined => {
    const at = idle.findIndex((entry) => entry.scopes.includes(scope));
    return at === -1 ? undefined : idle.splice(at, 1)[0];
  };
  const usesOf = (scope: string): number => [...using.values()].filter((scopes) => scopes.includes(scope)).length;

  const takeSlotsFor = async (
    opening: Opening,
    wait: boolean,
    signal: AbortSignal,
  ): Promise<Pick<Entry, 'holder' | 'scopes'> | undefined> => {
    const holder = `${process}/${randomUUID()}`;
    const system = systemScope(opening.config);
    const limits = opening.config.limits ?? {};
    const wanted = [
      {
        scope: `${system}/${opening.account}`,
        limit: opening.connectionsPerAccount ?? limits.connectionsPerAccount ?? DEFAULT_LIMITS.connectionsPerAccount,
      },
      { scope: system, limit: opening.connections ?? limits.connections ?? DEFAULT_LIMITS.connections },
    ];
    const scopes = wanted.map(({ scope }) => scope);
    const deadline = performance.now() + SLOT_PATIENCE_MS;
    try {
      for (;;) {
        // What is kept open for later gives way to what is needed now.
        for (const { scope, limit } of wanted) if (wait && usesOf(scope) >= limit) close(spareIn(scope));
        const back = [...owed];
        const full = await takeSlots(ledger, holder, wanted, back);
        for (const given of back) owed.delete(given);
        const [scope] = full;
        if (scope === undefined) {
          using.set(holder, scopes);
          return { holder, scopes };
        }
        if (!wait) return undefined;
        if (performance.now() > deadline) throw allTaken(opening);
        const spare = spareIn(scope);
        if (spare) close(spare);
        else await sleep(SLOT_POLL_MS, signal);
      }
    } catch (error) {
      // Whatever was taken, known or not: an answer may have been lost.
      owed.add(holder);
      await Promise.allSettled([giveBack()]);
      throw error;
    }
  };

  const make = async (opening: Opening, signal: AbortSignal): Promise<{ close(): void }> => {
    const registration = deps.connectors[opening.config.type];
    if (!registration) throw new Fault('spec', `there is no connector "${opening.config.type}"`);
    const connector = await registration.load();
    const options = withAccount(opening.config.options, opening.account);
    signal.throwIfAborted();
    const { account, kind, patienceMs } = opening;
    const access = { account, kind, secret: deps.secret, ...(patienceMs !== undefined && { patienceMs }) };
    const session =
      opening.role === 'source' ? connector.source?.(options, access) : connector.target?.(options, access);
    if (!session) throw new Fault('spec', `the connector ${opening.config.type} cannot be a ${opening.role}`);
    return ofSide(session, opening.role);
  };

  const hold = async <S>(opening: Opening, wait: boolean, signal: AbortSignal): Promise<Held<S> | undefined> => {
    const name = `${opening.role}/${fingerprint([opening.config as unknown as JsonObject, opening.account, opening.kind])}`;
    const at = idle.findIndex((entry) => entry.name === name);
    let entry = at === -1 ? undefined : idle.splice(at, 1)[0];
    if (!entry) {
      const slots = await takeSlotsFor(opening, wait, signal);
      if (!slots) return undefined;
      try {
        entry = { name, session: await make(opening, signal), ...slots, idleMs: startStopwatch() };
      } catch (error) {
        using.delete(slots.holder);
        owed.add(slots.holder);
        await Promise.allSettled([giveBack()]);
        throw error;
      }
    }
    const held = entry;
    return {
      // A source or a target, as its name says, which begins with the role.
      session: held.session as S,
      async done(healthy) {
        if (!healthy) return end(held);
        held.idleMs = startStopwatch();
        idle.push(held);
      },
    };
  };

  return {
    openSource: async (opening, signal) => (await hold({ ...opening, role: 'source' }, true, signal)) as Held<Source>,
    openTarget: async (opening, signal) => (await hold({ ...opening, role: 'target' }, true, signal)) as Held<Target>,
    tryOpenSource: (opening, signal) => hold({ ...opening, role: 'source' }, false, signal),
    tryOpenTarget: (opening, signal) => hold({ ...opening, role: 'target' }, false, signal),
    async close() {
      clearInterval(tick);
      await Promise.allSettled(idle.splice(0).map(end));
    },
  };
}

/** The owner of a system's connection budget: the same system under another name or account is the same owner. */
export function systemScope(config: SystemConfig): string {
  const { auth: _auth, ...system } = config.options;
  return `${config.type}/${fingerprint(system)}`;
}

function fingerprint(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 24);
}

/** Waits, or throws the signal's reason. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal.addEventListener('abort', stop, { once: true });
  });
}

function allTaken({ role, config }: Opening): Fault {
  return new Fault('throttled', `all connections to the ${role} (${config.type}) that the limits allow are in use`, {
    retryAfterMs: 1_000 + Math.random() * 4_000,
    next: 'it is tried again by itself; raise `limits` of the system, or run fewer units at once with `migrate retune --lanes`',
  });
}
