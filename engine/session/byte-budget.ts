/** Bytes in flight: one bound for the whole process, whatever moves through it. */

export interface ByteBudget {
  /** Takes room at once, or says that there is none. More than the whole bound counts as the whole bound. */
  tryAcquire(bytes: number): boolean;
  /** Waits for room, first come, first served. */
  acquire(bytes: number, signal: AbortSignal): Promise<void>;
  release(bytes: number): void;
}

interface Waiter {
  readonly bytes: number;
  readonly go: () => void;
}

export function createByteBudget(maxBytes: number): ByteBudget {
  let inFlight = 0;
  const waiting: Waiter[] = [];
  const clamp = (bytes: number): number => Math.min(bytes, maxBytes);
  const fits = (bytes: number): boolean => inFlight + clamp(bytes) <= maxBytes;
  const admit = (): void => {
    for (let next = waiting[0]; next && fits(next.bytes); next = waiting[0]) {
      waiting.shift();
      inFlight += clamp(next.bytes);
      next.go();
    }
  };
  return {
    tryAcquire(bytes) {
      if (waiting.length > 0 || !fits(bytes)) return false;
      inFlight += clamp(bytes);
      return true;
    },
    acquire(bytes, signal) {
      if (this.tryAcquire(bytes)) return Promise.resolve();
      return new Promise((resolve, reject) => {
        const cancel = (): void => {
          waiting.splice(waiting.indexOf(waiter), 1);
          reject(signal.reason);
          admit();
        };
        const waiter: Waiter = {
          bytes,
          go: () => {
            signal.removeEventListener('abort', cancel);
            resolve();
          },
        };
        if (signal.aborted) return reject(signal.reason);
        signal.addEventListener('abort', cancel, { once: true });
        waiting.push(waiter);
      });
    },
    release(bytes) {
      inFlight -= clamp(bytes);
      admit();
    },
  };
}
