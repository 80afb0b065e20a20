/** Several sessions that work through one list. */
import type { Held } from './connections.js';

/**
 * Each session takes the next entry when it is done with its last. After a failure nobody takes another; it is
 * thrown once all have ended. True when the list was worked off, false when `ending` stopped the taking.
 */
export async function inLanes<S, T>(
  sessions: readonly S[],
  entries: readonly T[],
  ending: () => boolean,
  work: (session: S, entry: T) => Promise<void>,
): Promise<boolean> {
  const left = [...entries];
  let failed = false;
  const results = await Promise.allSettled(
    sessions.map(async (session) => {
      while (!failed && !ending()) {
        const entry = left.shift();
        if (entry === undefined) return;
        await work(session, entry).catch((error) => {
          failed = true;
          throw error;
        });
      }
    }),
  );
  const failure = results.find((result) => result.status === 'rejected');
  if (failure) throw failure.reason;
  return left.length === 0;
}

/** Runs `work` with up to `count` further sessions, as budgets allow, and gives them back. */
export async function withLanes<S, R>(
  count: number,
  open: () => Promise<Held<S> | undefined>,
  work: (further: readonly S[]) => Promise<R>,
): Promise<R> {
  const held: Held<S>[] = [];
  let healthy = false;
  try {
    while (held.length < count) {
      const lane = await open();
      if (!lane) break;
      held.push(lane);
    }
    const result = await work(held.map((lane) => lane.session));
    healthy = true;
    return result;
  } finally {
    await Promise.allSettled(held.map((lane) => lane.done(healthy)));
  }
}
