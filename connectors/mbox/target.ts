/**
 * mbox files as a target, a file for each folder. Messages are only ever appended: what is in a file stays
 * as and where it is, which is why flags cannot be changed, and messages not moved or removed, later.
 */
import type { FileHandle } from 'node:fs/promises';
import { mkdir, open, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type {
  Known,
  Located,
  Refused,
  Target,
  TargetContainer,
  TargetRef,
  Wanted,
  Write,
  Written,
} from '../contract.js';
import { Fault } from '../errors.js';
import { rolesByName } from '../kinds/folder-roles.js';
import type { Mail, MailMeta } from '../kinds/mail.js';
import { canonicalMail, digestMail } from '../kinds/mail.js';
import { Closing } from '../local/closing.js';
import {
  errnoOf,
  faultOf,
  identityOf,
  ifThere,
  inside,
  onFiles,
  provenPath,
  roomOnDisk,
  syncFolder,
  writableFolder,
} from '../local/local-files.js';
import { appending, entryOf } from './appending.js';
import { FileWindow } from './file-window.js';
import { folderKey, isInbox, treeAt } from './folder-files.js';
import type { FoundMessage } from './message-at.js';
import { contentOf, messageAt, messagesFrom, offsetOf } from './message-at.js';
import { fileAt, validityOf, withFile } from './open-file.js';
import { sameMessage } from './source.js';

/** The only dialect that loses nothing. */
const DIALECT = 'mboxrd';
const PAGE = 200;

export function createMboxTarget(path: string): Target<Mail> {
  const closing = new Closing('mbox');

  async function fileOf(container: TargetContainer, signal: AbortSignal): Promise<string> {
    closing.check(signal);
    return fileAt(await provenPath(path), container.key);
  }

  async function* opened<T>(
    container: TargetContainer,
    signal: AbortSignal,
    step: (file: FileWindow) => AsyncIterable<T>,
  ): AsyncIterable<T> {
    const file = await fileOf(container, signal);
    try {
      yield* withFile(file, (handle, facts) => {
        if (validityOf(facts) !== container.validity)
          throw new Fault('conflict', `${file} was replaced by another program`, { next: 'run again' });
        return step(new FileWindow(handle, Number(facts.size)));
      });
    } catch (error) {
      throw faultOf(error, `reading ${file}`);
    }
  }

  /** Appends one write; what cannot be whole is taken back before the error goes on. */
  async function append(handle: FileHandle, at: number, entry: Buffer): Promise<string> {
    try {
      for (let written = 0; written < entry.length; ) {
        written += (await handle.write(entry, written, entry.length - written, at + written)).bytesWritten;
      }
    } catch (error) {
      await handle.truncate(at);
      throw error;
    }
    return (await messageAt(new FileWindow(handle, at + entry.length), at, DIALECT)).key;
  }

  async function applyAll(
    file: string,
    writes: readonly Write<Mail>[],
    signal: AbortSignal,
  ): Promise<{ answers: (Written | Refused)[]; failure: unknown }> {
    return appending(file, signal, async (handle, size) => {
      const answers: (Written | Refused)[] = [];
      let failure: unknown;
      let end = await separated(handle, size);
      try {
        for (const write of writes) {
          closing.check(signal);
          if (write.op !== 'create') {
            answers.push({ refused: write.token, reason: REASONS[write.op] });
            continue;
          }
          const { entry, flags, date, notes } = entryOf(write.body, write.meta as MailMeta, new Date());
          const ref = await append(handle, end, entry);
          end += entry.length;
          answers.push({ token: write.token, ref, meta: { flags, date }, ...(notes.length > 0 && { notes }) });
        }
      } catch (error) {
        failure = error;
      }
      await handle.sync();
      return { answers, failure };
    });
  }

  return {
    quietMs: 0,
    lanes: 1,
    moves: false,
    async place(signal) {
      closing.check(signal);
      return { proof: `mbox:${await provenPath(path)}`, system: 'mbox:' };
    },
    async describe(signal) {
      closing.check(signal);
      return [...(await writableFolder(path)), { name: 'later changes', value: 'none: messages are only appended' }];
    },
    async room(signal) {
      closing.check(signal);
      return roomOnDisk(path);
    },
    async root(signal) {
      closing.check(signal);
      return onFiles(`opening ${path}`, () => identityOf(path));
    },
    async ensure(wanted, signal) {
      closing.check(signal);
      const root = await onFiles(`making ${path}`, () => made(path));
      const found = await findFolder(root, wanted);
      const key = found?.key ?? keyOf(wanted.path);
      const file = await inside(root, key.split('/'));
      const created = await onFiles(`making ${file}`, () => madeFile(file));
      await onFiles(`opening ${file}`, () => appending(file, signal, async () => {}));
      const at = found?.path ?? (isInbox(wanted.path) ? ['INBOX'] : wanted.path);
      return { key, path: at, created, ...(await countedIn(file)) };
    },
    async find(wanted, signal) {
      closing.check(signal);
      // Nothing is there before the first run makes it.
      const root = await onFiles(`opening ${path}`, () => ifThere(realpath(path)));
      const found = root && (await findFolder(root, wanted));
      if (!found) return undefined;
      const file = await inside(root, found.key.split('/'));
      return { key: found.key, path: found.path, created: false, ...(await countedIn(file)) };
    },
    async anchor(container, signal) {
      const file = await fileOf(container, signal);
      return onFiles(`opening ${file}`, () =>
        appending(file, signal, async (_, size) => String(size).padStart(13, '0')),
      );
    },
    async *write(container, writes, signal) {
      const file = await fileOf(container, signal);
      const { answers, failure } = await onFiles(`writing to ${file}`, () => applyAll(file, writes, signal));
      yield* answers;
      if (failure !== undefined) throw faultOf(failure, `writing to ${file}`);
    },
    locate(container, intents, anchor, known, signal) {
      return opened(container, signal, async function* (file): AsyncIterable<Located> {
        const wanted = new Set(intents.map((intent) => intent.digest));
        const free = new Map<string, FoundMessage[]>();
        for await (const message of unknownFrom(file, Math.min(offsetOf(anchor), file.size), known)) {
          closing.check(signal);
          const digest = digestMail(await contentOf(file, message, DIALECT));
          if (wanted.has(digest)) free.set(digest, [...(free.get(digest) ?? []), message]);
        }
        for (const { token, digest } of intents) {
          const message = free.get(digest)?.shift();
          yield message
            ? { token, found: 'landed', ref: message.key, meta: metaOf(message) }
            : { token, found: 'absent' };
        }
      });
    },
    // All of it, whatever the anchor: other programs take messages out of the middle of a file.
    scan(container, known, signal) {
      return opened(container, signal, async function* (file) {
        let entries: TargetRef[] = [];
        for await (const message of unknownFrom(file, 0, known)) {
          closing.check(signal);
          entries.push(await targetRefOf(file, message));
          if (entries.length < PAGE) continue;
          yield { entries };
          entries = [];
        }
        if (entries.length > 0) yield { entries };
      });
    },
    readBack(container, refs, signal) {
      return opened(container, signal, async function* (file) {
        for (const ref of [...refs].sort()) {
          closing.check(signal);
          const message = await sameMessage(file, ref, DIALECT);
          if (message) yield await targetRefOf(file, message);
        }
      });
    },
    sizes(container, refs, signal) {
      return opened(container, signal, async function* (file) {
        for (const ref of [...refs].sort()) {
          closing.check(signal);
          const message = await sameMessage(file, ref, DIALECT);
          // Of the canonical form: how lines are stored here must not look like a difference.
          if (message) yield { ref, bytes: canonicalMail(await contentOf(file, message, DIALECT)).length };
        }
      });
    },
    close: () => closing.close(),
  };
}

const REASONS = {
  meta: 'flags in an mbox file are written once, with the message; set them in the program that reads the file',
  update: 'messages in an mbox file are only appended; change it in the program that reads the file',
  move: 'messages in an mbox file are only appended; move it in the program that reads the file',
  remove: 'messages in an mbox file are only appended; remove it in the program that reads the file',
} as const satisfies Record<Exclude<Write<Mail>['op'], 'create'>, string>;

async function countedIn(file: string): Promise<{ readonly validity: string; readonly items: number }> {
  let items = 0;
  let validity = '';
  const messages = withFile(file, (handle, facts) => {
    validity = validityOf(facts);
    return messagesFrom(new FileWindow(handle, Number(facts.size)), 0, DIALECT);
  });
  for await (const _ of messages) items++;
  return { validity, items };
}

/** Messages from an offset on. */
async function* unknownFrom(file: FileWindow, from: number, known: Known): AsyncGenerator<FoundMessage> {
  let page: FoundMessage[] = [];
  const unknown = async (): Promise<readonly FoundMessage[]> => {
    const there = await known(page.map(({ key }) => key));
    return page.filter(({ key }) => !there.has(key));
  };
  for await (const message of messagesFrom(file, from, DIALECT)) {
    page.push(message);
    if (page.length < PAGE) continue;
    yield* await unknown();
    page = [];
  }
  if (page.length > 0) yield* await unknown();
}

function metaOf(message: FoundMessage): { flags: readonly string[]; date?: string } {
  return { flags: message.flags, ...(message.date !== undefined && { date: message.date }) };
}

async function targetRefOf(file: FileWindow, message: FoundMessage): Promise<TargetRef> {
  const content = await contentOf(file, message, DIALECT);
  return { ref: message.key, digest: digestMail(content), bytes: content.length, meta: metaOf(message) };
}

/** By name however it is written on disk, then by role: that is only guessed from names here. */
async function findFolder(
  root: string,
  { path, role }: Wanted,
): Promise<{ key: string; path: readonly string[] } | undefined> {
  const { folders } = await treeAt(root);
  const roles = rolesByName(folders.map((folder) => folder.path));
  const byName = folders.find((folder) => JSON.stringify(folder.path) === JSON.stringify(path));
  return byName ?? (role && folders.find((folder) => roles.get(JSON.stringify(folder.path)) === role));
}

function keyOf(path: readonly string[]): string {
  if (path.length > 0 && !path.includes('')) return folderKey(path);
  throw new Fault('refused', 'a folder without a name cannot be made', { next: 'map the folder to a name' });
}

async function made(path: string): Promise<string> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  return provenPath(path);
}

async function madeFile(file: string): Promise<boolean> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  try {
    await (await open(file, 'wx', 0o600)).close();
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
  await syncFolder(dirname(file));
  await syncFolder(join(dirname(file), '..'));
  return true;
}

/** Ends the last message with a blank line, where another program did not. Tells where to append. */
async function separated(handle: FileHandle, size: number): Promise<number> {
  if (size === 0) return 0;
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, Math.max(0, size - 4));
  const tail = buffer.toString('latin1', 0, bytesRead);
  if (/\n\r?\n$/.test(tail)) return size;
  const missing = tail.endsWith('\n') ? '\n' : '\n\n';
  await handle.write(missing, size);
  return size + missing.length;
}
