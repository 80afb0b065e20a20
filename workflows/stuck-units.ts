/** Units of a run that wait at a gate, or that failed: in their order, and by cause. */
import type { StuckUnit } from '../words/causes.js';
import { Causes } from '../words/causes.js';

export class StuckUnits<T extends StuckUnit> {
  readonly causes = new Causes();
  readonly #units = new Map<number, T>();

  get size(): number {
    return this.#units.size;
  }

  add(unit: T): void {
    this.delete(unit.n);
    this.#units.set(unit.n, unit);
    this.causes.add(unit);
  }

  delete(n: number): void {
    const unit = this.#units.get(n);
    if (!unit) return;
    this.#units.delete(n);
    this.causes.remove(unit);
  }

  has = (n: number): boolean => this.#units.has(n);

  all(): T[] {
    return [...this.#units.values()];
  }

  first(most: number): T[] {
    const first: T[] = [];
    for (const unit of this.#units.values()) if (first.push(unit) === most) break;
    return first;
  }
}
