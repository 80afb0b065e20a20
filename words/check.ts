/** What `doctor` finds. */
import type { Spec } from '../schemas/spec.js';

export interface DoctorInput {
  readonly spec?: Spec;
}

export interface Check {
  /** E.g. `ledger`, `source old`, `target new`. */
  readonly subject: string;
  readonly check: string;
  readonly ok: boolean;
  readonly value: string;
  /** What to do when it is not ok. */
  readonly fix?: string;
}
