/** Applies writes to one Maildir folder. Names become durable, and writes are answered, once a chunk. */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { open, rename, unlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { JsonObject, Refused, TargetContainer, Write, Written } from '../contract.js';
import { bareLineFeedsIn, inUnixLines } from '../formats/unix-lines.js';
import type { Mail, MailMeta } from '../kinds/mail.js';
import { arrivalOf } from '../kinds/mail.js';
import { mergedFlags } from '../kinds/merged-flags.js';
import { faultOf, ifThere, syncFolder } from '../local/local-files.js';
import type { Keywords } from './flags.js';
import { flagsOf, keywordsOf, lettersOf, withKeywords } from './flags.js';
import type { MessageFile } from './message-files.js';
import { dateOf, factsOf, messageFilesIn, pathOf, writeMark } from './message-files.js';

/** Writes made durable together. */
const CHUNK = 64;
/** Files written at one time: what waits is the disk's flush. */
const AT_ONCE = 8;

type Answer = Written | Refused;

export interface WriterDeps {
  readonly folder: string;
  readonly folderKey: string;
  /** Where the folder is that a move goes to. */
  readonly folderOf: (to: TargetContainer) => Promise<string>;
  /** Throws when the session has ended or the signal has fired. */
  readonly check: () => void;
  readonly signal: AbortSignal;
}

type Writer = (writes: readonly Write<Mail>[]) => AsyncIterable<Answer>;

export async function createWriter({ folder, folderKey, folderOf, check, signal }: WriterDeps): Promise<Writer> {
  let files = new Map(await messageFilesIn(folder));
  let keywords: Keywords = await keywordsOf(folder);
  const others = new Map<string, Keywords>();
  const touched = new Set<string>();

  async function renamed(file: MessageFile, to: string, letters: string): Promise<MessageFile> {
    const moved: MessageFile = { ...file, sub: 'cur', name: `cur/${file.base}:2,${letters}`, letters };
    await rename(pathOf(folder, file), pathOf(to, moved));
    touched.add(join(folder, file.sub)).add(join(to, 'cur'));
    return moved;
  }

  async function create(write: Write<Mail> & { op: 'create' }): Promise<Answer> {
    const { flags } = write.meta as MailMeta;
    const date = arrivalOf(write.meta as MailMeta, write.body);
    const seconds = date === undefined ? undefined : Math.floor(Date.parse(date) / 1000);
    const mark = writeMark(folderKey, write.token, write.digest);
    const { letters, notes } = lettersOf(flags, keywords);
    const body = inUnixLines(write.body);
    const sizes = `S=${body.length},W=${body.length + bareLineFeedsIn(body)}`;
    let base = `${Math.max(seconds ?? 0, 0)}.${mark}.drover,${sizes}`;
    // Taken by another migration's message: a write in doubt is located before it is written again.
    for (let n = 2; files.has(base); n++) base = `${Math.max(seconds ?? 0, 0)}.${mark}.drover${n},${sizes}`;
    const file: MessageFile = {
      key: base,
      base,
      sub: 'cur',
      name: `cur/${base}:2,${letters}`,
      letters,
      oddFlags: false,
    };
    files.set(base, file);
    // A name of its own in tmp: a worker that lost its lease must not touch it.
    const torn = join(folder, 'tmp', `${base}.${randomUUID()}`);
    await writeDurably(torn, body, seconds);
    await rename(torn, pathOf(folder, file));
    touched.add(join(folder, 'cur'));
    const facts = seconds === undefined ? await factsOf(folder, file) : { seconds };
    const meta: JsonObject = { flags: flagsOf(letters, keywords), ...(facts && { date: dateOf(facts.seconds) }) };
    return { token: write.token, ref: base, meta, ...(notes.length > 0 && { notes }) };
  }

  async function change(write: Write<Mail> & { op: 'meta' }, file: MessageFile): Promise<Answer> {
    const [base, wanted] = [write.base as MailMeta, write.meta as MailMeta];
    const now = flagsOf(file.letters, keywords);
    const { letters, notes } = lettersOf(mergedFlags(now, base.flags, wanted.flags), keywords, file.letters);
    const changed = await renamed(file, folder, letters);
    files.set(file.key, changed);
    if (wanted.date !== undefined && base.date !== wanted.date) {
      const seconds = Date.parse(wanted.date) / 1000;
      await utimes(pathOf(folder, changed), seconds, seconds);
    }
    const facts = await factsOf(folder, changed);
    const meta: JsonObject = { flags: flagsOf(letters, keywords), ...(facts && { date: dateOf(facts.seconds) }) };
    return { token: write.token, ref: file.key, meta, ...(notes.length > 0 && { notes }) };
  }

  async function move(write: Write<Mail> & { op: 'move' }, file: MessageFile): Promise<Answer> {
    const to = await folderOf(write.to);
    const flags = flagsOf(file.letters, keywords);
    const there = await withKeywords(to, others.get(to) ?? (await keywordsOf(to)), flags, signal);
    others.set(to, there);
    const { letters, notes } = lettersOf(flags, there);
    await renamed(file, to, letters);
    files.delete(file.key);
    return { token: write.token, ref: file.base, ...(notes.length > 0 && { notes }) };
  }

  async function remove(write: Write<Mail> & { op: 'remove' }, file: MessageFile): Promise<Answer> {
    await unlink(pathOf(folder, file));
    touched.add(join(folder, file.sub));
    files.delete(file.key);
    return { token: write.token };
  }

  async function applyTo(file: MessageFile, write: Exclude<Write<Mail>, { op: 'create' }>): Promise<Answer> {
    switch (write.op) {
      case 'meta':
        return change(write, file);
      case 'update':
        return { refused: write.token, reason: 'the content of a message never changes; it is copied as another' };
      case 'move':
        return move(write, file);
      case 'remove':
        return remove(write, file);
      default:
        return write satisfies never;
    }
  }

  async function apply(write: Write<Mail>): Promise<Answer> {
    check();
    if (write.op === 'create') return create(write);
    for (const fresh of [false, true]) {
      // Another program may have renamed the file since the listing.
      if (fresh) files = new Map(await messageFilesIn(folder));
      const file = files.get(write.ref);
      const answer = file && (await ifThere(applyTo(file, write)));
      if (answer) return answer;
    }
    if (write.op === 'remove') return { token: write.token };
    return { refused: write.token, reason: 'the message is not in the folder any more; the next run will see that' };
  }

  async function chunkOf(writes: readonly Write<Mail>[]): Promise<{ answers: Answer[]; failure: unknown }> {
    const wanted = writes.flatMap((write) =>
      write.op === 'create' || write.op === 'meta' ? (write.meta as MailMeta).flags : [],
    );
    keywords = await withKeywords(folder, keywords, wanted, signal);
    const answers: Answer[] = [];
    let failure: unknown;
    for (let at = 0; at < writes.length && failure === undefined; at += AT_ONCE) {
      for (const result of await Promise.allSettled(writes.slice(at, at + AT_ONCE).map(apply))) {
        if (result.status === 'fulfilled') answers.push(result.value);
        else failure ??= result.reason;
      }
    }
    for (const changed of touched) await syncFolder(changed);
    touched.clear();
    return { answers, failure };
  }

  return async function* (writes) {
    for (let at = 0; at < writes.length; at += CHUNK) {
      check();
      const { answers, failure } = await chunkOf(writes.slice(at, at + CHUNK)).catch((error: unknown) => {
        throw faultOf(error, `writing to ${folder}`);
      });
      yield* answers;
      if (failure !== undefined) throw faultOf(failure, `writing to ${folder}`);
    }
    check();
  };
}

/** Leaves no torn file behind, as far as the process lives. */
async function writeDurably(path: string, body: Buffer, seconds: number | undefined): Promise<void> {
  const file = await open(
    path,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    0o600,
  );
  try {
    await file.writeFile(body);
    if (seconds !== undefined) await file.utimes(seconds, seconds);
    await file.sync();
  } catch (error) {
    await ifThere(unlink(path));
    throw error;
  } finally {
    await file.close();
  }
}
