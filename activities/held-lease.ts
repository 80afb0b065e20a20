/**
 * The lease that one slice holds on its target place: renewed each second, its answers turned into `ending` and
 * `signal`. Losing it destroys the sockets.
 */
import { randomUUID } from 'node:crypto';
import { Fault } from '../connectors/errors.js';
import type { Lease, Tuning } from '../ledger/leases.js';
import { LEASE_MS, renewLease, takeLease } from '../ledger/leases.js';
import type { Pairing } from '../ledger/places.js';
import type { Counters } from '../ledger/units.js';
import type { FileUnderWay, Phase, SliceHeartbeat } from '../workflows/messages.js';
import { pause } from './connections.js';
import type { Deps } from './deps.js';
import { startStopwatch } from './stopwatch.js';

/** What Temporal, or a test, hands a slice. */
export interface SliceContext {
  /** Cancelled from outside, or the worker shuts down. */
  readonly signal: AbortSignal;
  heartbeat(details: SliceHeartbeat): void;
}

/** What this slice has done so far, for the heartbeat. */
export interface Tally {
  items: number;
  arrived: number;
  verified: number;
  failures: number;
  bytes: number;
  /** Large files under way. */
  readonly carrying: Set<FileUnderWay>;
}

/** Takes the lease on the target place; waits for that of a killed worker to lapse. */
export async function waitForLease(deps: Deps, pairing: Pairing, signal: AbortSignal): Promise<Lease> {
  const holder = randomUUID();
  // A killed worker's lease lapses after LEASE_MS; beyond that another live slice is at work.
  for (const deadline = performance.now() + 2 * LEASE_MS; ; ) {
    const lease = await takeLease(deps.ledger, pairing.target, holder);
    if (lease) return lease;
    if (performance.now() > deadline) {
      throw new Fault('throttled', 'another unit is writing to the same target account', { retryAfterMs: 5_000 });
    }
    await pause(250, signal);
  }
}

export interface HeldLease {
  readonly signal: AbortSignal;
  readonly tally: Tally;
  ending(): boolean;
  asked(): boolean;
  /** What a person wants, if it ends the slice. */
  wish(): 'paused' | 'stopped' | undefined;
  lost(): boolean;
  assertHeld(): void;
  tuning(): Tuning;
  end(): void;
}

const RENEW_MS = 1_000;
const FILES_SHOWN = 4;

/** Renews the lease each second and turns the answers into `ending` and `signal`. */
export async function holdLease(
  deps: Deps,
  input: { readonly migration: string; readonly unit: number },
  phase: Phase,
  before: Counters,
  lease: Lease,
  context: SliceContext,
): Promise<HeldLease> {
  const abort = new AbortController();
  const tally: Tally = { items: 0, arrived: 0, verified: 0, failures: 0, bytes: 0, carrying: new Set() };
  const started = performance.now();
  let wish: 'paused' | 'stopped' | undefined;
  let tuning: Tuning = {};
  let lost = false;
  /** Since the last renewal that was answered was asked for. */
  let renewedMs = startStopwatch();
  let grace: NodeJS.Timeout | undefined;
  const lose = (reason: string): void => {
    lost = true;
    abort.abort(new Fault('unavailable', reason));
  };
  const endSoon = (): void => {
    grace ??= setTimeout(
      () => abort.abort(new Fault('unavailable', 'the slice was asked to end')),
      deps.settings.graceMs,
    );
  };
  const onCancel = (): void => endSoon();
  context.signal.addEventListener('abort', onCancel, { once: true });
  if (context.signal.aborted) endSoon();
  const renew = async (): Promise<void> => {
    // The deadline counts from before the renewal was asked for: an answer that took long has aged.
    const askedMs = startStopwatch();
    try {
      const control = await renewLease(deps.ledger, lease, input.migration);
      if (!control) return lose('the lease on the target account was lost');
      renewedMs = askedMs;
      tuning = control.tuning;
      // A slice that began to end ends, though the wish be taken back meanwhile.
      wish = control.stopped ? 'stopped' : control.paused ? 'paused' : wish;
      if (wish) endSoon();
    } catch (error) {
      if (renewedMs() > LEASE_MS - RENEW_MS) lose(`the ledger did not renew the lease: ${(error as Error).message}`);
    }
  };
  const beat = (): void => {
    const seconds = Math.max(1, performance.now() - started) / 1000;
    context.heartbeat({
      unit: input.unit,
      phase,
      itemsPerSecond: Math.round(tally.items / seconds),
      bytesPerSecond: Math.round(tally.bytes / seconds),
      counters: advance(before, phase, tally),
      ...(tally.carrying.size > 0 && { files: [...tally.carrying].slice(0, FILES_SHOWN) }),
    });
  };
  const asked = (): boolean => wish !== undefined || context.signal.aborted || abort.signal.aborted;
  await renew();
  beat();
  const timer = setInterval(() => {
    if (renewedMs() > LEASE_MS) return lose('the ledger did not renew the lease in time');
    beat();
    void renew();
  }, RENEW_MS);
  return {
    signal: abort.signal,
    tally,
    ending: () => asked() || performance.now() - started > deps.settings.sliceMs,
    asked,
    wish: () => wish,
    lost: () => lost,
    assertHeld() {
      if (renewedMs() > LEASE_MS) lose('the ledger did not renew the lease in time');
      abort.signal.throwIfAborted();
    },
    tuning: () => tuning,
    end() {
      clearInterval(timer);
      clearTimeout(grace);
      context.signal.removeEventListener('abort', onCancel);
    },
  };
}

/** Where the unit stands now, as far as this slice can tell without counting. */
function advance(before: Counters, phase: Phase, tally: Tally): Counters {
  return {
    ...before,
    items: before.items + (phase === 'survey' ? tally.items : 0),
    bytes: before.bytes + (phase === 'survey' ? tally.bytes : 0),
    verified: before.verified + tally.verified,
    arrived: Math.max(0, before.arrived + tally.arrived - (phase === 'verify' ? tally.verified : 0)),
    failures: before.failures + tally.failures,
    pending: Math.max(0, before.pending + (phase === 'survey' ? tally.items : -tally.verified)),
    bytesArrived: before.bytesArrived + (phase === 'move' ? tally.bytes : 0),
  };
}
