import { mailSourceConformance } from '../../tests/conformance/mail-source.js';
import { mailTargetConformance } from '../../tests/conformance/mail-target.js';
import { createMemorySource } from './source.js';
import { MemoryStore, removeFrom, setFlags, uidKey } from './store.js';
import { createMemoryTarget } from './target.js';

mailSourceConformance({
  name: 'memory',
  world: async () => {
    const store = new MemoryStore('trial');
    const account = store.account('anna');
    return {
      open: () => createMemorySource(store, 'anna', 'mail'),
      put: async (path, message) => uidKey(account.put(path, message).uid),
      setFlags: async (path, key, flags) => void setFlags(account.folder(path), Number(key), flags),
      remove: async (path, key) => void removeFrom(account.folder(path), Number(key)),
      close: async () => {},
    };
  },
});

mailTargetConformance({
  name: 'memory',
  world: async () => {
    const store = new MemoryStore('trial');
    const account = store.account('anna');
    return {
      open: () => createMemoryTarget(store, 'anna', 'mail'),
      messages: async (path) => [...account.folder(path).messages.values()],
      put: async (path, message) => void account.put(path, message),
      close: async () => {},
    };
  },
});
