/** A Maildir as a source. Nothing in it is renamed, moved from `new`, or locked. */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import type { Container, ItemRef, Source } from '../contract.js';
import { Fault } from '../errors.js';
import { rolesByName } from '../kinds/folder-roles.js';
import { isAbove } from '../kinds/key-order.js';
import type { Mail } from '../kinds/mail.js';
import { Closing } from '../local/closing.js';
import { accountsAt, ifThere, onFiles, provenPath } from '../local/local-files.js';
import { flagsOf, keywordsOf, unnamedLetters } from './flags.js';
import type { Folder, Layout } from './folders.js';
import { folderAt, foldersIn } from './folders.js';
import type { Content, FileFacts, MessageFile, MessageFiles, Unreadable } from './message-files.js';
import { contentOf, dateOf, factsOf, messageFilesIn } from './message-files.js';
import type { FilePath } from './raw-names.js';
import { below } from './raw-names.js';
import { subscribedIn } from './subscriptions.js';
import { unreadIn } from './unread.js';

/** Keys are names that are never given again, so a listing is never void. */
export const VALIDITY = 'names';

const PAGE = 1000;
/** Questions to the file system at one time; it answers a few of them in parallel. */
const AT_ONCE = 50;
/** File times have ticks: two changes within one look like one. NFS and FAT have ticks of up to two seconds. */
const TICK_MS = 2000;

/** The validity of what is named as a folder and not read. */
const UNREAD = 'not read';
/** In `doctor`, where it is not known what the spec excludes; the report names all that is not. */
const MOST_NAMED = 20;

export interface MaildirSource {
  readonly path: string;
  readonly layout: Layout;
  /** The clock; for tests. */
  readonly now?: () => number;
}

interface Found {
  readonly file: MessageFile;
  readonly content: Content | Unreadable;
}

export function createMaildirSource({ path, layout, now = Date.now }: MaildirSource): Source<Mail> {
  const closing = new Closing('maildir');
  let listed: { key: string; files: MessageFiles } | undefined;

  async function root(signal: AbortSignal): Promise<string> {
    closing.check(signal);
    if (!(await onFiles(`opening ${path}`, () => ifThere(stat(path))))?.isDirectory()) {
      throw new Fault('not-found', `there is no folder ${path}`, {
        next: 'check the path in the spec, as the worker sees it',
      });
    }
    return provenPath(path);
  }

  async function filesOf(container: Container, folder: FilePath): Promise<MessageFiles> {
    const files = await messageFilesIn(folder);
    listed = { key: container.key, files };
    return files;
  }

  /** Content of the message, looked for a second time when another program renamed it. */
  async function find(container: Container, folder: FilePath, key: string): Promise<Found | undefined> {
    const known = listed?.key === container.key ? listed.files : undefined;
    for (const files of [known, undefined]) {
      const file = (files ?? (await filesOf(container, folder))).get(key);
      const content = file && (await contentOf(folder, file));
      if (content) return { file, content };
      if (!known) break;
    }
    return undefined;
  }

  async function* refusedList(container: Container, signal: AbortSignal): AsyncIterable<never> {
    const at = await root(signal);
    const unread = await unreadIn(at, layout, await foldersIn(at, layout));
    const found = unread.find(({ key }) => key === container.key);
    if (found)
      throw new Fault('refused', `${found.path.join('/')} is not read: ${found.what}`, {
        next: `${found.next}, or exclude the folder`,
      });
  }

  /** What makes one folder impossible to list is the fault of that folder. */
  function ofFolder(error: unknown): unknown {
    if (!(error instanceof Fault) || error.code !== 'credentials') return error;
    return new Fault('refused', error.message, { ...(error.next && { next: error.next }), cause: error });
  }

  return {
    async place(signal) {
      return { proof: `maildir:${await root(signal)}`, system: 'maildir:' };
    },
    async describe(signal) {
      const at = await root(signal);
      const folders = await foldersIn(at, layout);
      const unread = await unreadIn(at, layout, folders);
      return [
        { name: 'layout', value: layout },
        {
          name: 'folders',
          value: String(folders.length),
          ...(folders.length === 0 && { problem: `${NOTHING_AT(path)}: check the path and the layout` }),
        },
        ...unread.slice(0, MOST_NAMED).map(({ path, what, next }) => ({
          name: 'mail that is not read',
          value: path.join('/'),
          problem: `${what}; ${next}; if the spec excludes it, all is well`,
        })),
      ];
    },
    async accounts(signal) {
      closing.check(signal);
      return accountsAt(path);
    },
    async *containers(signal) {
      const at = await root(signal);
      const folders = await foldersIn(at, layout);
      const unread = await unreadIn(at, layout, folders);
      if (folders.length + unread.length === 0)
        throw new Fault('refused', NOTHING_AT(path), { next: 'check the path and the layout in the spec' });
      const roles = rolesByName(folders.map((folder) => folder.path));
      const subscribed = await subscribedIn(at);
      for (const folder of folders) {
        closing.check(signal);
        const role = roles.get(JSON.stringify(folder.path));
        const token = await tokenOf(at, folder, now());
        yield {
          ...folder,
          validity: VALIDITY,
          ...(role && { role }),
          ...(token !== undefined && { token }),
          ...(subscribed && { subscribed: subscribed(folder.path) }),
        };
      }
      // Named as folders, so that they can be excluded, and show in the report as long as they are not.
      for (const { key, path } of unread) yield { key, path, validity: UNREAD };
    },
    async *list(container, after, signal) {
      if (container.validity === UNREAD) return yield* refusedList(container, signal);
      const folder = await folderAt(await root(signal), container.key);
      const [keywords, all] = await Promise.all([keywordsOf(folder), filesOf(container, folder)]).catch(
        (error: unknown) => {
          throw ofFolder(error);
        },
      );
      const files = [...all.values()].filter((file) => after === undefined || isAbove(file.key, after)).sort(byKey);
      for (let at = 0; at < files.length; at += PAGE) {
        const items: ItemRef[] = [];
        for (let from = at; from < Math.min(at + PAGE, files.length); from += AT_ONCE) {
          closing.check(signal);
          const some = files.slice(from, Math.min(from + AT_ONCE, at + PAGE));
          const facts = await Promise.all(some.map((file) => currentFacts(folder, file)));
          some.forEach((file, n) => {
            const known = facts[n];
            if (known) items.push(itemOf(file, known, flagsOf(file.letters, keywords)));
          });
        }
        yield { entries: items };
      }
    },
    async *read(container, refs, signal) {
      const folder = await folderAt(await root(signal), container.key);
      const keywords = await keywordsOf(folder);
      for (const ref of refs) {
        closing.check(signal);
        const found = await find(container, folder, ref.key);
        if (!found)
          yield { refused: ref.key, reason: 'the message is gone from the Maildir; the next run will see that' };
        else if ('unreadable' in found.content) yield { refused: ref.key, reason: found.content.unreadable };
        else {
          const { body } = found.content;
          const unnamed = unnamedLetters(found.file.letters, keywords);
          const notes = [...found.content.notes, ...(unnamed === '' ? [] : [unnamedNote(unnamed)])];
          yield { key: ref.key, body, ...(notes.length > 0 && { notes }) };
        }
      }
    },
    close: () => closing.close(),
  };
}

const NOTHING_AT = (path: string) => `no folder with cur or new at or below ${path}`;

function unnamedNote(letters: string): string {
  return `its name has keyword letters (${letters}) that dovecot-keywords does not name: they are not kept`;
}

function byKey(a: MessageFile, b: MessageFile): number {
  return isAbove(a.key, b.key) ? 1 : -1;
}

/** Facts of a message that may have been renamed since the listing: content, and so size and time, stay. */
async function currentFacts(folder: FilePath, file: MessageFile): Promise<FileFacts | undefined> {
  const facts = await factsOf(folder, file);
  if (facts) return facts;
  const renamed = (await messageFilesIn(folder)).get(file.key);
  return renamed && factsOf(folder, renamed);
}

function itemOf(file: MessageFile, { bytes, seconds }: FileFacts, flags: readonly string[]): ItemRef {
  const meta = { flags, date: dateOf(seconds) };
  const version = createHash('sha256')
    .update(JSON.stringify([bytes, meta]))
    .digest('hex')
    .slice(0, 16);
  return { key: file.key, version, bytes, rank: 0, meta };
}

/**
 * Every change to a message (added, removed, flagged) is a change of names, and shows in its folder's time.
 * None while that time is younger than a tick: another change could still hide behind it.
 */
async function tokenOf(root: string, folder: Folder, now: number): Promise<string | undefined> {
  const at = await folderAt(root, folder.key);
  const parts: string[] = [];
  try {
    for (const name of ['cur', 'new', 'dovecot-keywords']) {
      const file = below(at, name);
      const facts = await onFiles(`looking at ${file}`, () => ifThere(stat(file, { bigint: true })));
      if (facts && Number(facts.mtimeMs) > now - TICK_MS) return undefined;
      parts.push(facts ? `${facts.ino}.${facts.mtimeNs}` : '');
    }
  } catch (error) {
    // A folder that is closed to the worker: its listing says so.
    if (error instanceof Fault && error.code === 'credentials') return undefined;
    throw error;
  }
  return parts.join(' ');
}
