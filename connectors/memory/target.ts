/** The memory store as a target. Simple throughout: each write is one step that applies or does not. */
import { Closing } from '../closing.js';
import type { Located, Refused, Target, TargetContainer, TargetRef, Wanted, Write, Written } from '../contract.js';
import { Fault } from '../errors.js';
import type { Mail, MailMeta } from '../mail.js';
import { digestMail } from '../mail.js';
import { mergedFlags } from '../merged-flags.js';
import { metaOf, openAccount, placeOf } from './source.js';
import type { MemoryAccount, MemoryFolder, MemoryStore, StoredMessage } from './store.js';
import { addTo, folderKey, removeFrom, setFlags, uidKey } from './store.js';

const PAGE = 1000;

export function createMemoryTarget(store: MemoryStore, name: string, lanes = 1): Target<Mail> {
  const closing = new Closing('memory');

  function account(signal: AbortSignal): MemoryAccount {
    closing.check(signal);
    return openAccount(store, name);
  }

  function folderOf(container: TargetContainer, signal: AbortSignal): MemoryFolder {
    const folder = account(signal).folders.get(container.key);
    if (!folder) throw new Fault('not-found', `memory: there is no folder ${container.path.join('/')}`);
    if (String(folder.validity) !== container.validity) {
      throw new Fault('conflict', `memory: folder ${container.path.join('/')} was rebuilt`, {
        next: 'open the folder again',
      });
    }
    return folder;
  }

  /** Applies one write; a `Fault` that concerns only this write is its refusal. */
  async function apply(
    container: TargetContainer,
    write: Write<Mail>,
    signal: AbortSignal,
  ): Promise<Written | Refused> {
    const folder = folderOf(container, signal);
    try {
      return await store.step({ account: name, op: write.op, path: folder.path, item: write.token }, () =>
        written(folder, write, () => account(signal)),
      );
    } catch (error) {
      if (error instanceof Fault && (error.code === 'not-found' || error.code === 'refused')) {
        return { refused: write.token, reason: error.message };
      }
      throw error;
    }
  }

  return {
    quietMs: 0,
    lanes,
    async place(signal) {
      account(signal);
      return placeOf(store, name);
    },
    async describe(signal) {
      const { quotaBytes } = account(signal);
      return [{ name: 'quota', value: Number.isFinite(quotaBytes) ? `${quotaBytes} bytes` : 'none' }];
    },
    ensure(wanted, signal) {
      return store.step({ account: name, op: 'ensure', path: wanted.path }, () => ensured(account(signal), wanted));
    },
    async anchor(container, signal) {
      return uidKey(folderOf(container, signal).nextUid);
    },
    async *write(container, writes, signal) {
      for (const write of writes) yield await apply(container, write, signal);
    },
    async *locate(container, intents, anchor, known, signal): AsyncIterable<Located> {
      const folder = folderOf(container, signal);
      const free = new Map<string, StoredMessage[]>();
      for (const message of folder.messages.values()) {
        if (uidKey(message.uid) < anchor || known(uidKey(message.uid))) continue;
        const digest = digestMail(message.bytes);
        free.set(digest, [...(free.get(digest) ?? []), message]);
      }
      for (const { token, digest } of intents) {
        yield await store.step({ account: name, op: 'locate', path: folder.path, item: token }, (): Located => {
          const message = free.get(digest)?.shift();
          return message
            ? { token, found: 'landed', ref: uidKey(message.uid), meta: metaOf(message) }
            : { token, found: 'absent' };
        });
      }
    },
    async *scan(container, skip, signal) {
      const folder = folderOf(container, signal);
      const uids = [...folder.messages.keys()].filter((uid) => !skip(uidKey(uid))).sort((a, b) => a - b);
      for (let at = 0; at < uids.length; at += PAGE) {
        const page = uids.slice(at, at + PAGE);
        closing.check(signal);
        const found = () => page.flatMap((uid) => folder.messages.get(uid) ?? []).map(targetRefOf);
        yield { entries: await store.step({ account: name, op: 'scan', path: folder.path }, found) };
      }
    },
    async *readBack(container, refs, signal) {
      for (const ref of refs) {
        const folder = folderOf(container, signal);
        const event = { account: name, op: 'readBack', path: folder.path, item: ref } as const;
        const message = await store.step(event, () => folder.messages.get(Number(ref)));
        if (message) yield targetRefOf(message);
      }
    },
    async *sizes(container, refs, signal) {
      for (const ref of refs) {
        const message = folderOf(container, signal).messages.get(Number(ref));
        if (message) yield { ref, bytes: message.bytes.length };
      }
    },
    close: () => closing.close(),
  };
}

function ensured(account: MemoryAccount, wanted: Wanted): TargetContainer {
  const byRole = wanted.role && [...account.folders.values()].find((folder) => folder.role === wanted.role);
  const created = !byRole && !account.folders.has(folderKey(wanted.path));
  const folder = byRole ?? account.folder(wanted.path, wanted.role);
  if (wanted.subscribed !== undefined) folder.subscribed = wanted.subscribed;
  const key = folderKey(folder.path);
  return { key, path: folder.path, validity: String(folder.validity), created, items: folder.messages.size };
}

function written(folder: MemoryFolder, write: Write<Mail>, account: () => MemoryAccount): Written {
  switch (write.op) {
    case 'create': {
      const there = account();
      if (there.usedBytes() + write.body.length > there.quotaBytes) {
        throw new Fault('quota', 'memory: the account is full', { next: 'raise its quota' });
      }
      const { flags, date } = write.meta as MailMeta;
      const message = addTo(folder, { bytes: write.body, flags, ...(date !== undefined && { date }) });
      return { token: write.token, ref: uidKey(message.uid), meta: metaOf(message) };
    }
    case 'meta': {
      const now = folder.messages.get(Number(write.ref))?.flags ?? [];
      const flags = mergedFlags(now, (write.base as MailMeta).flags, (write.meta as MailMeta).flags);
      return { token: write.token, ref: write.ref, meta: metaOf(setFlags(folder, Number(write.ref), flags)) };
    }
    case 'move': {
      const to = account().folders.get(write.to.key);
      if (!to) throw new Fault('not-found', `memory: there is no folder ${write.to.path.join('/')}`);
      const message = addTo(to, removeFrom(folder, Number(write.ref)));
      return { token: write.token, ref: uidKey(message.uid), meta: metaOf(message) };
    }
    case 'remove':
      removeFrom(folder, Number(write.ref));
      return { token: write.token };
    default:
      return write satisfies never;
  }
}

function targetRefOf(message: StoredMessage): TargetRef {
  return {
    ref: uidKey(message.uid),
    digest: digestMail(message.bytes),
    bytes: message.bytes.length,
    meta: metaOf(message),
  };
}
