import type { SpecPart } from '../schemas/packed-spec.js';
import { records } from './calls.js';

/** Takes one part of a spec that is too large for one message to the ledger. */
export async function part(input: SpecPart): Promise<void> {
  await records.keepPart(input);
}
