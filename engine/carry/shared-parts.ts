/** Connections that have nothing left of their own to do help with the parts of large files that are under way. */
import type { Pair } from './pair.js';

/** A large file whose parts may be sent in any order, and several at once. */
export interface SharedFile {
  /** Sends the next part over these connections; false when none is left to begin. */
  sendNext(pair: Pair): Promise<boolean>;
}

export class SharedParts {
  readonly #files = new Set<SharedFile>();
  readonly #waiting: (() => void)[] = [];
  #underWay = 0;

  /** Runs the carrying of one large file, which may offer its parts meanwhile. */
  async during<T>(carrying: () => Promise<T>): Promise<T> {
    this.#underWay++;
    try {
      return await carrying();
    } finally {
      this.#underWay--;
      this.#wake();
    }
  }

  offer(file: SharedFile): void {
    this.#files.add(file);
    this.#wake();
  }

  withdraw(file: SharedFile): void {
    this.#files.delete(file);
  }

  /** Sends parts of others' files until no large file is under way any more. */
  async help(pair: Pair): Promise<void> {
    while (this.#underWay > 0) {
      const [file] = this.#files;
      if (!file) await new Promise<void>((wake) => this.#waiting.push(wake));
      // A failure is told by whoever carries the file: it hears of all its parts.
      else if (!(await file.sendNext(pair).catch(() => false))) this.#files.delete(file);
    }
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
