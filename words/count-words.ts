/** Counters in words: the same on the console, in the Web UI and in the report. */
import type { Counters, Standings } from './counters.js';
import { count, plural } from './numbers.js';

/** `all 3 items verified`; `2,990 of 3,000 items verified; 3 failed, 2 in conflict, 1 not tried; 4 skipped`. */
export function countWords(counters: Standings): string {
  const { items, verified, skipped, duplicates } = counters;
  if (items === 0) return 'no items';
  const head =
    verified < items
      ? `${count(verified)} of ${plural(items, 'item')} verified`
      : `${items === 1 ? 'the one item' : `all ${count(items)} items`} verified`;
  return [
    head,
    openWords(counters),
    skipped > 0 ? `${count(skipped)} skipped` : '',
    duplicates > 0 ? `${plural(duplicates, 'duplicate')} in the target` : '',
  ]
    .filter(Boolean)
    .join('; ');
}

/** What is neither verified nor skipped; empty where there is nothing of it. */
export function openWords({ failures, conflicts, arrived, pending }: Standings): string {
  // Conflicts that nobody won are failures of a kind of their own: a person has to decide.
  const others = failures - conflicts;
  return [
    others > 0 && `${count(others)} failed`,
    conflicts > 0 && `${count(conflicts)} in conflict`,
    arrived > 0 && `${count(arrived)} arrived but not proven`,
    pending > 0 && `${count(pending)} not tried`,
  ]
    .filter((words) => words !== false)
    .join(', ');
}

/** What a run did to the target; empty where it did nothing. */
export function changeWords(totals: Counters): string {
  return (['created', 'updated', 'moved', 'removed'] as const)
    .flatMap((counter) => (totals[counter] > 0 ? [`${count(totals[counter])} ${counter}`] : []))
    .join(', ');
}
