/**
 * One slice of work on a unit: opens both sides, proves the pairing, holds the lease, listens to what a person
 * wants, and ends at a safe point. What it leaves undone the next slice finds in the ledger.
 */
import type { Place, Source, Target } from '../connectors/contract.js';
import { Fault } from '../connectors/errors.js';
import type { KindRules } from '../connectors/kinds.js';
import { kinds } from '../connectors/kinds.js';
import { blockedFor, blockScope } from '../ledger/budgets.js';
import { countUnit } from '../ledger/counts.js';
import { writeEvent } from '../ledger/events.js';
import type { Lease, Tuning } from '../ledger/leases.js';
import { releaseLease } from '../ledger/leases.js';
import type { Pairing } from '../ledger/places.js';
import { ensurePairing } from '../ledger/places.js';
import { readSpec, runId } from '../ledger/runs.js';
import type { Counters, UnitRow } from '../ledger/units.js';
import { bindUnit, changeUnit, overlappingUnit, readUnit, unitsInRun } from '../ledger/units.js';
import type { Selection, Spec, SystemConfig } from '../schemas/spec.js';
import type { Phase, RunReason } from '../workflows/messages.js';
import type { Held, Opening } from './connections.js';
import { pause, systemScope } from './connections.js';
import type { Deps, MeterLabels } from './deps.js';
import type { GateOpened } from './gate-of.js';
import { gateOf } from './gate-of.js';
import type { SliceContext, Tally } from './held-lease.js';
import { holdLease, waitForLease } from './held-lease.js';
import { reversed } from './selecting.js';

export interface SliceInput {
  readonly migration: string;
  readonly run: number;
  readonly unit: number;
  readonly specHash: string;
  readonly reason: RunReason;
  /** Of a two-way unit: from the target to the source. */
  readonly back?: boolean;
}

/** `settled`: nothing is left for the phases after this one either. */
export type WorkResult = 'more' | 'done' | 'settled' | GateOpened;

export type SliceResult =
  | { readonly state: 'more' | 'done' | 'settled' | 'paused' | 'stopped'; readonly counters: Counters }
  | ({ readonly state: 'parked'; readonly counters?: Counters } & GateOpened);

/** Everything the phases work with. Bodies are opaque here: `B` is the kind's standard form. */
export interface Slice<B = unknown> {
  readonly deps: Deps;
  readonly input: SliceInput;
  /** The run as items and containers remember it. */
  readonly run: number;
  readonly unit: UnitRow;
  /** As seen in this slice's direction: going back, its `map` and conflicts are turned round. */
  readonly selection: Selection;
  /** The account read from, and the one written to, in this slice's direction. */
  readonly account: { readonly from: string; readonly to: string };
  readonly pairing: Pairing;
  /** The other direction's pairing, of a two-way unit. */
  readonly other: number | undefined;
  /** Items of a higher rank wait for those of other units. */
  readonly maxRank: number;
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
  /** A person, or the worker's end, asks for that: not only its time is up. */
  asked(): boolean;
  /**
   * Throws when the lease may have lapsed. Asked right before each write: a process that was stopped and woke up
   * again must not write what another slice has written meanwhile.
   */
  assertHeld(): void;
  /** Aborted when it must end now: the lease is lost, or the grace after a pause has passed. */
  readonly signal: AbortSignal;
  readonly tally: Tally;
  /** Where the unit stands, counted from the ledger. */
  count(): Promise<Counters>;
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
  let counted: (() => Promise<Counters>) | undefined;
  try {
    const { selection, sourceConfig, targetConfig, account } = resolve(spec, unit, input.back);
    const { kind } = selection;
    await respectBlocks([sourceConfig, targetConfig], deps, context.signal);
    const reading: Omit<Opening, 'role'> = { config: sourceConfig, account: account.from, kind };
    const source = await deps.connections.openSource(reading, context.signal);
    ends.push(source.done);
    const opening: Omit<Opening, 'role'> = { config: targetConfig, account: account.to, kind };
    const target = await deps.connections.openTarget(opening, context.signal);
    ends.push(target.done);
    const from = await source.session.place(context.signal);
    const to = await target.session.place(context.signal);
    const pairing = await ensurePairing(ledger, from, to, kind);
    const other = selection.mode === 'two-way' ? (await ensurePairing(ledger, to, from, kind)).id : undefined;
    if (kinds[kind].paths) refuseNested(from, to);
    if (!input.back) await refuseOverlap(deps, input, pairing);
    await bindUnit(ledger.pool, input.migration, input.unit, pairing.id, input.back ? 'back' : 'forth');
    const unitOf = {
      migration: input.migration,
      n: input.unit,
      pairings: other === undefined ? [pairing.id] : [pairing.id, other],
    };
    const count = (): Promise<Counters> => countUnit(ledger.pool, unitOf, input.run);
    counted = count;
    const lease = await waitForLease(deps, pairing, context.signal);
    const held = await holdLease(deps, input, phase, await count(), lease, context);
    const started = Date.now();
    const retuned = (plain: Omit<Opening, 'role'>): Omit<Opening, 'role'> => {
      const { connections } = held.tuning();
      return connections === undefined ? plain : { ...plain, connections };
    };
    try {
      const slice = {
        deps,
        input,
        run: await runId(ledger, input),
        unit,
        selection,
        account,
        pairing,
        other,
        maxRank: await highestRank(deps, input, unit, other),
        lease,
        rules: kinds[kind] as unknown as KindRules<unknown>,
        count,
        source: source.session as Source<unknown>,
        target: target.session as Target<unknown>,
        sourceConfig,
        targetConfig,
        lane: () =>
          deps.connections.tryOpenTarget(retuned(opening), held.signal) as Promise<Held<Target<unknown>> | undefined>,
        sourceLane: () =>
          deps.connections.tryOpenSource(retuned(reading), held.signal) as Promise<Held<Source<unknown>> | undefined>,
        lanes: () => held.tuning().lanes ?? target.session.lanes,
        tuning: held.tuning,
        ending: held.ending,
        asked: held.asked,
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
      const counters = await count();
      await changeUnit(ledger.pool, input.migration, input.unit, { state: 'running', phase, counters });
      await noteSlice(deps, input, phase, held.tally, Date.now() - started);
      measure(deps, { migration: input.migration, kind }, phase, held.tally, Date.now() - started);
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
      const counters = await counted?.();
      return { state: 'parked', ...(counters && { counters }), ...gate };
    }
    await blockThrottled(error, resolve(spec, unit, input.back), deps);
    throw error;
  } finally {
    await Promise.allSettled(ends.map((end) => end(healthy)));
  }
}

interface Sides {
  readonly selection: Selection;
  readonly sourceConfig: SystemConfig;
  readonly targetConfig: SystemConfig;
  readonly account: { readonly from: string; readonly to: string };
}

/** What a unit is about in one direction. Going back, the spec's target is the source. */
function resolve(spec: Spec, unit: Pick<UnitRow, 'selection' | 'from' | 'to'>, back = false): Sides {
  const selection = spec.selections.find((s) => s.name === unit.selection);
  const sourceConfig = selection && spec.sources[selection.from];
  const targetConfig = selection && spec.targets[selection.to];
  if (!selection || !sourceConfig || !targetConfig) {
    throw new Fault('spec', `the spec has no selection "${unit.selection}" with both its sides`);
  }
  const { from, to } = unit;
  return back
    ? {
        selection: reversed(selection),
        sourceConfig: targetConfig,
        targetConfig: sourceConfig,
        account: { from: to, to: from },
      }
    : { selection, sourceConfig, targetConfig, account: { from, to } };
}

/** Attendees' copies wait until the organisers' of all units have moved; a unit that is alone orders its own. */
async function highestRank(deps: Deps, input: SliceInput, unit: UnitRow, other: number | undefined): Promise<number> {
  if (other !== undefined || unit.approved.includes('order')) return MAX_RANK;
  return (await unitsInRun(deps.ledger.pool, input.migration, input.run)) > 1 ? 0 : MAX_RANK;
}

const MAX_RANK = 2_147_483_647;

async function refuseOverlap(deps: Deps, input: SliceInput, pairing: Pairing): Promise<void> {
  const other = await overlappingUnit(deps.ledger.pool, input.migration, input.unit, input.run, pairing.id);
  if (other === undefined) return;
  throw new Fault('spec', `units ${other} and ${input.unit} move the same account to the same place`, {
    next: 'name each pair of accounts in one selection only',
  });
}

/** A tree that is copied into itself grows with each run. */
export function refuseNested(from: Place, to: Place): void {
  const [outer, inner] = [from, to].map(({ proof }) => (proof.endsWith('/') ? proof : `${proof}/`)) as [string, string];
  if (!inner.startsWith(outer)) return;
  throw new Fault(
    'spec',
    `the target ${to.proof} lies in the source ${from.proof}: each run would copy its own copies`,
    {
      next: 'name another folder as the target',
    },
  );
}

async function noteSlice(deps: Deps, input: SliceInput, phase: Phase, tally: Tally, ms: number): Promise<void> {
  if (tally.items === 0 && tally.failures === 0 && tally.bytes === 0) return;
  const { carrying: _under, ...done } = tally;
  await writeEvent(deps.ledger.pool, input, tally.failures > 0 ? 'warn' : 'info', 'slice', { phase, ms, ...done });
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
async function blockThrottled(error: unknown, { sourceConfig, targetConfig }: Sides, deps: Deps): Promise<void> {
  if (!(error instanceof Fault) || error.code !== 'throttled' || error.retryAfterMs === undefined || !error.side)
    return;
  await blockScope(deps.ledger, systemScope(error.side === 'source' ? sourceConfig : targetConfig), error.retryAfterMs);
}
