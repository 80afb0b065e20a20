/**
 * A Maildir as a target. A message is written to `tmp`, made durable, and renamed into `cur`: it is there
 * wholly or not at all. Its name is made from the write (token, digest, date): a write is recognised for
 * ever, and a worker that lost its lease, and writes on, only writes the same file again.
 */
import { mkdir, readdir, realpath, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Known, Located, Target, TargetContainer, TargetRef, Wanted } from '../contract.js';
import { rolesByName } from '../kinds/folder-roles.js';
import { compareKeys } from '../kinds/key-order.js';
import type { Mail } from '../kinds/mail.js';
import { canonicalMail, digestMail } from '../kinds/mail.js';
import { unknownRefs } from '../kinds/unknown-refs.js';
import { Closing } from '../local/closing.js';
import {
  identityOf,
  ifThere,
  inside,
  onFiles,
  provenPath,
  roomOnDisk,
  syncFolder,
  writableFolder,
} from '../local/local-files.js';
import type { Keywords } from './flags.js';
import { flagsOf, keywordsOf } from './flags.js';
import type { Layout } from './folders.js';
import { folderKey, foldersIn, INBOX, isFolder, notesOn } from './folders.js';
import type { MessageFile } from './message-files.js';
import { contentOf, dateOf, factsOf, markOf, messageFilesIn, writeMark } from './message-files.js';
import { isRaw } from './raw-names.js';
import { VALIDITY } from './source.js';
import { subscribe } from './subscriptions.js';
import { createWriter } from './writer.js';

const PAGE = 200;
/** Files of ours in `tmp` that are older than this belong to no session that still runs. */
const TORN_AFTER_MS = 3_600_000;

export interface MaildirTarget {
  readonly path: string;
  readonly layout: Layout;
  readonly lanes?: number | undefined;
  /** The clock; for tests. */
  readonly now?: () => number;
}

export function createMaildirTarget({ path, layout, lanes = 1, now = Date.now }: MaildirTarget): Target<Mail> {
  const closing = new Closing('maildir');

  async function folderOf(container: TargetContainer, signal: AbortSignal): Promise<string> {
    closing.check(signal);
    return folderBelow(await provenPath(path), container.key);
  }

  async function* refs(folder: string, files: Iterable<MessageFile>, signal: AbortSignal): AsyncIterable<TargetRef> {
    const keywords = await keywordsOf(folder);
    for (const file of files) {
      closing.check(signal);
      const content = await contentOf(folder, file);
      if (!content || 'unreadable' in content) continue;
      yield {
        ref: file.key,
        digest: digestMail(content.body),
        bytes: content.bytes,
        meta: metaOf(file, content.seconds, keywords),
      };
    }
  }

  return {
    quietMs: 0,
    lanes,
    async place(signal) {
      closing.check(signal);
      return { proof: `maildir:${await provenPath(path)}`, system: 'maildir:' };
    },
    async describe(signal) {
      closing.check(signal);
      return [{ name: 'layout', value: layout }, ...(await writableFolder(path))];
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
      const found = await findFolder(root, layout, wanted);
      const key = found?.key ?? folderKey(wanted.path, layout);
      const folder = await folderBelow(root, key);
      const created = await onFiles(`making ${folder}`, () => madeFolder(folder, key, layout));
      await onFiles(`cleaning ${folder}`, () => removeTorn(folder, now()));
      if (wanted.subscribed) await subscribe(root, wanted.path);
      const items = created ? 0 : (await messageFilesIn(folder)).size;
      const at = found?.path ?? (key === '' ? INBOX.path : wanted.path);
      const notes = notesOn(at, layout);
      return { key, path: at, validity: VALIDITY, created, items, ...(notes.length > 0 && { notes }) };
    },
    async find(wanted, signal) {
      closing.check(signal);
      // Nothing is there before the first run makes it.
      const root = await onFiles(`opening ${path}`, () => ifThere(realpath(path)));
      const found = root && (await findFolder(root, layout, wanted));
      if (!found) return undefined;
      const { size } = await messageFilesIn(await folderBelow(root, found.key));
      return { key: found.key, path: found.path, validity: VALIDITY, created: false, items: size };
    },
    // Names made of tokens find a write wherever it landed; there is nothing to remember.
    async anchor(_container, signal) {
      closing.check(signal);
      return VALIDITY;
    },
    async *write(container, writes, signal) {
      const folder = await folderOf(container, signal);
      const writer = await createWriter({
        folder,
        folderKey: container.key,
        folderOf: (to) => folderOf(to, signal),
        check: () => closing.check(signal),
        signal,
      });
      yield* writer(writes);
    },
    async *locate(container, intents, _anchor, known, signal): AsyncIterable<Located> {
      const folder = await folderOf(container, signal);
      const keywords = await keywordsOf(folder);
      const free = new Map<string, MessageFile[]>();
      for (const file of await unknownFiles(folder, known)) {
        const mark = markOf(file.base);
        if (mark !== undefined) free.set(mark, [...(free.get(mark) ?? []), file]);
      }
      for (const { token, digest } of intents) {
        closing.check(signal);
        const file = free.get(writeMark(container.key, token, digest))?.shift();
        const facts = file && (await factsOf(folder, file));
        if (file && facts) yield { token, found: 'landed', ref: file.key, meta: metaOf(file, facts.seconds, keywords) };
        else yield { token, found: 'absent' };
      }
    },
    async *scan(container, known, signal) {
      const folder = await folderOf(container, signal);
      const files = await unknownFiles(folder, known);
      files.sort((a, b) => compareKeys(a.key, b.key));
      for (let at = 0; at < files.length; at += PAGE) {
        const entries: TargetRef[] = [];
        for await (const ref of refs(folder, files.slice(at, at + PAGE), signal)) entries.push(ref);
        yield { entries };
      }
    },
    async *readBack(container, wanted, signal) {
      const folder = await folderOf(container, signal);
      const files = await messageFilesIn(folder);
      yield* refs(
        folder,
        wanted.flatMap((ref) => files.get(ref) ?? []),
        signal,
      );
    },
    async *sizes(container, wanted, signal) {
      const folder = await folderOf(container, signal);
      const files = await messageFilesIn(folder);
      for (const ref of wanted) {
        closing.check(signal);
        const file = files.get(ref);
        const content = file && (await contentOf(folder, file));
        // Of the canonical form: how lines are stored here must not look like a difference.
        if (content && 'body' in content) yield { ref, bytes: canonicalMail(content.body).length };
      }
    },
    close: () => closing.close(),
  };
}

async function unknownFiles(folder: string, known: Known): Promise<MessageFile[]> {
  const files = await messageFilesIn(folder);
  const keys = [...files.values()].map(({ key }) => key);
  return (await unknownRefs(keys, known)).map((key) => files.get(key) as MessageFile);
}

function metaOf(file: MessageFile, seconds: number, keywords: Keywords): { flags: string[]; date: string } {
  return { flags: flagsOf(file.letters, keywords), date: dateOf(seconds) };
}

/** Folders of a target have names that are text: what it makes, it names itself. */
async function folderBelow(root: string, key: string): Promise<string> {
  return inside(root, key === '' ? [] : key.split('/'));
}

async function made(path: string): Promise<string> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  return provenPath(path);
}

/** By name however it is written on disk, then by role: that is only guessed from names here. */
async function findFolder(
  root: string,
  layout: Layout,
  { path, role }: Wanted,
): Promise<{ key: string; path: readonly string[] } | undefined> {
  // One whose name is not UTF-8 is left to those who can name it.
  const folders = (await foldersIn(root, layout)).filter(({ key }) => !key.split('/').some(isRaw));
  const roles = rolesByName(folders.map((folder) => folder.path));
  const byName = folders.find((folder) => JSON.stringify(folder.path) === JSON.stringify(path));
  return byName ?? (role && folders.find((folder) => roles.get(JSON.stringify(folder.path)) === role));
}

async function madeFolder(folder: string, key: string, layout: Layout): Promise<boolean> {
  if (await isFolder(folder)) {
    for (const sub of ['tmp', 'new', 'cur']) await mkdir(join(folder, sub), { recursive: true, mode: 0o700 });
    return false;
  }
  // `cur` last: only a folder that has it is taken for one.
  for (const sub of ['tmp', 'new', 'cur']) await mkdir(join(folder, sub), { recursive: true, mode: 0o700 });
  // Maildir++ marks subfolders so that delivery finds the root for its quota.
  if (layout === 'maildir++' && key !== '') await writeFile(join(folder, 'maildirfolder'), '');
  await syncFolder(folder);
  await syncFolder(join(folder, '..'));
  return true;
}

/** Removes what a crash left in `tmp`, if it is ours; its time is when it was last touched, not the message's. */
async function removeTorn(folder: string, now: number): Promise<void> {
  for (const name of await readdir(join(folder, 'tmp'))) {
    if (markOf(name) === undefined) continue;
    const facts = await ifThere(stat(join(folder, 'tmp', name)));
    if (facts && now - facts.ctimeMs > TORN_AFTER_MS) await ifThere(unlink(join(folder, 'tmp', name)));
  }
}
