/** Pages of what a folder holds, and of what changed in it. */
import type { Change, ItemRef, Page } from '../contract.js';
import type { MemoryFolder, StoredMessage } from './store.js';
import { uidKey } from './store.js';

export function pageOf(folder: MemoryFolder, uids: readonly number[], itemOf: ItemOf): Page<ItemRef> {
  return { entries: uids.flatMap((uid) => folder.messages.get(uid) ?? []).map(itemOf) };
}

export type ItemOf = (message: StoredMessage) => ItemRef;

/** The state of a folder. */
export function tokenOf({ validity, modseq }: MemoryFolder): string {
  return `${validity}:${modseq}`;
}

/** What changed since a state, by its number. */
export function changesOf(folder: MemoryFolder, since: number, itemOf: ItemOf): Page<Change> {
  const changed = [...folder.messages.values()].filter((message) => message.modseq > since);
  const gone = [...folder.gone].filter(([, modseq]) => modseq > since);
  return {
    entries: [
      ...changed.map((message) => ({ change: 'upsert', item: itemOf(message) }) as const),
      ...gone.map(([uid]) => ({ change: 'gone', key: uidKey(uid) }) as const),
    ],
  };
}
