/** Starts a server again when it ends unasked, so that a crash of one part does not end the stack. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Guarded } from './guarded.js';

export interface KeptUp<T extends { readonly server: Guarded }> {
  /** The server as it runs now; after a restart another one. */
  current(): T;
  /** Resolves with the reason when it is given up: it cannot be started, or ends by itself again and again. */
  readonly givenUp: Promise<Error>;
  stop(): Promise<void>;
  kill(): Promise<void>;
}

/** Ends by itself, each within `QUICK_MS` of its start, after which another try would be no different. */
const MAX_QUICK_ENDS = 6;
const QUICK_MS = 5_000;

/** `start` is called with what ran before, to take the same ports and state again. */
export async function keepUp<T extends { readonly server: Guarded }>(
  name: string,
  start: (before: T | undefined) => Promise<T>,
  log: (line: string) => void,
): Promise<KeptUp<T>> {
  const stopping = new AbortController();
  const { promise: givenUp, resolve: giveUp } = withResolver<Error>();
  let current = await start(undefined);
  let startedAt = performance.now();
  let quickEnds = 0;

  /** Runs until stopped or given up; afterwards nothing is started any more. */
  const watching = (async () => {
    for (;;) {
      const outcome = await current.server.ended;
      if (stopping.signal.aborted) return;
      // SIGKILL comes from outside: it says nothing about whether another try is worth it.
      const byItself = outcome !== 'SIGKILL' && performance.now() - startedAt < QUICK_MS;
      quickEnds = byItself ? quickEnds + 1 : 0;
      if (quickEnds >= MAX_QUICK_ENDS)
        throw new Error(`${name} ended ${quickEnds} times in a row, the last time with ${outcome}`);
      log(`${name} ended unexpectedly (${outcome}): starting it again`);
      await delay(quickEnds * 250, undefined, { signal: stopping.signal });
      current = await start(current);
      startedAt = performance.now();
      log(`${name} is back`);
    }
  })().catch((error: Error) => {
    if (!stopping.signal.aborted) giveUp(error);
  });

  const finish = async (how: 'stop' | 'kill'): Promise<void> => {
    stopping.abort();
    await current.server[how]();
    await watching;
    // It may have been started again while it was told to stop.
    await current.server[how]();
  };
  return { current: () => current, givenUp, stop: () => finish('stop'), kill: () => finish('kill') };
}

function withResolver<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
