/** What came and what left in one direction of a unit, held until all containers were listed: some of it moved (moves.ts). */
import type { Container, Digest, ItemRef } from '../../connectors/contract.js';
import type { PlannedContainer, PlannedItem } from '../../ledger/planned.js';

/** An item that is no longer listed where it was, and has a copy. */
export interface Left {
  readonly container: PlannedContainer;
  readonly item: PlannedItem;
  /** What it is now stands elsewhere: its copy goes on under that, and is not removed. */
  stays: boolean;
}

/** A new item: counted as to be created, or not counted yet. */
export interface Arrived {
  /** Where it was counted. */
  readonly plan: {
    readonly container: Pick<Container, 'key' | 'path' | 'validity'>;
    readonly at: { key(): Promise<string | undefined> };
    readonly counts: { create: number; bytes: number; moved: number; unchanged: number };
  };
  readonly bytes: number;
  /** It shares its identity with another of the source: what becomes of it where it was not moved. */
  readonly otherwise?: () => void;
  /** Its digest in each version of the rules, where its content was read; else what may be read. */
  readonly content: { readonly digests: readonly Digest[] } | { readonly item: ItemRef };
}

/** By container and key. */
export type LeftByName = ReadonlyMap<string, Left>;

export const nameOfLeft = (container: number | null, key: string | null): string => `${container}/${key}`;

export const leftByName = (left: readonly Left[]): LeftByName =>
  new Map(left.map((one) => [nameOfLeft(one.container.id, one.item.key), one]));

/** New items of one direction that may have left another container. Of very many only the first are held. */
export interface Arrivals {
  add(arrived: Arrived): void;
  readonly held: readonly Arrived[];
  readonly unheld: number;
}

const MAX_HELD = 100_000;

export function createArrivals(): Arrivals {
  const held: Arrived[] = [];
  let unheld = 0;
  return {
    add(arrived) {
      if (held.length < MAX_HELD) held.push(arrived);
      else {
        unheld++;
        arrived.otherwise?.();
      }
    },
    held,
    get unheld() {
      return unheld;
    },
  };
}
