/** `migrate retry` on systems that asked to be left alone: a person knows better, and may have asked their administrator. */
import { liftBlocks } from '../../ledger/budgets.js';
import type { Step } from '../../ledger/events.js';
import { noteAsked } from '../../ledger/events.js';
import { readSpec } from '../../ledger/specs.js';
import type { Deps } from '../deps.js';
import { systemScope } from '../session/connections.js';

/** A retry of the units of a run, or of one. */
export interface Retry {
  readonly migration: string;
  readonly run: number;
  readonly unit?: number;
}

/** Answers whether any system of the spec was left alone. Safe to repeat. `retry`: who asked for it within a run. */
export async function liftBlocksOf({ ledger }: Deps, specHash: string, retry?: Retry, step?: Step): Promise<boolean> {
  if (retry) {
    const { unit, ...at } = retry;
    await noteAsked(ledger.pool, at, 'retry', unit === undefined ? {} : { unit }, step);
  }
  const { sources, targets } = await readSpec(ledger.pool, specHash);
  return liftBlocks(ledger, [...Object.values(sources), ...Object.values(targets)].map(systemScope));
}
