import type { ForgetInput, ForgetResult } from '../words/upkeep.js';
import { upkeep } from './calls.js';

/** What the ledger knows of a migration, or of one person in it, goes for good. */
export async function forget(input: ForgetInput): Promise<ForgetResult> {
  return upkeep.forget(input);
}
