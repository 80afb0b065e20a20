/** A bounded channel between one producer and several takers. */

export interface Channel<T> {
  /** Waits while the channel is full; false when the takers have gone. */
  put(value: T): Promise<boolean>;
  /** No more values will come; with `error`, the takers get it once the values are taken. */
  end(error?: unknown): void;
  /** The next value, or undefined at the end. */
  take(): Promise<T | undefined>;
  /** A taker gives up: the producer stops, values not taken are returned. */
  abandon(): T[];
}

export function createChannel<T>(capacity: number): Channel<T> {
  const values: T[] = [];
  const takers: { resolve: (value: T | undefined) => void; reject: (error: unknown) => void }[] = [];
  const putters: (() => void)[] = [];
  let ended = false;
  let abandoned = false;
  let failure: { readonly error: unknown } | undefined;
  const finishTakers = (): void => {
    for (const taker of takers.splice(0)) {
      if (failure) taker.reject(failure.error);
      else taker.resolve(undefined);
    }
  };
  return {
    async put(value) {
      while (!abandoned && takers.length === 0 && values.length >= capacity) {
        await new Promise<void>((go) => putters.push(go));
      }
      if (abandoned) return false;
      const taker = takers.shift();
      if (taker) taker.resolve(value);
      else values.push(value);
      return true;
    },
    end(error) {
      ended = true;
      if (error !== undefined) failure = { error };
      finishTakers();
    },
    take() {
      const value = values.shift();
      putters.shift()?.();
      if (value !== undefined) return Promise.resolve(value);
      if (ended || abandoned) return failure ? Promise.reject(failure.error) : Promise.resolve(undefined);
      return new Promise((resolve, reject) => takers.push({ resolve, reject }));
    },
    abandon() {
      abandoned = true;
      for (const go of putters.splice(0)) go();
      finishTakers();
      return values.splice(0);
    },
  };
}
