/** The suites on each way in which a source may be harder to list. */
import { expect, it } from 'vitest';
import { all, bodyOf, containerAt, itemsAt, never } from '../../tests/conformance/collect.js';
import { mailListingConformance, mailSourceConformance } from '../../tests/conformance/mail-source.js';
import { plain } from '../../tests/conformance/odd-messages.js';
import type { UnorderedTrait } from '../../tests/conformance/unordered-source.js';
import { unorderedSourceConformance } from '../../tests/conformance/unordered-source.js';
import { digestMail } from '../kinds/mail.js';
import type { Habits } from './source.js';
import { createMemorySource } from './source.js';
import { MemoryStore, removeFrom, setFlags, uidKey } from './store.js';

interface Habitual {
  readonly habits: Habits;
  readonly unordered?: Partial<Record<UnorderedTrait, string>>;
}

const NO_LOOKUP = { 'looks up by key what is there, as it would list it': 'it cannot look up by key' } as const;

const SOURCES: Record<string, Habitual> = {
  'small pages': { habits: { pageItems: 5 } },
  'no order': { habits: { unordered: true, pageItems: 5 }, unordered: NO_LOOKUP },
  'no order, the token last, looked up by key': {
    habits: { unordered: true, tokenLast: true, looksUp: true, pageItems: 5 },
  },
  'no order, replays, the token last': {
    habits: { unordered: true, replays: true, tokenLast: true, pageItems: 5 },
    unordered: NO_LOOKUP,
  },
  'no order, cursors that expire': {
    habits: { unordered: true, cursorsExpire: true, pageItems: 5 },
    unordered: { ...NO_LOOKUP, 'goes on behind any page in another session': 'its cursors are of one session' },
  },
  'no order, keys alone': { habits: { unordered: true, keysOnly: true, pageItems: 5 }, unordered: NO_LOOKUP },
  renderings: { habits: { renders: true } },
};

for (const [name, { habits, unordered }] of Object.entries(SOURCES)) {
  const suite = {
    name: `memory, ${name}`,
    world: async () => {
      const store = new MemoryStore('trial');
      const account = store.account('anna');
      return {
        open: () => createMemorySource(store, 'anna', 'mail', habits),
        put: async (path: readonly string[], message: Parameters<typeof account.put>[1]) =>
          uidKey(account.put(path, message).uid),
        setFlags: async (path: readonly string[], key: string, flags: readonly string[]) =>
          void setFlags(account.folder(path), Number(key), flags),
        remove: async (path: readonly string[], key: string) => void removeFrom(account.folder(path), Number(key)),
        close: async () => {},
      };
    },
  };
  if (habits.renders) mailListingConformance(suite);
  else mailSourceConformance(suite);
  if (habits.unordered) unorderedSourceConformance({ ...suite, waived: unordered });
}

it('says so where two readings of an item differ', async () => {
  const store = new MemoryStore('trial');
  store.account('anna').put(['INBOX'], { bytes: plain(1) });
  const source = createMemorySource(store, 'anna', 'mail', { renders: true });
  const items = await itemsAt(source, ['INBOX']);
  const read = async () =>
    digestMail(bodyOf((await all(source.read(await containerAt(source, ['INBOX']), items, never)))[0]));
  expect(items).toMatchObject([{ unstable: true }]);
  expect(await read()).not.toBe(await read());
});
