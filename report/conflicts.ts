/** Conflicts of a run, as a person reads them: seen from the spec's source, whichever direction met them. */
import type { ReportConflict, ReportUnit } from '../ledger/report.js';
import { seenFromSpec } from '../words/sides.js';

export interface DescribedConflict {
  readonly unit: number;
  readonly account: string;
  /** `back`: it was met on the way from the target to the source of a two-way selection. */
  readonly direction: 'forth' | 'back';
  readonly path: readonly string[];
  readonly key: string;
  readonly targetRef: string | null;
  /** E.g. `edited on both sides`. */
  readonly what: string;
  /** E.g. `the source won`; where nobody did, both were left as they are. */
  readonly end: string;
  readonly at: Date;
}

const NOBODY = 'both were left as they are';

/** The sentence of the ledger in two: what happened, and who won. Names of sides are those of the spec. */
export function describeConflict(conflict: ReportConflict, unit: ReportUnit | undefined): DescribedConflict {
  const { back } = conflict;
  const [what = '', ...rest] = seenFromSpec(conflict.reason, back).split('; ');
  const end = rest.join('; ');
  return {
    unit: conflict.unit,
    account: (back ? unit?.to : unit?.from) ?? '',
    direction: back ? 'back' : 'forth',
    path: conflict.path,
    key: conflict.key,
    targetRef: conflict.targetRef,
    what,
    end: /\b(?:won|kept)\b/.test(end) ? end : [...rest, NOBODY].join('; '),
    at: conflict.at,
  };
}
