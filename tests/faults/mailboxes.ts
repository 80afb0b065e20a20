/** Mailboxes before and after a move: filled on disk, and compared with imapflow, no line of our own wire. */
import { createHash } from 'node:crypto';
import { chownSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ImapFlow } from 'imapflow';
import { encodeModifiedUtf7 } from '../../connectors/formats/modified-utf7.js';
import type { Limits, Selection, Spec, SystemConfig } from '../../schemas/spec.js';
import { sampleMailbox } from '../sample/messages.js';
import type { Dovecot } from '../servers/dovecot.js';

interface Server {
  readonly host: string;
  readonly port: number;
}

export interface Stored {
  readonly path: readonly string[];
  readonly bytes: Buffer;
  readonly flags: readonly string[];
  readonly date: string;
}

/** Folders that Dovecot's Maildir can have, as samples name them. */
const FOLDERS = 10;

/** Small messages, odd ones among them; every fiftieth is there twice, in its folder or in another. */
export function* smallMailbox(seed: number, messages: number): Generator<Stored> {
  const made = sampleMailbox({ seed, messages, folders: FOLDERS, medianBytes: 700, totalBytes: messages * 1_500 });
  let n = 0;
  let last: Stored | undefined;
  for (const { path, bytes, flags, date } of made) {
    const twin = n++ % 50 === 49 ? last : undefined;
    last = { path, bytes, flags, date };
    yield twin ? { ...last, bytes: twin.bytes, path: n % 100 === 0 ? path : twin.path } : last;
  }
}

const SYSTEM_LETTERS: Readonly<Record<string, string>> = {
  '\\Draft': 'D',
  '\\Flagged': 'F',
  '\\Answered': 'R',
  '\\Seen': 'S',
};

/** Writes messages where Dovecot keeps the account's mail, before anybody logs in to it. */
export function fillMaildir(dovecot: Dovecot, user: string, messages: Iterable<Stored>): void {
  const root = dovecot.mailDir(user);
  const own = (path: string) => chownSync(path, dovecot.uid, dovecot.gid);
  const keywords = new Map<string, string[]>();
  mkdirSync(root, { recursive: true });
  for (const path of [join(root, '..'), root]) own(path);
  let n = 0;
  for (const { path, bytes, flags, date } of messages) {
    const dir =
      path.length === 1 && path[0] === 'INBOX'
        ? root
        : join(root, `.${path.map((p) => encodeModifiedUtf7(p)).join('.')}`);
    let known = keywords.get(dir);
    if (known === undefined) {
      for (const name of ['', 'cur', 'new', 'tmp']) {
        mkdirSync(join(dir, name), { recursive: true });
        own(join(dir, name));
      }
      known = [];
      keywords.set(dir, known);
    }
    const letters = flags.map((flag) => SYSTEM_LETTERS[flag] ?? keywordLetter(known, flag)).sort();
    const time = Date.parse(date) / 1000;
    const file = join(dir, 'cur', `${Math.floor(time)}.M${String(n++).padStart(6, '0')}P1.test:2,${letters.join('')}`);
    writeFileSync(file, bytes);
    utimesSync(file, time, time);
    own(file);
  }
  for (const [dir, known] of keywords) {
    if (known.length === 0) continue;
    const file = join(dir, 'dovecot-keywords');
    writeFileSync(file, known.map((keyword, at) => `${at} ${keyword}\n`).join(''));
    own(file);
  }
}

/** Dovecot names the keywords of a folder in a file; messages carry their letters. */
function keywordLetter(known: string[], keyword: string): string {
  if (!known.includes(keyword)) known.push(keyword);
  return String.fromCharCode(97 + known.indexOf(keyword));
}

/** Every message of the account as one line: folder, digest of the raw bytes, flags, internal date to the second; sorted. */
export async function contentsOf(server: Server, user: string, pass = 'secret'): Promise<string[]> {
  const client = new ImapFlow({
    host: server.host,
    port: server.port,
    secure: false,
    auth: { user, pass },
    logger: false,
  });
  await client.connect();
  try {
    const lines: string[] = [];
    for (const { path, flags: attributes } of await client.list()) {
      if (attributes.has('\\Noselect')) continue;
      const lock = await client.getMailboxLock(path, { readOnly: true });
      try {
        if (client.mailbox === false || client.mailbox.exists === 0) continue;
        for await (const one of client.fetch('1:*', { source: true, flags: true, internalDate: true })) {
          const digest = createHash('sha256')
            .update(one.source ?? '')
            .digest('hex')
            .slice(0, 20);
          const flags = [...(one.flags ?? [])]
            .filter((flag) => flag !== '\\Recent')
            .sort()
            .join(' ');
          const date = new Date(one.internalDate ?? Number.NaN).toISOString();
          lines.push(`${path} ${digest} [${flags}] ${date}`);
        }
      } finally {
        lock.release();
      }
    }
    return lines.sort();
  } finally {
    await client.logout();
  }
}

/** What one list holds more often than the other; the first few of each, for a message that can be read. */
export function difference(source: readonly string[], target: readonly string[]) {
  const count = new Map<string, number>();
  for (const line of source) count.set(line, (count.get(line) ?? 0) + 1);
  for (const line of target) count.set(line, (count.get(line) ?? 0) - 1);
  const lines = [...count].filter(([, n]) => n !== 0);
  return {
    lost: lines.filter(([, n]) => n > 0).slice(0, 5),
    extra: lines.filter(([, n]) => n < 0).slice(0, 5),
  };
}

/** The variable that holds every password in these tests. */
export const PASSWORD_VARIABLE = 'TEST_IMAP_PASSWORD';

export function imapSystem(
  server: Server,
  options: {
    readonly limits?: Limits;
    readonly replyMs?: number;
    readonly password?: { env: string } | { file: string };
  } = {},
): SystemConfig {
  return {
    type: 'imap',
    ...(options.limits ? { limits: options.limits } : {}),
    options: {
      host: server.host,
      port: server.port,
      tls: 'none',
      auth: { username: '{account}', password: options.password ?? { env: PASSWORD_VARIABLE } },
      ...(options.replyMs === undefined ? {} : { timeouts: { connectMs: options.replyMs, replyMs: options.replyMs } }),
    },
  };
}

export function mailSpec(
  name: string,
  old: SystemConfig,
  next: SystemConfig,
  accounts: readonly (readonly [from: string, to: string])[],
  selection: Partial<Selection> = {},
): Spec {
  return {
    version: 1,
    name,
    sources: { old },
    targets: { new: next },
    selections: [
      {
        name: 'mail',
        kind: 'mail',
        from: 'old',
        to: 'new',
        accounts: accounts.map(([from, to]) => ({ from, to })),
        ...selection,
      },
    ],
  };
}
