/** mbox files as a source. They are read in place, in passes that take a megabyte of memory whatever their size. */
import { createHash } from 'node:crypto';
import { access, constants, stat } from 'node:fs/promises';
import type { Body, Container, ItemRef, Refused, Source } from '../contract.js';
import { Fault } from '../errors.js';
import { damageIn } from '../formats/mail-damage.js';
import { rolesByName } from '../kinds/folder-roles.js';
import type { Mail } from '../kinds/mail.js';
import { Closing } from '../local/closing.js';
import { accountsAt, faultOf, ifThere, onFiles, provenPath } from '../local/local-files.js';
import { FileWindow } from './file-window.js';
import type { UnreadFile } from './folder-files.js';
import { treeAt } from './folder-files.js';
import type { Dialect, FoundMessage } from './message-at.js';
import { contentOf, messageAt, messagesFrom, offsetOf } from './message-at.js';
import { fileAt, validityOf, withFile } from './open-file.js';

const PAGE = 1000;
/** File times have ticks: two changes within one look like one. */
const TICK_MS = 2000;
/** What one Buffer should hold at most; mail of this size is damage. */
const LARGEST = 512 * 1024 * 1024;

/** The validity of what is named as a folder and not read. */
const UNREAD = 'not read';
/** In `doctor`, where it is not known what the spec excludes; the report names all that is not. */
const MOST_NAMED = 20;

export interface MboxSource {
  readonly path: string;
  readonly dialect: Dialect;
  /** The clock; for tests. */
  readonly now?: () => number;
}

export function createMboxSource({ path, dialect, now = Date.now }: MboxSource): Source<Mail> {
  const closing = new Closing('mbox');

  async function root(signal: AbortSignal): Promise<string> {
    closing.check(signal);
    if (!(await onFiles(`opening ${path}`, () => ifThere(stat(path))))) {
      throw new Fault('not-found', `there is no file or folder ${path}`, {
        next: 'check the path in the spec, as the worker sees it',
      });
    }
    return provenPath(path);
  }

  /** The file as it was when opened: what is appended meanwhile is for the next listing. */
  async function* opened<T>(
    container: Container,
    signal: AbortSignal,
    step: (file: FileWindow, isChanged: () => Promise<boolean>) => AsyncIterable<T>,
  ): AsyncIterable<T> {
    const file = await fileAt(await root(signal), container.key);
    try {
      await onFiles(`opening ${file}`, () => access(file, constants.R_OK)).catch((error: unknown) => {
        // What makes one file impossible to open is the fault of that file.
        if (!(error instanceof Fault) || error.code !== 'credentials') throw error;
        throw new Fault('refused', error.message, { ...(error.next && { next: error.next }), cause: error });
      });
      yield* withFile(file, (handle, facts) => {
        if (validityOf(facts) !== container.validity) throw changed(file);
        const isChanged = async () => (await handle.stat({ bigint: true })).mtimeNs !== facts.mtimeNs;
        return step(new FileWindow(handle, Number(facts.size)), isChanged);
      });
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'refused') throw faultOf(error, `reading ${file}`);
      throw new Fault('refused', `${container.path.join('/')}: ${error.message}`, {
        ...(error.next && { next: error.next }),
        cause: error,
      });
    }
  }

  async function* refusedList(container: Container, signal: AbortSignal): AsyncIterable<never> {
    const found = (await treeAt(await root(signal))).unread.find((one) => one.key === container.key);
    if (found)
      throw new Fault('refused', `${found.key} is not read: ${reasonOf(found)}`, {
        next: `${found.foreign.next}, or exclude the folder ${found.path.join('/')}`,
      });
  }

  return {
    async place(signal) {
      return { proof: `mbox:${await root(signal)}`, system: 'mbox:' };
    },
    async describe(signal) {
      const { folders, others, unread } = await treeAt(await root(signal));
      const problem = folders.length === 0 ? NOTHING_AT(path) : undefined;

      return [
        { name: 'dialect', value: dialect },
        { name: 'folders', value: String(folders.length), ...(problem !== undefined && { problem }) },
        ...unread.slice(0, MOST_NAMED).map((one) => ({
          name: 'mail that is not read',
          value: one.key,
          problem: `${reasonOf(one)}; ${one.foreign.next}; if the spec excludes it, all is well`,
        })),
        { name: 'not read: no mbox, or a link', value: String(others.length) },
      ];
    },
    async accounts(signal) {
      closing.check(signal);
      return accountsAt(path);
    },
    async *containers(signal) {
      const at = await root(signal);
      const { folders, unread } = await treeAt(at);
      if (folders.length + unread.length === 0)
        throw new Fault('refused', NOTHING_AT(path), { next: 'check the path in the spec, as the worker sees it' });
      const roles = rolesByName(folders.map((folder) => folder.path));
      for (const folder of folders) {
        closing.check(signal);
        const file = await fileAt(at, folder.key);
        const facts = await onFiles(`looking at ${file}`, () => stat(file, { bigint: true }));
        const role = roles.get(JSON.stringify(folder.path));
        const validity = validityOf(facts);
        const atRest = Number(facts.mtimeMs) <= now() - TICK_MS;
        yield {
          ...folder,
          validity,
          ...(role && { role }),
          ...(atRest && { token: `${validity} ${facts.size} ${facts.mtimeNs}` }),
          ...(facts.size === 0n && { items: 0 }),
        };
      }
      // Named as folders, so that they can be excluded, and show in the report as long as they are not.
      for (const { key, path } of unread) yield { key, path, validity: UNREAD };
    },
    list(container, after, signal) {
      if (container.validity === UNREAD) return refusedList(container, signal);
      return opened(container, signal, async function* (file, isChanged) {
        let items: ItemRef[] = [];
        let last: FoundMessage | undefined;
        for await (const message of messagesFrom(file, await startAfter(file, after, dialect), dialect)) {
          closing.check(signal);
          last = message;
          if (!message.expunged) items.push(itemOf(message));
          if (items.length < PAGE) continue;
          yield { entries: items };
          items = [];
        }
        // Appending leaves what stands there; a program that rewrote the file meanwhile moved it.
        if (last && (await isChanged()) && !(await sameMessage(file.anew(), last.key, dialect)))
          throw changed('the mbox file');
        if (items.length > 0) yield { entries: items };
      });
    },
    async *read(container, refs, signal) {
      let answered = 0;
      const bodies = opened(container, signal, async function* (file): AsyncIterable<Body<Mail> | Refused> {
        for (const ref of refs) {
          closing.check(signal);
          const message = await sameMessage(file, ref.key, dialect);
          if (!message)
            yield {
              refused: ref.key,
              reason: 'the message is not where it was: the file was rewritten; the next run lists it anew',
            };
          else if (message.end - message.start > LARGEST)
            yield { refused: ref.key, reason: 'larger than 512 MiB: the file is probably damaged there' };
          else if (message.torn) yield { refused: ref.key, reason: TORN };
          else {
            const body = Buffer.from(await contentOf(file, message, dialect));
            const notes = [...message.notes, ...damageIn(body)];
            yield { key: ref.key, body, ...(notes.length > 0 && { notes }) };
          }
        }
      });
      try {
        for await (const body of bodies) {
          answered++;
          yield body;
        }
      } catch (error) {
        // A file that cannot be opened costs what is in it.
        if (!(error instanceof Fault) || error.code !== 'refused') throw error;
        for (const { key } of refs.slice(answered)) yield { refused: key, reason: error.message };
      }
    },
    close: () => closing.close(),
  };
}

const TORN =
  'Drover wrote only a part of this message, and was cut off: run the migration that writes this file, which makes it whole';
const NOTHING_AT = (path: string) => `no mbox file at or below ${path}`;

function reasonOf({ foreign, count }: UnreadFile): string {
  return `${foreign.each ? `${count} ` : ''}${foreign.what}`;
}

function changed(file: string): Fault {
  return new Fault('source-changed', `${file} was replaced while it was read`, {
    next: 'run again: the folder is then listed anew',
  });
}

async function startAfter(file: FileWindow, after: string | undefined, dialect: Dialect): Promise<number> {
  if (after === undefined) return 0;
  const message = await sameMessage(file, after, dialect);
  if (!message) throw changed('the mbox file');
  return message.next;
}

/** The message a key names; undefined when something else stands there now. */
export async function sameMessage(file: FileWindow, key: string, dialect: Dialect): Promise<FoundMessage | undefined> {
  const at = offsetOf(key);
  if (!(at < file.size)) return undefined;
  const message = await messageAt(file, at, dialect).catch((error: unknown) => {
    if (error instanceof Fault && error.code === 'refused') return undefined;
    throw error;
  });
  return message?.key === key ? message : undefined;
}

function itemOf(message: FoundMessage): ItemRef {
  const bytes = message.end - message.start;
  const meta = { flags: message.flags, ...(message.date !== undefined && { date: message.date }) };
  const version = createHash('sha256')
    .update(JSON.stringify([bytes, meta]))
    .digest('hex')
    .slice(0, 16);
  return { key: message.key, version, bytes, rank: 0, meta };
}
