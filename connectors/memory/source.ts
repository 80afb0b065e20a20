/** The memory store as a source: the contract in its plainest form. */
import { randomUUID } from 'node:crypto';
import type { Body, Change, Container, JsonObject, Page, Refused, Source } from '../contract.js';
import { Fault } from '../errors.js';
import type { Mail } from '../kinds/mail.js';
import { Closing } from '../local/closing.js';
import type { MemoryOptions } from './manifest.js';
import { newestFirst } from './newest-first.js';
import type { ItemOf } from './pages.js';
import { changesOf, pageOf, tokenOf } from './pages.js';
import type { MemoryAccount, MemoryFolder, MemoryKind, MemoryStore, StoredMessage } from './store.js';
import { folderKey, uidKey } from './store.js';

const PAGE = 1000;

/** How the systems behave that are harder to list than this one. */
export type Habits = Omit<MemoryOptions, 'name'>;

export function createMemorySource(
  store: MemoryStore,
  name: string,
  kind: MemoryKind,
  habits: Habits = {},
): Source<Mail> {
  const closing = new Closing('memory');
  const { pageItems = PAGE, unordered = false, tokenLast = false, keysOnly = false, renders = false } = habits;
  const itemOf: ItemOf = (message) => ({
    key: uidKey(message.uid),
    version: String(message.modseq),
    rank: 0,
    ...(!keysOnly && { bytes: message.bytes.length, meta: metaOf(message, kind) }),
    ...(renders && { unstable: true }),
  });
  const session = randomUUID();

  function account(signal: AbortSignal): MemoryAccount {
    closing.check(signal);
    return openAccount(store, name);
  }

  function folderOf(container: Container, signal: AbortSignal): MemoryFolder {
    const folder = account(signal).folders.get(container.key);
    if (!folder) throw new Fault('not-found', `memory: there is no folder ${container.path.join('/')}`);
    if (String(folder.validity) !== container.validity) {
      throw new Fault('source-changed', `memory: folder ${container.path.join('/')} was rebuilt`, {
        next: 'list the folders again',
      });
    }
    return folder;
  }

  return {
    ...(unordered && { listing: 'unordered' as const }),
    async place(signal) {
      account(signal);
      return placeOf(store, name);
    },
    async describe(signal) {
      const { folders } = account(signal);
      return [{ name: 'folders', value: String(folders.size) }];
    },
    async accounts(signal) {
      closing.check(signal);
      return [...store.accounts.keys()].sort();
    },
    async *containers(signal) {
      const folders = await store.step({ account: name, op: 'containers', path: [] }, () => [
        ...account(signal).folders.values(),
      ]);
      for (const folder of folders.sort((a, b) => a.path.length - b.path.length)) {
        closing.check(signal);
        yield { ...containerOf(folder), ...(!tokenLast && { token: tokenOf(folder) }) };
      }
    },
    async *list(container, after, signal) {
      const folder = folderOf(container, signal);
      if (unordered) {
        const page = <T>(of: () => T): Promise<T> => {
          closing.check(signal);
          return store.step({ account: name, op: 'list', path: folder.path }, of);
        };
        yield* newestFirst(() => folderOf(container, signal), page, after, { ...habits, pageItems, session, itemOf });
        return;
      }
      const uids = [...folder.messages.keys()]
        .filter((uid) => after === undefined || uidKey(uid) > after)
        .sort((a, b) => a - b);
      for (let at = 0; at < uids.length; at += pageItems) {
        closing.check(signal);
        yield await store.step({ account: name, op: 'list', path: folder.path }, () =>
          pageOf(folder, uids.slice(at, at + pageItems), itemOf),
        );
      }
    },
    async *changes(container, since, signal): AsyncIterable<Page<Change>> {
      const folder = folderOf(container, signal);
      const [validity, modseq] = since.split(':').map(Number);
      if (validity !== folder.validity || modseq === undefined || !(modseq >= folder.forgotten)) {
        throw new Fault('cursor-lost', 'memory: the token is not known any more', { next: 'list the folder instead' });
      }
      yield await store.step({ account: name, op: 'changes', path: folder.path }, () => ({
        ...changesOf(folder, modseq, itemOf),
        ...(tokenLast && { token: tokenOf(folder) }),
      }));
    },
    ...(habits.looksUp && {
      async *present(container: Container, keys: readonly string[], signal: AbortSignal) {
        const folder = folderOf(container, signal);
        yield await store.step({ account: name, op: 'present', path: folder.path }, () =>
          pageOf(folder, keys.map(Number), itemOf),
        );
      },
    }),
    async *read(container, refs, signal): AsyncIterable<Body<Mail> | Refused> {
      for (const ref of refs) {
        const folder = folderOf(container, signal);
        yield await store.step({ account: name, op: 'read', path: folder.path, item: ref.key }, () => {
          const message = folder.messages.get(Number(ref.key));
          if (!message)
            return { refused: ref.key, reason: 'the message is gone from the source; the next run will see that' };
          return {
            key: ref.key,
            body: renders ? rendered(message.bytes) : Buffer.from(message.bytes),
            ...(keysOnly && { meta: metaOf(message, kind) }),
          };
        });
      }
    },
    close: () => closing.close(),
  };
}

export function openAccount(store: MemoryStore, name: string): MemoryAccount {
  const account = store.account(name);
  if (account.locked !== undefined)
    throw new Fault('credentials', `memory: ${account.locked}`, { next: 'unlock the account' });
  return account;
}

export function placeOf(store: MemoryStore, name: string): { proof: string; system: string } {
  const system = `memory://${encodeURIComponent(store.name)}`;
  return { proof: `${system}/${encodeURIComponent(name)}`, system };
}

/** Flags and date are mail's alone. */
export function metaOf(message: StoredMessage, kind: MemoryKind): JsonObject {
  if (kind !== 'mail') return {};
  return { flags: message.flags, ...(message.date !== undefined && { date: message.date }) };
}

function containerOf(folder: MemoryFolder): Container {
  return {
    key: folderKey(folder.path),
    path: folder.path,
    ...(folder.role && { role: folder.role }),
    validity: String(folder.validity),
    items: folder.messages.size,
    ...(folder.subscribed !== undefined && { subscribed: folder.subscribed }),
    ...(folder.properties && { properties: folder.properties }),
  };
}

/** The same text, written out in another way each time. */
function rendered(bytes: Buffer): Buffer {
  const text = bytes.toString('latin1');
  const line = `X-Rendering: ${randomUUID()}\r\n`;
  const vobject = /^BEGIN:(?:VCARD|VEVENT)\r\n/im.exec(text);
  const at = vobject ? vobject.index + vobject[0].length : 0;
  return Buffer.from(`${text.slice(0, at)}${line}${text.slice(at)}`, 'latin1');
}
