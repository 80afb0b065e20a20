/** What `doctor` finds. */
import type { Choice } from '../schemas/choice.js';
import type { Spec } from '../schemas/spec.js';
import { count, plural } from './numbers.js';

export interface DoctorInput extends Choice {
  readonly spec?: Spec;
  /** Of a spec that has come to the ledger in parts. */
  readonly specHash?: string;
  /** So many accounts of each selection are tried, spread evenly over them; absent: all. */
  readonly sample?: number;
}

export interface Check {
  /** E.g. `ledger`, `source old`, `target new`. */
  readonly subject: string;
  readonly check: string;
  readonly ok: boolean;
  readonly value: string;
  /** What to do when it is not ok. */
  readonly fix?: string;
  /** Whom it concerns, where it is about accounts of many. */
  readonly accounts?: readonly CheckedAccount[];
  /** How many more it concerns than could be listed. */
  readonly unlisted?: number;
}

export interface CheckedAccount {
  readonly account: string;
  /** What differs between the accounts, e.g. `98 MB to move, 50 MB free`. */
  readonly value?: string;
}

/** How many logins a worker has tried, of both sides; its activity beats with it. */
export interface DoctorProgress {
  readonly tried: number;
  readonly of: number;
}

/** What a command that waits for it says. */
export const triedWords = ({ tried, of }: DoctorProgress): string => `${count(tried)} of ${plural(of, 'login')} tried`;

export function isDoctorProgress(value: unknown): value is DoctorProgress {
  const { tried, of } = (value ?? {}) as Partial<Record<keyof DoctorProgress, unknown>>;
  return typeof tried === 'number' && typeof of === 'number';
}
