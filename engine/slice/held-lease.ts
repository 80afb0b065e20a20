/**
 * The lease that one slice holds on its target place: renewed from the moment it is taken, its answers turned into
 * `ending` and `signal`. Losing it destroys the sockets.
 */
import { randomUUID } from 'node:crypto';
import { Fault } from '../../connectors/errors.js';
import type { Control, Lease, Tuning } from '../../ledger/leases.js';
import { releaseLease, renewLease, takeLease } from '../../ledger/leases.js';
import type { Counters } from '../../words/counters.js';
import type { Trouble } from '../../words/progress.js';
import type { Phase } from '../../words/units.js';
import type { Deps } from '../deps.js';
import { sleep } from '../session/connections.js';
import { startStopwatch } from '../session/stopwatch.js';
import { createRecount } from './recount.js';
import type { SliceContext } from './slice.js';
import type { Tally } from './tally.js';
import { createTally, hasProgress, troublesOf } from './tally.js';

/** What a lease is taken for. */
export interface Holding {
  readonly migration: string;
  readonly unit: number;
  /** Whose it is, as people know it. */
  readonly account: string;
  readonly back?: boolean;
  readonly phase: Phase;
  /** The target place. */
  readonly place: number;
  /** Where the unit stood when it was last counted, and how it is counted anew. */
  readonly counters: Counters;
  /** What the sum of the run has of it. */
  readonly summed: Partial<Counters>;
  count(): Promise<Counters>;
  /** Why items of the unit failed before. */
  troubles(): Promise<readonly Trouble[]>;
}

export interface HeldLease {
  readonly lease: Lease;
  readonly signal: AbortSignal;
  readonly tally: Tally;
  ending(): boolean;
  asked(): boolean;
  /** What a person wants, if it ends the slice. */
  requestedState(): 'paused' | 'stopped' | undefined;
  lost(): boolean;
  assertHeld(): void;
  tuning(): Tuning;
}

/** So often a lease is renewed while it lasts. */
const RENEWALS = 8;
const FILES_SHOWN = 4;

/** Works under the lease on the target place, and releases it. Throws `throttled` while another unit holds it. */
export async function withLease<T>(
  deps: Deps,
  holding: Holding,
  context: SliceContext,
  work: (held: HeldLease) => Promise<T>,
): Promise<T> {
  const taken = await waitForLease(deps, holding, context.signal);
  const held = hold(deps, holding, taken, context);
  try {
    return await work(held);
  } finally {
    held.end();
    // It lapses by itself. What the work threw, or did, counts more than that this failed.
    await releaseLease(deps.ledger, taken.lease).catch((error: Error) =>
      deps.log.warn({ error: error.message }, 'releasing the lease on a target account'),
    );
  }
}

interface Taken {
  readonly lease: Lease;
  readonly control: Control | undefined;
  /** The milliseconds since it was asked for: an answer that took long has aged. */
  readonly askedMs: () => number;
}

/** Takes the lease on the target place; waits for that of a killed worker to lapse. */
async function waitForLease(
  { ledger, settings }: Deps,
  { place, migration }: Pick<Holding, 'place' | 'migration'>,
  signal: AbortSignal,
): Promise<Taken> {
  const holder = randomUUID();
  // A killed worker's lease lapses by itself; after twice that time another live slice is at work.
  for (const deadline = performance.now() + 2 * settings.leaseMs; ; ) {
    const askedMs = startStopwatch();
    const taken = await takeLease(ledger, place, holder, settings.leaseMs, migration);
    if (taken) {
      const { control, ...lease } = taken;
      return { lease, control, askedMs };
    }
    if (performance.now() > deadline) {
      throw new Fault('throttled', 'another unit is writing to the same target account', { retryAfterMs: 5_000 });
    }
    await sleep(250, signal);
  }
}

/** Renews the lease again and again, and turns the answers into `ending` and `signal`. */
function hold(
  { ledger, settings, log }: Deps,
  holding: Holding,
  { lease, control: first, askedMs: takenMs }: Taken,
  context: SliceContext,
): HeldLease & { end(): void } {
  const { leaseMs, sliceMs, graceMs } = settings;
  const renewMs = leaseMs / RENEWALS;
  const abort = new AbortController();
  const tally = createTally();
  const started = performance.now();
  let requestedState: 'paused' | 'stopped' | undefined;
  let tuning: Tuning = {};
  let lost = false;
  /** Since the last renewal that was answered was asked for. */
  let renewedMs = takenMs;
  let grace: NodeJS.Timeout | undefined;
  const lose = (reason: string): void => {
    lost = true;
    abort.abort(new Fault('unavailable', reason));
  };
  const endSoon = (): void => {
    grace ??= setTimeout(() => abort.abort(new Fault('unavailable', 'the slice was asked to end')), graceMs);
  };
  context.signal.addEventListener('abort', endSoon, { once: true });
  if (context.signal.aborted) endSoon();
  const obey = (control: Control | undefined): void => {
    if (!control) return;
    tuning = control.tuning;
    // A slice that began to end ends, even if the request is taken back meanwhile.
    requestedState = control.stopped ? 'stopped' : control.paused ? 'paused' : requestedState;
    if (requestedState) endSoon();
  };
  obey(first);
  const renew = async (): Promise<void> => {
    const askedMs = startStopwatch();
    try {
      const control = await renewLease(ledger, lease, holding.migration, leaseMs);
      if (!control) return lose('the lease on the target account was lost');
      renewedMs = askedMs;
      obey(control);
    } catch (error) {
      if (renewedMs() > leaseMs - renewMs) lose(`the ledger did not renew the lease: ${(error as Error).message}`);
    }
  };
  let known: readonly Trouble[] = [];
  const tell = context.heartbeat;
  const recount = createRecount(holding.count, holding.counters, log);
  if (tell && holding.counters.failures > 0) {
    void holding.troubles().then(
      (troubles) => {
        known = troubles;
      },
      (error: Error) => log.warn({ error: error.message }, 'reading why items of a unit failed'),
    );
  }
  const beat = (): void => {
    if (!tell) return;
    const troubles = troublesOf(known, tally, holding.back);
    const seconds = Math.max(1, performance.now() - started) / 1000;
    const { counters, isCounted } = recount(tally.carrying);
    tell({
      unit: holding.unit,
      account: holding.account,
      phase: holding.phase,
      ...(tally.container !== undefined && { container: tally.container }),
      itemsPerSecond: Math.round(tally.items / seconds),
      bytesPerSecond: Math.round(tally.bytes / seconds),
      counters,
      summed: holding.summed,
      ...(!isCounted && { isOld: true }),
      ...(tally.carrying.size > 0 && { files: [...tally.carrying].slice(0, FILES_SHOWN) }),
      ...(troubles.length > 0 && { troubles }),
    });
  };
  const asked = (): boolean => requestedState !== undefined || context.signal.aborted || abort.signal.aborted;
  const lapse = (): void => {
    if (renewedMs() > leaseMs) lose('the ledger did not renew the lease in time');
  };
  beat();
  const timer = setInterval(() => {
    lapse();
    if (lost) return;
    beat();
    void renew();
  }, renewMs);
  return {
    lease,
    signal: abort.signal,
    tally,
    // A target that takes longer to open than a slice lasts would else never be written to.
    ending: () => asked() || (performance.now() - started > sliceMs && hasProgress(tally)),
    asked,
    requestedState: () => requestedState,
    lost: () => lost,
    assertHeld() {
      lapse();
      abort.signal.throwIfAborted();
    },
    tuning: () => tuning,
    end() {
      clearInterval(timer);
      clearTimeout(grace);
      context.signal.removeEventListener('abort', endSoon);
    },
  };
}
