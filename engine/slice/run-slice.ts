/**
 * One slice of work on a unit: opens both sides, proves the pairing, holds the lease, works, and ends at a safe point.
 * What it leaves undone the next slice finds in the ledger.
 */
import { Fault } from '../../connectors/errors.js';
import { kinds } from '../../connectors/kinds/kinds.js';
import { countUnit } from '../../ledger/counts.js';
import { coversOf } from '../../ledger/covers.js';
import { readSpec } from '../../ledger/specs.js';
import { readTroubles } from '../../ledger/troubles.js';
import type { CalledUnit } from '../../ledger/units.js';
import { readCalledUnits } from '../../ledger/units.js';
import type { SpecRules } from '../../schemas/spec.js';
import { deletedFrom } from '../../schemas/system-words.js';
import { accountName, unitWords } from '../../words/accounts.js';
import type { Counters } from '../../words/counters.js';
import { NO_COUNTERS } from '../../words/counters.js';
import type { Phase } from '../../words/units.js';
import type { Deps } from '../deps.js';
import { createRates } from '../session/rates.js';
import type { Direction, Sides } from './both-sides.js';
import { blockThrottled, directionOf, withBothSides } from './both-sides.js';
import { gateOf } from './gate-of.js';
import type { HeldLease } from './held-lease.js';
import { withLease } from './held-lease.js';
import { noteSlice } from './note-slice.js';
import type { Proven } from './prove-pairing.js';
import { provePairing } from './prove-pairing.js';
import type { Slice, SliceContext, SliceInput, SliceResult, WorkResult } from './slice.js';
import { gateOfSystems, saidOf } from './systems.js';
import { hasProgress } from './tally.js';

/** One phase of the work. */
type Work = (slice: Slice) => Promise<WorkResult>;

/** What a slice goes by. Who looks at many units reads it once for all of them. */
export interface Assignment {
  readonly unit: CalledUnit;
  readonly spec: SpecRules;
  /** Writes down how the slice ended; else `noteSlice` does. */
  readonly note?: typeof noteSlice;
}

/** Runs one phase for one slice's time. Returns gates; throws what Temporal should try again. */
export async function runSlice(
  deps: Deps,
  input: SliceInput,
  phase: Phase,
  work: Work,
  context: SliceContext,
  assigned?: Assignment,
): Promise<SliceResult> {
  const { pool } = deps.ledger;
  const { unit, spec, note = noteSlice } = assigned ?? (await assignmentOf(deps, input));
  const direction = directionOf(spec, unit, input.back);
  let count: (() => Promise<Counters>) | undefined;
  try {
    return await withBothSides(deps, direction, context.signal, async (sides) => {
      const proven = await provePairing(deps, input, unit, direction.selection, sides, context.signal);
      const counted = (): Promise<Counters> => countUnit(pool, proven.unit, input.run);
      count = counted;
      const holding = {
        migration: input.migration,
        unit: input.unit,
        account: accountName(unit),
        ...(input.back && { back: true }),
        phase,
        place: proven.pairing.target,
        counters: { ...NO_COUNTERS, ...unit.counters },
        summed: unit.summed,
        count: counted,
        troubles: () => readTroubles(pool, proven.unit),
      };
      return withLease(deps, holding, context, (held) =>
        workUnderLease({ deps, input, spec, unit, note, direction, sides, proven, held, count: counted }, phase, work),
      );
    });
  } catch (error) {
    return parkedBy({ deps, input, unit, direction }, saidOf(error, direction), count);
  }
}

async function assignmentOf({ ledger: { pool } }: Deps, input: SliceInput): Promise<Assignment> {
  const [unit] = await readCalledUnits(pool, input, [input.unit]);
  if (!unit) throw new Fault('internal', `the ledger knows no unit ${input.unit} of "${input.migration}"`);
  return { unit, spec: await readSpec(pool, input.specHash) };
}

/** The work itself, and what it leaves behind for people. */
async function workUnderLease(parts: Parts, phase: Phase, work: Work): Promise<SliceResult> {
  const { deps, input, unit, note, direction, sides, held, count } = parts;
  const started = performance.now();
  const result = await worked(work, sliceOf(parts), held);
  const idleSlices = isIdle(result, held) ? unit.idleSlices + 1 : 0;
  if (held.signal.aborted) sides.abandon();
  const counters = await count();
  const { kind } = direction.selection;
  const ms = performance.now() - started;
  await note(deps, input, { phase, kind, counters, tally: held.tally, idleSlices, ms });
  if (idleSlices >= MAX_IDLE_SLICES) throw goesNowhere(phase, unit);
  const account = accountName(unit);
  if (typeof result === 'object') {
    const at = { migration: input.migration, run: input.run };
    const waiting = [{ n: input.unit, gate: result.gate }];
    const covers = (await coversOf(deps.ledger.pool, (row) => deletedFrom(parts.spec, row), at, waiting, 1)).get(
      input.unit,
    );
    return { state: 'parked', counters, account, ...gateOfSystems(result, direction), ...(covers && { covers }) };
  }
  const troubles = counters.failures > 0 ? await readTroubles(deps.ledger.pool, parts.proven.unit) : [];
  return {
    state: (result === 'more' && held.requestedState()) || result,
    counters,
    account,
    ...(troubles.length > 0 && { troubles }),
  };
}

async function worked(work: Work, slice: Slice, held: HeldLease): Promise<WorkResult> {
  try {
    return await work(slice);
  } catch (error) {
    // A pause or stop that cut the work off is not a failure; the intents left behind are located on resume.
    if (held.requestedState() && held.signal.aborted) return 'more';
    throw held.signal.aborted && held.lost() ? held.signal.reason : error;
  }
}

/** One may have made way only: a copy that stepped aside, parts that have to be sent anew. The next one has to use it. */
const MAX_IDLE_SLICES = 2;

/** It asks to go on, has done nothing, and neither its time was over nor did anybody ask it to end. */
function isIdle(result: WorkResult, { tally, ending }: HeldLease): boolean {
  return result === 'more' && !ending() && !hasProgress(tally);
}

/** The next slice would find what this one found, and so for ever, many times a second. */
function goesNowhere(phase: Phase, unit: CalledUnit): Fault {
  const whose = unitWords({ n: unit.n, account: accountName(unit), selection: unit.selection });
  return new Fault('internal', `the phase "${phase}" of ${whose} asks to go on again and again, and does nothing`, {
    next: 'report this with the output of `migrate logs`; `migrate retry` tries the unit once more',
  });
}

/** A fault that waits for a person or for time parks the unit; the others are thrown, once their system is left alone. */
async function parkedBy(
  { deps, input, unit, direction }: Pick<Parts, 'deps' | 'input' | 'unit' | 'direction'>,
  error: unknown,
  count: (() => Promise<Counters>) | undefined,
): Promise<SliceResult> {
  const labels = { migration: input.migration, kind: 'unknown' };
  if (error instanceof Fault) deps.meters.fault(error.code, labels);
  const gate = gateOf(error, deps);
  if (!gate) {
    await blockThrottled(deps, direction, error);
    throw error;
  }
  deps.meters.gateOpened(gate.gate, labels);
  const counters = await count?.();
  return { state: 'parked', ...(counters && { counters }), account: accountName(unit), ...gate };
}

interface Parts {
  readonly deps: Deps;
  readonly input: SliceInput;
  readonly spec: SpecRules;
  readonly unit: CalledUnit;
  readonly note: typeof noteSlice;
  readonly direction: Direction;
  readonly sides: Sides;
  readonly proven: Proven;
  readonly held: HeldLease;
  readonly count: () => Promise<Counters>;
}

/** What the phases are handed. */
function sliceOf({ deps, input, unit, direction, sides, proven, held, count }: Parts): Slice {
  const { selection, account, sourceConfig, targetConfig } = direction;
  const { pairing, other } = proven;
  const { source, target } = sides;
  const { lease, signal, tally, tuning, ending, asked, assertHeld } = held;
  const rates = { source: createRates(sourceConfig, tuning), target: createRates(targetConfig, tuning) };
  return {
    deps,
    input,
    run: unit.runId,
    unit,
    selection,
    account,
    pairing,
    other,
    maxRank: highestRank(unit, other),
    lease,
    rules: kinds[selection.kind],
    source,
    target,
    lane: () => sides.moreOfTarget(tuning(), signal),
    sourceLane: () => sides.moreOfSource(tuning(), signal),
    lanes: () => Math.min(target.lanes, tuning().connectionsPerAccount ?? target.lanes),
    rates: (side) => rates[side](),
    ending,
    asked,
    assertHeld,
    signal,
    tally,
    unread: new Set(),
    count,
  };
}

const MAX_RANK = 2_147_483_647;

/** Attendees' copies wait until the organisers' of all units have moved; a unit that is alone orders its own. */
function highestRank(unit: CalledUnit, other: number | undefined): number {
  return other !== undefined || unit.alone || unit.approved.includes('order') ? MAX_RANK : 0;
}
