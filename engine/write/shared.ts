/** What the connections of one slice agree on: several containers of the source may go into one of the target. */
import { serialized } from '../session/serialized.js';
import type { Slice } from '../slice/slice.js';

export class Shared {
  /** Copies that were moved: two connections must not move the same one. */
  readonly moved = new Set<string>();
  readonly #turns = new Map<string, <T>(step: () => Promise<T>) => Promise<T>>();
  readonly #scans = new Map<string, Promise<void>>();
  readonly #standing = new Map<number, Promise<boolean>>();

  /** Runs a step that claims copies in a container of the target; no two at once for the same one. */
  claiming<T>(targetKey: string, step: () => Promise<T>): Promise<T> {
    const turn = this.#turns.get(targetKey) ?? serialized();
    this.#turns.set(targetKey, turn);
    return turn(step);
  }

  /**
   * What a container of the target holds is looked at once, before anything is written to it: later, copies that another
   * connection is just writing would be taken for somebody's.
   */
  scanOnce(targetKey: string, scan: () => Promise<void>): Promise<void> {
    const scanned = this.#scans.get(targetKey) ?? scan();
    this.#scans.set(targetKey, scanned);
    return scanned;
  }

  /** Whether the counterpart of a container stands as it did: looked at once. */
  standsOnce(container: number, look: () => Promise<boolean>): Promise<boolean> {
    const stands = this.#standing.get(container) ?? look();
    this.#standing.set(container, stands);
    return stands;
  }
}

const bySlice = new WeakMap<object, Shared>();

/** A slice has one lease. */
export function sharedBy({ lease }: Pick<Slice, 'lease'>): Shared {
  const shared = bySlice.get(lease) ?? new Shared();
  bySlice.set(lease, shared);
  return shared;
}
