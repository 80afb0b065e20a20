import type { PruneInput, PruneResult } from '../words/upkeep.js';
import { upkeep } from './calls.js';

/** What is old goes from the ledger and the worker's reports; a worker does the same by itself now and then. */
export async function prune(input: PruneInput): Promise<PruneResult> {
  return upkeep.prune(input);
}
