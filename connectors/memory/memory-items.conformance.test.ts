import { randomUUID } from 'node:crypto';
import { itemSourceConformance } from '../../tests/conformance/item-source.js';
import { itemTargetConformance } from '../../tests/conformance/item-target.js';
import type { ItemKind } from '../../tests/conformance/items.js';
import type { Habits } from './source.js';
import { createMemorySource } from './source.js';
import { dropMemoryStore, folderKey, memoryStore, removeFrom, setBytes, uidKey } from './store.js';
import { createMemoryTarget } from './target.js';

function world(kind: ItemKind, habits: Habits = {}) {
  const store = memoryStore(randomUUID());
  const account = store.account('anna');
  return {
    kind,
    source: () => createMemorySource(store, 'anna', kind, habits),
    target: () => createMemoryTarget(store, 'anna', kind),
    put: async (path: readonly string[], bytes: Buffer) => uidKey(account.put(path, { bytes }).uid),
    edit: async (path: readonly string[], name: string, bytes: Buffer) =>
      void setBytes(account.folder(path), Number(name), bytes),
    drop: async (path: readonly string[], name: string) => void removeFrom(account.folder(path), Number(name)),
    dropContainer: async (path: readonly string[]) => void account.folders.delete(folderKey(path)),
    stored: async (path: readonly string[]) => [...account.folder(path).messages.values()].map((m) => m.bytes),
    close: async () => dropMemoryStore(store.name),
  };
}

for (const kind of ['calendar', 'contacts'] as const) {
  itemSourceConformance({
    name: `memory, ${kind}`,
    world: async () => {
      const made = world(kind);
      return { ...made, open: made.source };
    },
  });
  itemSourceConformance({
    name: `memory, ${kind}, no order, keys alone`,
    world: async () => {
      const made = world(kind, { unordered: true, pageItems: 3, keysOnly: true });
      return { ...made, open: made.source };
    },
  });
  itemTargetConformance({
    name: `memory, ${kind}`,
    kind,
    world: async () => {
      const made = world(kind);
      return { ...made, open: made.target };
    },
  });
}
