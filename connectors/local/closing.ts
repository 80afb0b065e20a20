/** The end of a session whose calls are many short steps: each step checks first. */
import { Fault } from '../errors.js';

export class Closing {
  readonly #what: string;
  #closed = false;

  constructor(what: string) {
    this.#what = what;
  }

  close(): void {
    this.#closed = true;
  }

  /** Throws the signal's reason when it fired, and `Fault('unavailable')` when the session was closed. */
  check(signal: AbortSignal): void {
    signal.throwIfAborted();
    if (this.#closed)
      throw new Fault('unavailable', `${this.#what}: the session is closed`, { next: 'open another session' });
  }
}
