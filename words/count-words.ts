/** Counters in words: the same on the console, in the Web UI and in the report. */
import type { Counters } from './counters.js';
import { count } from './numbers.js';

/** What a run did beside creating, where it did any of it. */
export function changeWords(totals: Counters): string[] {
  return (['updated', 'moved', 'removed', 'skipped'] as const).flatMap((counter) =>
    totals[counter] > 0 ? [`${count(totals[counter])} ${counter}`] : [],
  );
}

/** Conflicts that nobody won are failures of a kind of their own: a person has to decide. */
export function failureWords({ failures, conflicts }: Counters): string {
  if (!(conflicts > 0)) return `${count(failures)} failed`;
  const rest = failures - conflicts;
  return `${rest > 0 ? `${count(rest)} failed, ` : ''}${count(conflicts)} in conflict`;
}
