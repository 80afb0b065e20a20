/**
 * Many accounts that have nothing to do, looked at in one activity instead of a workflow each. Each is surveyed as a slice
 * of its own would survey it: places proven, lease held, target looked at. Who is settled then is written down as done; all
 * others are left to their workflows, which find in the ledger what the survey left there.
 */
import { endIdleUnits } from '../../ledger/idle-units.js';
import { readControl } from '../../ledger/runs.js';
import { readSpec } from '../../ledger/specs.js';
import { addToSum } from '../../ledger/sums.js';
import type { CalledUnit } from '../../ledger/units.js';
import { readCalledUnits } from '../../ledger/units.js';
import { DEFAULT_LIMITS } from '../../schemas/core.js';
import type { SpecRules } from '../../schemas/spec.js';
import { accountName } from '../../words/accounts.js';
import type { Counters } from '../../words/counters.js';
import { NO_COUNTERS } from '../../words/counters.js';
import type { LookHeartbeat } from '../../words/progress.js';
import { toRanges } from '../../words/ranges.js';
import type { LookInput, LookResult } from '../../words/runs.js';
import type { Deps } from '../deps.js';
import { systemScope } from '../session/connections.js';
import { inLanes } from '../session/lanes.js';
import { lookAtUnit } from './look-at-unit.js';

export interface LookContext {
  /** Cancelled from outside, or the worker shuts down. */
  readonly signal: AbortSignal;
  heartbeat(details: LookHeartbeat): void;
}

/** So many units are looked at side by side, where the systems allow it: most of the time of each is round trips. */
const AT_ONCE = 8;
/** So many are written down as done at once: what a crash lets be looked at again. */
const WRITTEN_AT_ONCE = 10;

/** Safe to repeat: who was written down as done in this run is not looked at again. */
export async function lookAtUnits(deps: Deps, input: LookInput, context: LookContext): Promise<LookResult> {
  const { units: asked, ...run } = input;
  const idle = new Map<number, Counters>();
  /** With whose they are. */
  const changed = new Map<number, string>();
  const told = (): LookHeartbeat => ({ units: asked.length, looked: idle.size + changed.size });
  await untilItEnds(deps, input.migration, context, told, async (end) => {
    const spec = await readSpec(deps.ledger.pool, input.specHash);
    const waiting: CalledUnit[] = [];
    for (const unit of await readCalledUnits(deps.ledger.pool, input, asked)) {
      if (unit.run !== input.run || !goesOneWay(spec, unit)) changed.set(unit.n, accountName(unit));
      else if (unit.state === 'done') idle.set(unit.n, { ...NO_COUNTERS, ...unit.counters });
      else waiting.push(unit);
    }
    let unwritten: { readonly n: number; readonly counters: Counters }[] = [];
    const write = (): Promise<void> => {
      const settled = unwritten;
      unwritten = [];
      return endIdleUnits(deps.ledger, input, settled);
    };
    const lanes = Array.from({ length: mostAtOnce(spec) }, (_, lane) => lane);
    const hasEnded = (): boolean => end.aborted;
    await inLanes(lanes, waiting, hasEnded, async (_lane, unit) => {
      const found = await lookAtUnit(deps, { ...run, unit: unit.n }, { unit, spec }, end);
      if (found === 'changed') changed.set(unit.n, accountName(unit));
      if (typeof found === 'string') return;
      idle.set(unit.n, found);
      unwritten.push({ n: unit.n, counters: found });
      if (unwritten.length >= WRITTEN_AT_ONCE) await write();
    });
    await write();
  });
  return {
    idle: toRanges(idle.keys()),
    sum: await addToSum(deps.ledger.pool, input, [...idle.keys()]),
    changed: toRanges(changed.keys()),
    names: Object.fromEntries(changed),
    left: toRanges(asked.filter((n) => !idle.has(n) && !changed.has(n))),
  };
}

/** Both directions of a unit have something to do with each other. */
function goesOneWay({ selections }: SpecRules, unit: CalledUnit): boolean {
  return unit.back === null && selections.some(({ name, mode }) => name === unit.selection && mode !== 'two-way');
}

/** As many as may be connected to both their systems side by side without waiting for each other. */
function mostAtOnce({ selections, sources, targets }: SpecRules): number {
  const most = selections.flatMap(({ from, to }) => {
    const both = [sources[from], targets[to]].filter((system) => system !== undefined);
    const scopes = both.map(systemScope);
    return both.map(({ limits }, at) => {
      const connections = limits?.connections ?? DEFAULT_LIMITS.connections;
      return Math.floor(connections / scopes.filter((scope) => scope === scopes[at]).length);
    });
  });
  return Math.max(1, Math.min(AT_ONCE, ...most));
}

/** As often as the lease of a slice is renewed. */
const BEATS = 8;

/**
 * Works until the work ends, and tells it to end when the time is over, when it is cancelled from outside, or when a
 * person has asked for a pause or a stop.
 */
async function untilItEnds(
  { ledger, settings, log }: Deps,
  migration: string,
  context: LookContext,
  told: () => LookHeartbeat,
  work: (end: AbortSignal) => Promise<void>,
): Promise<void> {
  const end = new AbortController();
  const stop = (): void => end.abort();
  const ask = async (): Promise<void> => {
    const { paused, stopped } = await readControl(ledger, migration);
    if (paused || stopped) stop();
  };
  const over = setTimeout(stop, settings.lookMs);
  const beat = setInterval(() => {
    context.heartbeat(told());
    // Each survey is told, too, with its lease.
    ask().catch((error: Error) => log.warn({ error: error.message }, 'reading what is asked of a migration'));
  }, settings.leaseMs / BEATS);
  context.signal.addEventListener('abort', stop, { once: true });
  if (context.signal.aborted) stop();
  try {
    await ask();
    await work(end.signal);
  } finally {
    clearTimeout(over);
    clearInterval(beat);
    context.signal.removeEventListener('abort', stop);
  }
}
