/** Where a unit stands while it is worked on: what a heartbeat shows is counted in the ledger, as all other numbers are. */
import type { Counters } from '../../words/counters.js';
import type { FileUnderWay } from '../../words/progress.js';
import type { Log } from '../deps.js';
import { startStopwatch } from '../session/stopwatch.js';

/** Counting takes no more than this part of the time. */
const SHARE = 1 / 20;

/**
 * Returns the last count, and counts anew where it is time to: at most one count is under way. Parts of large files that
 * have arrived are in no count yet, and are added.
 */
export function createRecount(
  count: () => Promise<Counters>,
  before: Counters,
  log: Log,
): (carrying: Iterable<FileUnderWay>) => { readonly counters: Counters; readonly isCounted: boolean } {
  let last = before;
  let isCounted = false;
  let isCounting = false;
  let sinceMs: (() => number) | undefined;
  let tookMs = 0;
  const recount = async (): Promise<void> => {
    isCounting = true;
    const elapsed = startStopwatch();
    try {
      last = await count();
      isCounted = true;
    } catch (error) {
      log.warn({ error: (error as Error).message }, 'counting a unit while it is worked on');
    }
    tookMs = elapsed();
    sinceMs = startStopwatch();
    isCounting = false;
  };
  return (carrying) => {
    if (!isCounting && (sinceMs === undefined || sinceMs() >= tookMs / SHARE)) void recount();
    let bytesArrived = last.bytesArrived;
    for (const { done } of carrying) bytesArrived += done;
    return { counters: { ...last, bytesArrived }, isCounted };
  };
}
