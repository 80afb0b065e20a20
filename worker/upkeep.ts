/** What is old goes by itself: each worker looks now and then, and one of them does it. */

import type { Log } from '../engine/deps.js';
import type { PruneDeps } from '../engine/upkeep/prune.js';
import { pruneByItself } from '../engine/upkeep/prune.js';

const HOUR_MS = 3_600_000;

export interface UpkeepTimes {
  /** After the start at the earliest, and between two looks; in milliseconds. */
  readonly firstMs: number;
  readonly everyMs: number;
}

const TIMES: UpkeepTimes = { firstMs: HOUR_MS / 4, everyMs: 6 * HOUR_MS };

/** Looks until it is ended; what was under way ends between two batches. Failures are logged: the next look finds the rest. */
export function startUpkeep(
  deps: PruneDeps & { readonly log: Log },
  times: UpkeepTimes = TIMES,
): { end(): Promise<void> } {
  const ending = new AbortController();
  let looking: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout;
  const look = async (): Promise<void> => {
    try {
      const pruned = await pruneByItself(deps, ending.signal);
      for (const { name, ...removed } of pruned?.migrations ?? [])
        deps.log.info({ migration: name, ...removed }, 'removed what was old');
    } catch (error) {
      if (!ending.signal.aborted) deps.log.warn({ error: (error as Error).message }, 'removing what is old');
    }
    if (!ending.signal.aborted) plan(times.everyMs);
  };
  /** Workers that start together do not look together. */
  const plan = (ms: number): void => {
    timer = setTimeout(
      () => {
        looking = look();
      },
      ms * (1 + Math.random() / 2),
    );
    timer.unref();
  };
  plan(times.firstMs);
  return {
    async end() {
      clearTimeout(timer);
      ending.abort();
      await looking;
    },
  };
}
