/** `migrate retry` on systems that asked to be left alone: a person knows better, and may have asked their administrator. */
import { liftBlocks } from '../../ledger/budgets.js';
import { readSpec } from '../../ledger/specs.js';
import type { Deps } from '../deps.js';
import { systemScope } from '../session/connections.js';

/** Answers whether any system of the spec was left alone. Safe to repeat. */
export async function liftBlocksOf({ ledger }: Deps, specHash: string): Promise<boolean> {
  const { sources, targets } = await readSpec(ledger.pool, specHash);
  return liftBlocks(ledger, [...Object.values(sources), ...Object.values(targets)].map(systemScope));
}
