import type { Check, DoctorInput } from '../words/check.js';
import { looks } from './calls.js';

/** Checks of the ledger, the secrets and each system, made by a worker. */
export async function doctor(input: DoctorInput): Promise<Check[]> {
  return looks.doctor(input);
}
