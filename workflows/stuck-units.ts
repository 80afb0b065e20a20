/** Units of a run that wait at a gate, or that failed: in their order, those ahead that people must see, and by cause. */
import type { StuckUnit } from '../words/causes.js';
import { Causes } from '../words/causes.js';

export class StuckUnits<T extends StuckUnit> {
  readonly causes = new Causes();
  readonly #units = new Map<number, T>();
  readonly #ahead = new Map<number, T>();
  readonly #isAhead: (unit: T) => boolean;

  constructor(isAhead: (unit: T) => boolean = () => false) {
    this.#isAhead = isAhead;
  }

  /** How many of them are shown before all others. */
  get ahead(): number {
    return this.#ahead.size;
  }

  get size(): number {
    return this.#units.size;
  }

  add(unit: T): void {
    this.delete(unit.n);
    this.#units.set(unit.n, unit);
    if (this.#isAhead(unit)) this.#ahead.set(unit.n, unit);
    this.causes.add(unit);
  }

  delete(n: number): void {
    const unit = this.#units.get(n);
    if (!unit) return;
    this.#units.delete(n);
    this.#ahead.delete(n);
    this.causes.remove(unit);
  }

  has = (n: number): boolean => this.#units.has(n);

  all(): T[] {
    return [...this.#units.values()];
  }

  first(most: number): T[] {
    const first = [...this.#ahead.values()].slice(0, most);
    for (const unit of this.#units.values()) {
      if (first.length >= most) break;
      if (!this.#ahead.has(unit.n)) first.push(unit);
    }
    return first;
  }
}
