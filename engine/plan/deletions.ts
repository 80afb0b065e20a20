/** What a plan would delete, item by item, for whoever asks for all of it: of very many, the first that have room. */
import { gzipSync } from 'node:zlib';
import type { PlannedContainer, PlannedItem } from '../../ledger/planned.js';
import type { Account } from '../../schemas/spec.js';
import type { PlanDeletion, PlanDeletions } from '../../words/plan.js';

/** One direction of a unit: a look is one. */
interface Side {
  readonly unit: number;
  readonly account: Account;
  readonly selection: { readonly name: string };
  readonly reverse: boolean;
}

export interface Deletions {
  add(side: Side, container: PlannedContainer, item: PlannedItem): void;
  /** It has another name now, and is not deleted. */
  drop(side: Side, container: { readonly key: string }, item: Pick<PlannedItem, 'key'>): void;
  result(): PlanDeletions;
}

const MAX_HELD = 200_000;
/** Beside what a plan lists, in one message of Temporal. */
const MAX_PACKED = 600_000;

export function createDeletions(): Deletions {
  const held = new Map<string, PlanDeletion>();
  let count = 0;
  const nameOf = ({ unit, reverse }: Side, { key: container }: { readonly key: string }, key: string): string =>
    JSON.stringify([unit, reverse, container, key]);
  return {
    add(side, container, { key, targetRef, bytes, date }) {
      count++;
      if (held.size >= MAX_HELD) return;
      const { unit, account, selection, reverse } = side;
      const [from, to] = reverse ? [account.to, account.from] : [account.from, account.to];
      held.set(nameOf(side, container, key), {
        unit,
        selection: selection.name,
        from,
        to,
        back: reverse,
        path: container.path,
        targetPath: container.targetPath,
        key,
        ref: targetRef,
        bytes,
        date,
      });
    },
    drop(side, container, { key }) {
      count--;
      held.delete(nameOf(side, container, key));
    },
    result() {
      const all = [...held.values()];
      for (let listed = all.length; ; listed = Math.floor(listed / 2)) {
        const packed = gzipSync(JSON.stringify(all.slice(0, listed))).toString('base64');
        if (packed.length <= MAX_PACKED) return { count, listed, packed };
      }
    },
  };
}
