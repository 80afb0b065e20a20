/** What became of each item in one run, in the words of an import's log. */
import type { ReportItem } from '../ledger/report.js';
import type { Standing } from './standing.js';

/** Disjoint; every item has exactly one. */
export const RESULTS = [
  'created',
  'updated',
  'moved',
  'adopted',
  'unchanged',
  'skipped',
  'conflict',
  'failed',
  'pending',
] as const;
export type Result = (typeof RESULTS)[number];

/** Counts by result. */
export type Results = Record<Result, number>;

export const noResults = (): Results =>
  Object.fromEntries(RESULTS.map((result) => [result, 0])) as Record<Result, number>;

/**
 * Of an item that stands so, in run `run`. What a later run did to it counts as done: items are shown as they stand now.
 * `adopted`: an equal copy was in the target already. `unchanged`: its content was written by an earlier run, or never.
 */
export function resultOf(item: Pick<ReportItem, 'made' | 'run'>, standing: Standing, run: number): Result {
  switch (standing) {
    case 'verified':
    case 'arrived':
      return (item.run !== null && item.run >= run ? item.made : null) ?? 'unchanged';
    case 'pending':
    case 'skipped':
    case 'conflict':
      return standing;
    case 'unsure':
    case 'missing':
    case 'altered':
    case 'refused':
    case 'quarantined':
      return 'failed';
    default:
      return standing satisfies never;
  }
}
