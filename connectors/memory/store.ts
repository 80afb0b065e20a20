/**
 * The world that the memory connector reads and writes: process-wide stores by name, each with accounts.
 * Tests look into it, change it as another program would, and make it fail.
 */
import type { ContainerProperties, Fitted, Kind, Role } from '../contract.js';
import { Fault } from '../errors.js';

/** Kinds whose items are plain bytes. */
export type MemoryKind = Exclude<Kind, 'files'>;

export interface StoredMessage {
  readonly uid: number;
  readonly bytes: Buffer;
  readonly flags: readonly string[];
  readonly date?: string;
  /** The state of the folder that this message last changed in. */
  readonly modseq: number;
}

export interface NewMessage {
  readonly bytes: Buffer;
  readonly flags?: readonly string[];
  readonly date?: string;
}

export interface MemoryFolder {
  readonly path: readonly string[];
  role?: Role;
  properties?: ContainerProperties;
  subscribed?: boolean;
  /** Raised by `renumber`. */
  validity: number;
  nextUid: number;
  modseq: number;
  /** Changes up to here are forgotten: older tokens are lost. */
  forgotten: number;
  readonly messages: Map<number, StoredMessage>;
  readonly gone: Map<number, number>;
}

export interface MemoryEvent {
  readonly account: string;
  readonly op:
    | 'containers'
    | 'list'
    | 'changes'
    | 'present'
    | 'read'
    | 'ensure'
    | 'create'
    | 'meta'
    | 'update'
    | 'move'
    | 'remove'
    | 'locate'
    | 'scan'
    | 'readBack';
  /** `after`: a write is applied, its answer is not given yet. Throwing there loses the answer. */
  readonly when: 'before' | 'after';
  readonly path: readonly string[];
  /** The key, reference or token of the item, where there is one. */
  readonly item?: string;
}

export class MemoryAccount {
  readonly folders = new Map<string, MemoryFolder>();
  /** Bytes that fit in all folders together; then creates throw `Fault('quota')`. */
  quotaBytes = Number.POSITIVE_INFINITY;
  /** The form in which the account holds content, where it cannot hold everything. */
  form: ((body: Buffer) => Fitted<Buffer>) | undefined;
  /** While set, opening the account throws `Fault('credentials')` with this text. */
  locked: string | undefined;
  #validities = 1;

  /** The folder at `path`, made with the folders above it. */
  folder(path: readonly string[], role?: Role): MemoryFolder {
    for (let depth = 1; depth <= path.length; depth++) {
      const at = path.slice(0, depth);
      const key = folderKey(at);
      if (this.folders.has(key)) continue;
      const made: MemoryFolder = {
        path: at,
        validity: this.#validities++,
        nextUid: 1,
        modseq: 1,
        forgotten: 0,
        messages: new Map(),
        gone: new Map(),
      };
      if (depth === 1 && at[0] === 'INBOX') made.role = 'inbox';
      else if (role && depth === path.length) made.role = role;
      this.folders.set(key, made);
    }
    return this.folders.get(folderKey(path)) as MemoryFolder;
  }

  put(path: readonly string[], message: NewMessage): StoredMessage {
    return addTo(this.folder(path), message);
  }

  usedBytes(): number {
    let used = 0;
    for (const folder of this.folders.values())
      for (const message of folder.messages.values()) used += message.bytes.length;
    return used;
  }

  /** Gives every message of a folder a new number, as a rebuilt server does: validity changes. */
  renumber(path: readonly string[]): void {
    const folder = this.folder(path);
    const messages = [...folder.messages.values()];
    folder.messages.clear();
    folder.gone.clear();
    folder.validity = this.#validities++;
    folder.nextUid += messages.length;
    for (const { bytes, flags, date } of messages) addTo(folder, { bytes, flags, ...(date !== undefined && { date }) });
  }
}

export class MemoryStore {
  readonly name: string;
  readonly accounts = new Map<string, MemoryAccount>();
  /** Called around every step; may throw a `Fault`, or anything else as a crash, and may wait. */
  fault: ((event: MemoryEvent) => void | Promise<void>) | undefined;
  /** Steps that were applied, by operation: what a rerun wrote is told here. */
  readonly counts: Record<MemoryEvent['op'], number> = zeroCounts();

  constructor(name: string) {
    this.name = name;
  }

  /** The account of that name, made when there is none. */
  account(name: string): MemoryAccount {
    const found = this.accounts.get(name);
    if (found) return found;
    const made = new MemoryAccount();
    this.accounts.set(name, made);
    return made;
  }

  /** Runs one step between its two fault events. */
  async step<T>(event: Omit<MemoryEvent, 'when'>, apply: () => T): Promise<T> {
    await this.fault?.({ ...event, when: 'before' });
    const result = apply();
    this.counts[event.op]++;
    await this.fault?.({ ...event, when: 'after' });
    return result;
  }

  resetCounts(): void {
    Object.assign(this.counts, zeroCounts());
  }
}

const stores = new Map<string, MemoryStore>();

/** The store of that name in this process, made when there is none. */
export function memoryStore(name: string): MemoryStore {
  const found = stores.get(name);
  if (found) return found;
  const made = new MemoryStore(name);
  stores.set(name, made);
  return made;
}

/** Forgets a store and all it holds. */
export function dropMemoryStore(name: string): void {
  stores.delete(name);
}

export function addTo(folder: MemoryFolder, { bytes, flags = [], date }: NewMessage): StoredMessage {
  const message: StoredMessage = {
    uid: folder.nextUid++,
    bytes: Buffer.from(bytes),
    flags: [...flags].sort(),
    ...(date !== undefined && { date }),
    modseq: ++folder.modseq,
  };
  folder.messages.set(message.uid, message);
  return message;
}

export function setFlags(folder: MemoryFolder, uid: number, flags: readonly string[]): StoredMessage {
  const changed: StoredMessage = { ...messageOf(folder, uid), flags: [...flags].sort(), modseq: ++folder.modseq };
  folder.messages.set(uid, changed);
  return changed;
}

export function setBytes(folder: MemoryFolder, uid: number, bytes: Buffer): StoredMessage {
  const changed: StoredMessage = { ...messageOf(folder, uid), bytes: Buffer.from(bytes), modseq: ++folder.modseq };
  folder.messages.set(uid, changed);
  return changed;
}

export function removeFrom(folder: MemoryFolder, uid: number): StoredMessage {
  const removed = messageOf(folder, uid);
  folder.messages.delete(uid);
  folder.gone.set(uid, ++folder.modseq);
  return removed;
}

function messageOf(folder: MemoryFolder, uid: number): StoredMessage {
  const message = folder.messages.get(uid);
  if (!message) throw new Fault('not-found', `memory: message ${uid} is not in ${folder.path.join('/')}`);
  return message;
}

export function folderKey(path: readonly string[]): string {
  return JSON.stringify(path);
}

/** Numbers as keys that ascend as strings. */
export function uidKey(uid: number): string {
  return String(uid).padStart(10, '0');
}

function zeroCounts(): Record<MemoryEvent['op'], number> {
  return {
    containers: 0,
    list: 0,
    changes: 0,
    present: 0,
    read: 0,
    ensure: 0,
    create: 0,
    meta: 0,
    update: 0,
    move: 0,
    remove: 0,
    locate: 0,
    scan: 0,
    readBack: 0,
  };
}
