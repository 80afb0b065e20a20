/** Puts a sample mailbox under a Dovecot user, as Maildir files: the same for every contender. */
import { chown, mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SampleMessage } from '../tests/sample/messages.js';
import type { Dovecot } from '../tests/servers/dovecot.js';

const FLAG_LETTERS: Readonly<Record<string, string>> = {
  '\\Draft': 'D',
  '\\Flagged': 'F',
  '\\Answered': 'R',
  '\\Seen': 'S',
};

/** Writes messages into `cur/`; returns how many and how many bytes. */
export async function fillMailbox(
  dovecot: Dovecot,
  user: string,
  messages: Iterable<Pick<SampleMessage, 'path' | 'bytes' | 'flags' | 'date'>>,
): Promise<{ messages: number; bytes: number }> {
  const root = dovecot.mailDir(user);
  const made = new Set<string>();
  let count = 0;
  let bytes = 0;
  const own = (path: string): Promise<void> => chown(path, dovecot.uid, dovecot.gid);
  for (const message of messages) {
    const folder = message.path[0] === 'INBOX' ? root : join(root, `.${message.path.join('.')}`);
    if (!made.has(folder)) {
      for (const part of ['', 'cur', 'new', 'tmp']) {
        await mkdir(join(folder, part), { recursive: true });
        await own(join(folder, part));
      }
      made.add(folder);
    }
    const letters = message.flags
      .map((flag) => FLAG_LETTERS[flag] ?? '')
      .sort()
      .join('');
    const seconds = Math.floor(Date.parse(message.date) / 1000);
    const file = join(folder, 'cur', `${seconds}.M${count}P1.bench,S=${message.bytes.length}:2,${letters}`);
    await writeFile(file, message.bytes);
    await own(file);
    await utimes(file, seconds, seconds);
    count++;
    bytes += message.bytes.length;
  }
  return { messages: count, bytes };
}
