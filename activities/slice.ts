/**
 * One slice of work on a unit: opens both sides, proves the pairing, holds the lease, listens to what a person
 * wants, and ends at a safe point. What it leaves undone the next slice finds in the ledger.
 */
import { randomUUID } from 'node:crypto';
import type { Source, Target } from '../connectors/contract.js';
import { Fault } from '../connectors/errors.js';
import type { KindRules } from '../connectors/kinds.js';
import { kinds } from '../connectors/kinds.js';
import { blockedFor, blockScope } from '../ledger/budgets.js';
import { writeEvent } from '../ledger/events.js';
import type { Lease, Tuning } from '../ledger/leases.js';
import { LEASE_MS, releaseLease, renewLease, takeLease } from '../ledger/leases.js';
import type { Pairing } from '../ledger/places.js';
import { ensurePairing } from '../ledger/places.js';
import { readSpec } from '../ledger/runs.js';
import type { Counters, UnitRow } from '../ledger/units.js';
import { bindUnit, changeUnit, countUnit, overlappingUnit, readUnit } from '../ledger/units.js';
import type { Selection, Spec, SystemConfig } from '../schemas/spec.js';
import type { Phase, RunReason, SliceHeartbeat } from '../workflows/messages.js';
import type { Held, Opening } from './connections.js';
import { pause, systemScope } from './connections.js';
import type { Deps, MeterLabels } from './deps.js';
import type { GateOpened } from './gate-of.js';
import { gateOf } from './gate-of.js';

export interface SliceInput {
  readonly migration: string;
  readonly run: number;
  readonly unit: number;
  readonly specHash: string;
  readonly reason: RunReason;
}

/** `settled`: nothing is left for the phases after this one either. */
export type WorkResult = 'more' | 'done' | 'settled' | GateOpened;

export type SliceResult =
  | { readonly state: 'more' | 'done' | 'settled' | 'paused' | 'stopped'; readonly counters: Counters }
  | ({ readonly state: 'parked'; readonly counters?: Counters } & GateOpened);

/** What Temporal, or a test, hands a slice. */
export interface SliceContext {
  /** Cancelled from outside, or the worker shuts down. */
  readonly signal: AbortSignal;
  heartbeat(details: SliceHeartbeat): void;
}

/** Everything the phases work with. Bodies are opaque here: `B` is the kind's standard form. */
export interface Slice<B = unknown> {
  readonly deps: Deps;
  readonly input: SliceInput;
  readonly unit: UnitRow;
  readonly selection: Selection;
  readonly pairing: Pairing;
  readonly lease: Lease;
  readonly rules: KindRules<B>;
  readonly source: Source<B>;
  readonly target: Target<B>;
  readonly sourceConfig: SystemConfig;
  readonly targetConfig: SystemConfig;
  /** Another connection to the target or the source, when budgets allow. */
  lane(): Promise<Held<Target<B>> | undefined>;
  sourceLane(): Promise<Held<Source<B>> | undefined>;
  /** How many connections to the target the slice may write with, its first included. */
  lanes(): number;
  tuning(): Tuning;
  /** The slice should end at the next safe point. */
  ending(): boolean;
  /**
   * Throws when the lease may have lapsed. Asked right before each write: a process that was stopped and woke up
   * again must not write what another slice has written meanwhile.
   */
  assertHeld(): void;
  /** Aborted when it must end now: the lease is lost, or the grace after a pause has passed. */
  readonly signal: AbortSignal;
  readonly tally: Tally;
}

/** What this slice has done so far, for the heartbeat. */
export interface Tally {
  items: number;
  arrived: number;
  verified: number;
  failures: number;
  bytes: number;
}

/** Runs one phase for one slice's time. Returns gates; throws what Temporal should try again. */
export async function runSlice(
  deps: Deps,
  input: SliceInput,
  phase: Phase,
  work: (slice: Slice) => Promise<WorkResult>,
  context: SliceContext,
): Promise<SliceResult> {
  const { ledger } = deps;
  const unit = await readUnit(ledger.pool, input.migration, input.unit);
  const spec = await readSpec(ledger.pool, input.specHash);
  const ends: ((healthy: boolean) => Promise<void>)[] = [];
  let healthy = false;
  try {
    const { selection, sourceConfig, targetConfig } = resolve(spec, unit);
    await respectBlocks([sourceConfig, targetConfig], deps, context.signal);
    const source = await deps.connections.openSource({ config: sourceConfig, account: unit.from }, context.signal);
    ends.push(source.done);
    const opening: Omit<Opening, 'role'> = { config: targetConfig, account: unit.to };
    const target = await deps.connections.openTarget(opening, context.signal);
    ends.push(target.done);
    const pairing = await ensurePairing(
      ledger,
      await source.session.place(context.signal),
      await target.session.place(context.signal),
      selection.kind,
    );
    await refuseOverlap(deps, input, pairing);
    await bindUnit(ledger.pool, input.migration, input.unit, pairing.id);
    const lease = await waitForLease(deps, pairing, context.signal);
    const held = await holdLease(deps, input, phase, pairing, lease, context);
    const started = Date.now();
    const retuned = (plain: Omit<Opening, 'role'>): Omit<Opening, 'role'> => {
      const { connections } = held.tuning();
      return connections === undefined ? plain : { ...plain, connections };
    };
    try {
      const slice = {
        deps,
        input,
        unit,
        selection,
        pairing,
        lease,
        rules: kinds[selection.kind] as unknown as KindRules<unknown>,
        source: source.session as Source<unknown>,
        target: target.session as Target<unknown>,
        sourceConfig,
        targetConfig,
        lane: () =>
          deps.connections.tryOpenTarget(retuned(opening), held.signal) as Promise<Held<Target<unknown>> | undefined>,
        sourceLane: () =>
          deps.connections.tryOpenSource(retuned({ config: sourceConfig, account: unit.from }), held.signal) as Promise<
            Held<Source<unknown>> | undefined
          >,
        lanes: () => held.tuning().lanes ?? target.session.lanes,
        tuning: held.tuning,
        ending: held.ending,
        assertHeld: held.assertHeld,
        signal: held.signal,
        tally: held.tally,
      } satisfies Slice;
      const result = await work(slice).catch((error: unknown) => {
        // A pause or stop that cut the work off is no failure; the intents left behind are located on resume.
        if (held.wish() && held.signal.aborted) return 'more' as const;
        throw held.signal.aborted && held.lost() ? held.signal.reason : error;
      });
      healthy = !held.signal.aborted;
      const counters = await countUnit(ledger.pool, pairing.id, input.run);
      await changeUnit(ledger.pool, input.migration, input.unit, { state: 'running', phase, counters });
      await noteSlice(deps, input, phase, held.tally, Date.now() - started);
      measure(deps, { migration: input.migration, kind: selection.kind }, phase, held.tally, Date.now() - started);
      if (typeof result === 'object') return { state: 'parked', counters, ...result };
      return { state: held.wish() && result === 'more' ? (held.wish() as 'paused' | 'stopped') : result, counters };
    } finally {
      held.end();
      await releaseLease(ledger, lease);
    }
  } catch (error) {
    const labels = { migration: input.migration, kind: 'unknown' };
    if (error instanceof Fault) deps.meters.fault(error.code, labels);
    const gate = gateOf(error, deps);
    if (gate) {
      deps.meters.gateOpened(gate.gate, labels);
      return { state: 'parked', ...gate };
    }
    await blockThrottled(error, spec, unit, deps);
    throw error;
  } finally {
    await Promise.allSettled(ends.map((end) => end(healthy)));
  }
}

export function resolve(
  spec: Spec,
  unit: Pick<UnitRow, 'selection'>,
): { selection: Selection; sourceConfig: SystemConfig; targetConfig: SystemConfig } {
  const selection = spec.selections.find((s) => s.name === unit.selection);
  const sourceConfig = selection && spec.sources[selection.from];
  const targetConfig = selection && spec.targets[selection.to];
  if (!selection || !sourceConfig || !targetConfig) {
    throw new Fault('spec', `the spec has no selection "${unit.selection}" with both its sides`);
  }
  return { selection, sourceConfig, targetConfig };
}

async function refuseOverlap(deps: Deps, input: SliceInput, pairing: Pairing): Promise<void> {
  const other = await overlappingUnit(deps.ledger.pool, input.migration, input.unit, input.run, pairing.id);
  if (other === undefined) return;
  throw new Fault('spec', `units ${other} and ${input.unit} move the same account to the same place`, {
    next: 'name each pair of accounts in one selection only',
  });
}

async function waitForLease(deps: Deps, pairing: Pairing, signal: AbortSignal): Promise<Lease> {
  const holder = randomUUID();
  // A killed worker's lease lapses after LEASE_MS; beyond that another live slice is at work.
  for (const deadline = Date.now() + 2 * LEASE_MS; ; ) {
    const lease = await takeLease(deps.ledger, pairing.target, holder);
    if (lease) return lease;
    if (Date.now() > deadline) {
      throw new Fault('throttled', 'another unit is writing to the same target account', { retryAfterMs: 5_000 });
    }
    await pause(250, signal);
  }
}

interface HeldLease {
  readonly signal: AbortSignal;
  readonly tally: Tally;
  ending(): boolean;
  /** What a person wants, if it ends the slice. */
  wish(): 'paused' | 'stopped' | undefined;
  lost(): boolean;
  assertHeld(): void;
  tuning(): Tuning;
  end(): void;
}

const RENEW_MS = 1_000;

/** Renews the lease each second and turns the answers into `ending` and `signal`. */
async function holdLease(
  deps: Deps,
  input: SliceInput,
  phase: Phase,
  pairing: Pairing,
  lease: Lease,
  context: SliceContext,
): Promise<HeldLease> {
  const abort = new AbortController();
  const tally: Tally = { items: 0, arrived: 0, verified: 0, failures: 0, bytes: 0 };
  const started = Date.now();
  const before = await countUnit(deps.ledger.pool, pairing.id, input.run);
  let wish: 'paused' | 'stopped' | undefined;
  let tuning: Tuning = {};
  let lost = false;
  let heldUntil = Date.now() + LEASE_MS;
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
    const asked = Date.now();
    try {
      const control = await renewLease(deps.ledger, lease, input.migration);
      if (!control) return lose('the lease on the target account was lost');
      heldUntil = asked + LEASE_MS;
      tuning = control.tuning;
      // A slice that began to end ends, though the wish be taken back meanwhile.
      wish = control.stopped ? 'stopped' : control.paused ? 'paused' : wish;
      if (wish) endSoon();
    } catch (error) {
      if (Date.now() > heldUntil - RENEW_MS) lose(`the ledger did not renew the lease: ${(error as Error).message}`);
    }
  };
  const beat = (): void => {
    const seconds = Math.max(1, Date.now() - started) / 1000;
    context.heartbeat({
      unit: input.unit,
      phase,
      itemsPerSecond: Math.round(tally.items / seconds),
      bytesPerSecond: Math.round(tally.bytes / seconds),
      counters: advance(before, phase, tally),
    });
  };
  await renew();
  beat();
  const timer = setInterval(() => {
    if (Date.now() > heldUntil) return lose('the ledger did not renew the lease in time');
    beat();
    void renew();
  }, RENEW_MS);
  return {
    signal: abort.signal,
    tally,
    ending: () =>
      wish !== undefined ||
      context.signal.aborted ||
      abort.signal.aborted ||
      Date.now() - started > deps.settings.sliceMs,
    wish: () => wish,
    lost: () => lost,
    assertHeld() {
      if (Date.now() > heldUntil) lose('the ledger did not renew the lease in time');
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

async function noteSlice(deps: Deps, input: SliceInput, phase: Phase, tally: Tally, ms: number): Promise<void> {
  if (tally.items === 0 && tally.failures === 0) return;
  await writeEvent(deps.ledger.pool, input, tally.failures > 0 ? 'warn' : 'info', 'slice', { phase, ms, ...tally });
}

function measure(deps: Deps, labels: MeterLabels, phase: Phase, tally: Tally, ms: number): void {
  deps.meters.sliceTook(ms / 1000, labels);
  if (phase === 'move') {
    deps.meters.itemsMoved(tally.arrived, labels);
    deps.meters.bytesMoved(tally.bytes, labels);
  }
  if (tally.verified > 0) deps.meters.itemsVerified(tally.verified, labels);
}

async function respectBlocks(configs: readonly SystemConfig[], deps: Deps, signal: AbortSignal): Promise<void> {
  for (const config of configs) {
    const ms = await blockedFor(deps.ledger, systemScope(config));
    if (ms > deps.settings.sliceMs)
      throw new Fault('throttled', 'the system asked to be left alone', { retryAfterMs: ms });
    if (ms > 0) await pause(ms, signal);
  }
}

/** A system that throttles one worker is left alone by all. */
async function blockThrottled(error: unknown, spec: Spec, unit: UnitRow, deps: Deps): Promise<void> {
  if (!(error instanceof Fault) || error.code !== 'throttled' || error.retryAfterMs === undefined || !error.side)
    return;
  const { sourceConfig, targetConfig } = resolve(spec, unit);
  await blockScope(deps.ledger, systemScope(error.side === 'source' ? sourceConfig : targetConfig), error.retryAfterMs);
}
