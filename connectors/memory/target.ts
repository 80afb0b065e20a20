/** The memory store as a target. Simple throughout: each write is one step that applies or does not. */

import type {
  Conflicted,
  Known,
  Located,
  Target,
  TargetContainer,
  TargetRef,
  Wanted,
  Write,
  WriteAnswer,
  Written,
} from '../contract.js';
import { Fault } from '../errors.js';
import type { KindRules } from '../kinds/kinds.js';
import { kinds } from '../kinds/kinds.js';
import type { Mail, MailMeta } from '../kinds/mail.js';
import { mergedFlags } from '../kinds/merged-flags.js';
import { unknownRefs } from '../kinds/unknown-refs.js';
import { Closing } from '../local/closing.js';
import { metaOf, openAccount, placeOf } from './source.js';
import type { MemoryAccount, MemoryFolder, MemoryKind, MemoryStore, StoredMessage } from './store.js';

import { addTo, folderKey, removeFrom, setBytes, setFlags, uidKey } from './store.js';

const PAGE = 1000;

export function createMemoryTarget(store: MemoryStore, name: string, kind: MemoryKind, lanes = 1): Target<Mail> {
  const rules: KindRules<Buffer> = kinds[kind];
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
  async function apply(container: TargetContainer, write: Write<Mail>, signal: AbortSignal): Promise<WriteAnswer> {
    const folder = folderOf(container, signal);
    try {
      return await store.step(
        { account: name, op: write.op, path: folder.path, item: write.token },
        () => conflict(folder, write, rules) ?? written(folder, write, () => account(signal), kind),
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
      return [{ name: 'quota', own: true, value: Number.isFinite(quotaBytes) ? `${quotaBytes} bytes` : 'none' }];
    },
    async room(signal) {
      const { quotaBytes } = account(signal);
      return Number.isFinite(quotaBytes) ? { bytes: Math.max(0, quotaBytes - account(signal).usedBytes()) } : undefined;
    },
    fit: (body) => account(new AbortController().signal).form?.(body) ?? { body },
    ensure(wanted, signal) {
      return store.step({ account: name, op: 'ensure', path: wanted.path }, () => ensured(account(signal), wanted));
    },
    async find(wanted, signal) {
      const found = folderFor(account(signal), wanted);
      return found && opened(found, false);
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
      for (const uid of await unknownUids(folder, known, anchor)) {
        const message = folder.messages.get(uid);
        if (!message) continue;
        const digest = rules.digest(message.bytes);
        free.set(digest, [...(free.get(digest) ?? []), message]);
      }
      for (const { token, digest } of intents) {
        yield await store.step({ account: name, op: 'locate', path: folder.path, item: token }, (): Located => {
          const message = free.get(digest)?.shift();
          return message
            ? { token, found: 'landed', ref: uidKey(message.uid), meta: metaOf(message, kind) }
            : { token, found: 'absent' };
        });
      }
    },
    async *scan(container, known, signal, since) {
      const folder = folderOf(container, signal);
      const uids = await unknownUids(folder, known, since);
      for (let at = 0; at < uids.length; at += PAGE) {
        const page = uids.slice(at, at + PAGE);
        closing.check(signal);
        const found = () =>
          page.flatMap((uid) => folder.messages.get(uid) ?? []).map((message) => targetRefOf(message, kind));
        yield { entries: await store.step({ account: name, op: 'scan', path: folder.path }, found) };
      }
    },
    async *readBack(container, refs, signal) {
      for (const ref of refs) {
        const folder = folderOf(container, signal);
        const event = { account: name, op: 'readBack', path: folder.path, item: ref } as const;
        const message = await store.step(event, () => folder.messages.get(Number(ref)));
        if (message) yield targetRefOf(message, kind);
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

/** Ascending. */
async function unknownUids({ messages }: MemoryFolder, known: Known, since = ''): Promise<number[]> {
  const refs = [...messages.keys()].map(uidKey).filter((ref) => ref >= since);
  return (await unknownRefs(refs.sort(), known)).map(Number);
}

function folderFor(account: MemoryAccount, wanted: Wanted): MemoryFolder | undefined {
  const byRole = wanted.role && [...account.folders.values()].find((folder) => folder.role === wanted.role);
  return byRole ?? account.folders.get(folderKey(wanted.path));
}

function ensured(account: MemoryAccount, wanted: Wanted): TargetContainer {
  const found = folderFor(account, wanted);
  const folder = found ?? account.folder(wanted.path, wanted.role);
  if (!found && wanted.properties) folder.properties = wanted.properties;
  if (wanted.subscribed !== undefined) folder.subscribed = wanted.subscribed;
  return opened(folder, !found);
}

function opened({ path, validity, messages }: MemoryFolder, created: boolean): TargetContainer {
  return { key: folderKey(path), path, validity: String(validity), created, items: messages.size };
}

/** Versions that no longer hold, and a second item of the same UID in one calendar or address book (RFC 4791, 5.3.2.1). */
function conflict(folder: MemoryFolder, write: Write<Mail>, rules: KindRules<Buffer>): Conflicted | undefined {
  if (write.op === 'create') {
    const { identities } = rules;
    const [uid] = identities(write.body, ['uid']);
    const other = [...folder.messages.values()].find((m) => uid && identities(m.bytes, ['uid'])[0] === uid);
    if (!other) return undefined;
    return { conflicted: write.token, ref: uidKey(other.uid), reason: 'memory: there is an item with this UID' };
  }
  if ((write.op !== 'update' && write.op !== 'remove') || write.version === undefined) return undefined;
  const now = folder.messages.get(Number(write.ref));
  if (now ? String(now.modseq) === write.version : write.op === 'remove') return undefined;
  return { conflicted: write.token, ref: write.ref, reason: 'memory: the copy has another version' };
}

function written(folder: MemoryFolder, write: Write<Mail>, account: () => MemoryAccount, kind: MemoryKind): Written {
  switch (write.op) {
    case 'create': {
      const there = account();
      if (there.usedBytes() + write.body.length > there.quotaBytes) {
        throw new Fault('quota', 'memory: the account is full', { next: 'raise its quota' });
      }
      const { flags, date } = write.meta as MailMeta;
      const message = addTo(folder, { bytes: write.body, flags, ...(date !== undefined && { date }) });
      return { token: write.token, ref: uidKey(message.uid), ...versionOf(message, kind), meta: metaOf(message, kind) };
    }
    case 'meta': {
      const now = folder.messages.get(Number(write.ref))?.flags ?? [];
      const flags = mergedFlags(now, (write.base as MailMeta).flags, (write.meta as MailMeta).flags);
      return { token: write.token, ref: write.ref, meta: metaOf(setFlags(folder, Number(write.ref), flags), kind) };
    }
    case 'update': {
      const message = setBytes(folder, Number(write.ref), write.body);
      return { token: write.token, ref: write.ref, ...versionOf(message, kind) };
    }
    case 'move': {
      const to = account().folders.get(write.to.key);
      if (!to) throw new Fault('not-found', `memory: there is no folder ${write.to.path.join('/')}`);
      const message = addTo(to, removeFrom(folder, Number(write.ref)));
      return { token: write.token, ref: uidKey(message.uid), ...versionOf(message, kind), meta: metaOf(message, kind) };
    }
    case 'remove':
      if (folder.messages.has(Number(write.ref))) removeFrom(folder, Number(write.ref));
      return { token: write.token };
    default:
      return write satisfies never;
  }
}

function versionOf(message: StoredMessage, kind: MemoryKind): { version?: string } {
  return kind === 'mail' ? {} : { version: String(message.modseq) };
}

function targetRefOf(message: StoredMessage, kind: MemoryKind): TargetRef {
  return {
    ref: uidKey(message.uid),
    digest: (kinds[kind] as KindRules<Buffer>).digest(message.bytes),
    bytes: message.bytes.length,
    meta: metaOf(message, kind),
    ...(kind !== 'mail' && { version: String(message.modseq), body: message.bytes }),
  };
}
