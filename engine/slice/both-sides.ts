/** Both sides of a unit in one direction: what the spec says of them, and their sessions while a slice uses them. */
import type { Source, Target } from '../../connectors/contract.js';
import { Fault } from '../../connectors/errors.js';
import { blockedFor, blockScope } from '../../ledger/budgets.js';
import type { Tuning } from '../../ledger/leases.js';
import type { UnitRow } from '../../ledger/units.js';
import type { Selection, SpecRules, SystemConfig } from '../../schemas/spec.js';
import type { Deps } from '../deps.js';
import { reversed } from '../select/selecting.js';
import type { Held, Opening } from '../session/connections.js';
import { sleep, systemScope } from '../session/connections.js';

/** What a unit is about in one direction. Going back, the spec's target is the source. */
export interface Direction {
  readonly selection: Selection;
  readonly sourceConfig: SystemConfig;
  readonly targetConfig: SystemConfig;
  readonly account: { readonly from: string; readonly to: string };
}

export function directionOf(
  spec: SpecRules,
  unit: Pick<UnitRow, 'selection' | 'from' | 'to'>,
  reverse = false,
): Direction {
  const selection = spec.selections.find((s) => s.name === unit.selection);
  const sourceConfig = selection && spec.sources[selection.from];
  const targetConfig = selection && spec.targets[selection.to];
  if (!selection || !sourceConfig || !targetConfig) {
    throw new Fault('spec', `the spec has no selection "${unit.selection}" with both its sides`);
  }
  const { from, to } = unit;
  return reverse
    ? {
        selection: reversed(selection),
        sourceConfig: targetConfig,
        targetConfig: sourceConfig,
        account: { from: to, to: from },
      }
    : { selection, sourceConfig, targetConfig, account: { from, to } };
}

export interface Sides {
  readonly source: Source<unknown>;
  readonly target: Target<unknown>;
  /** Another connection to the side, while the limits allow it; undefined at once when they do not. */
  moreOfSource(tuning: Tuning, signal: AbortSignal): Promise<Held<Source<unknown>> | undefined>;
  moreOfTarget(tuning: Tuning, signal: AbortSignal): Promise<Held<Target<unknown>> | undefined>;
  /** Ends the sessions afterwards instead of keeping them: they were cut off in the middle of something. */
  abandon(): void;
}

/** Opens both sides and gives them back: kept for the next slice after work that ended well, else ended. */
export async function withBothSides<T>(
  deps: Deps,
  { selection, sourceConfig, targetConfig, account }: Direction,
  signal: AbortSignal,
  work: (sides: Sides) => Promise<T>,
): Promise<T> {
  const { connections } = deps;
  const { kind } = selection;
  const reading: Omit<Opening, 'role'> = { config: sourceConfig, account: account.from, kind };
  const writing: Omit<Opening, 'role'> = { config: targetConfig, account: account.to, kind };
  const opened: Pick<Held<unknown>, 'done'>[] = [];
  let healthy = false;
  let abandoned = false;
  try {
    await respectBlocks(deps, { selection, sourceConfig, targetConfig, account }, signal);
    const source = await connections.openSource(reading, signal);
    opened.push(source);
    const target = await connections.openTarget(writing, signal);
    opened.push(target);
    const result = await work({
      source: source.session,
      target: target.session,
      moreOfSource: (tuning, stop) => connections.tryOpenSource(tuned(reading, tuning), stop),
      moreOfTarget: (tuning, stop) => connections.tryOpenTarget(tuned(writing, tuning), stop),
      abandon() {
        abandoned = true;
      },
    });
    healthy = !abandoned;
    return result;
  } finally {
    await Promise.allSettled(opened.map((held) => held.done(healthy)));
  }
}

function tuned(plain: Omit<Opening, 'role'>, tuning: Tuning): Omit<Opening, 'role'> {
  const { connections, connectionsPerAccount } = tuning;
  return { ...plain, connections, connectionsPerAccount };
}

/** Waits for systems that asked to be left alone; throws `throttled` where that takes longer than a slice. */
async function respectBlocks({ ledger, settings }: Deps, direction: Direction, signal: AbortSignal): Promise<void> {
  const { sourceConfig, targetConfig } = direction;
  const ms = await blockedFor(ledger, [sourceConfig, targetConfig].map(systemScope));
  if (ms > settings.sliceMs) {
    const side = (await blockedFor(ledger, [systemScope(sourceConfig)])) > settings.sliceMs ? 'source' : 'target';
    throw new Fault('throttled', `the ${side} asked to be left alone`, { retryAfterMs: ms });
  }
  if (ms > 0) await sleep(ms, signal);
}

/** A system that throttles one worker is left alone by all. */
export async function blockThrottled(
  deps: Deps,
  { sourceConfig, targetConfig }: Direction,
  error: unknown,
): Promise<void> {
  if (!(error instanceof Fault) || error.code !== 'throttled' || error.retryAfterMs === undefined || !error.side)
    return;
  await blockScope(deps.ledger, systemScope(error.side === 'source' ? sourceConfig : targetConfig), error.retryAfterMs);
}
