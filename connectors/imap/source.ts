/** An IMAP account as a source. Folders are only examined, messages only peeked at. */
import { createHash } from 'node:crypto';
import type { Body, Capability, Change, Container, ItemRef, Page, Refused, Source } from '../contract.js';
import { Fault } from '../errors.js';
import type { Mail } from '../kinds/mail.js';
import { fetchBodies } from './bodies.js';
import type { BodyAnswer } from './body-reply.js';
import { MAX_MESSAGE_BYTES } from './body-reply.js';
import type { ImapConnection } from './connection.js';
import { describeSource } from './describe.js';
import { folderBytes } from './folder-bytes.js';
import type { Folder } from './folders.js';
import { listFolders } from './folders.js';
import type { Row } from './listing.js';
import { chunks, fetchRows, rowPages } from './listing.js';
import { place } from './place.js';
import { between, takeCensus } from './search.js';
import { uidKey } from './sequence-set.js';
import type { ImapSession } from './session.js';
import { changedUids, parseToken, tokenOf } from './sync-token.js';

const PAGE_ITEMS = 1000;
/** The version of what the server names and does not describe. */
const UNDESCRIBED = '';
const GONE = 'the message is gone from the source; the next run will see that';

export function createImapSource(session: ImapSession): Source<Mail> {
  /** The folder opened read-only, as it is now. */
  async function open(container: Container, signal: AbortSignal, fresh: boolean): Promise<ImapConnection> {
    const connection = await session.ready(signal);
    const selected = await session.select(connection, container.key, 'read', fresh);
    if (selected.validity === container.validity) return connection;
    throw new Fault('source-changed', `folder ${container.path.join('/')} was rebuilt: its UIDVALIDITY changed`, {
      next: 'list the folders again',
    });
  }

  return {
    async place(signal) {
      return place(session, signal);
    },
    async describe(signal): Promise<readonly Capability[]> {
      const unwatch = session.watch(signal);
      try {
        return await describeSource(await session.ready(signal), session);
      } finally {
        unwatch();
      }
    },

    async *containers(signal): AsyncIterable<Container> {
      const unwatch = session.watch(signal);
      try {
        const connection = await session.ready(signal);
        await session.leave(connection);
        const folders = await listFolders(connection, session.namespace, true);
        for (const folder of folders) {
          session.check(signal);
          if (folder.status !== undefined) yield containerOf(folder);
        }
      } finally {
        unwatch();
      }
    },

    async bytes(container, signal) {
      const unwatch = session.watch(signal);
      try {
        const connection = await session.ready(signal);
        await session.leave(connection);
        return await folderBytes(connection, container.key);
      } finally {
        unwatch();
      }
    },

    async *list(container, after, signal): AsyncIterable<Page<ItemRef>> {
      const unwatch = session.watch(signal);
      try {
        const connection = await open(container, signal, true);
        const listed = after === undefined ? 0 : Number(after);
        const census = await takeCensus(connection, container.path.join('/'));
        for await (const rows of rowPages(
          connection,
          chunks(between(census.uids, listed + 1, Number.POSITIVE_INFINITY), PAGE_ITEMS),
        )) {
          session.check(signal);
          if (rows.length > 0) yield { entries: rows.map(itemOf) };
        }
        if (census.short) throw census.short;
      } finally {
        unwatch();
      }
    },

    async *changes(container, since, signal): AsyncIterable<Page<Change>> {
      const unwatch = session.watch(signal);
      try {
        const token = parseToken(since, container);
        const connection = await open(container, signal, true);
        const { changed, gone } = await changedUids(connection, session, token, container.path.join('/'));
        for await (const rows of rowPages(connection, chunks(changed, PAGE_ITEMS))) {
          session.check(signal);
          if (rows.length > 0) yield { entries: rows.map((row) => ({ change: 'upsert', item: itemOf(row) })) };
        }
        for (const chunk of chunks(gone, PAGE_ITEMS))
          yield { entries: chunk.map((uid) => ({ change: 'gone', key: uidKey(uid) })) };
      } finally {
        unwatch();
      }
    },

    async *read(container, refs, signal): AsyncIterable<Body<Mail> | Refused> {
      const unwatch = session.watch(signal);
      try {
        const opener = () => open(container, signal, false);
        for await (const answer of readInOrder(opener, refs)) {
          session.check(signal);
          yield answer;
        }
      } finally {
        unwatch();
      }
    },

    close: () => session.close(),
  };
}

/** Chunks of what is described, and what is not one by one: the order is that of `refs`. */
async function* readInOrder(
  open: () => Promise<ImapConnection>,
  refs: readonly ItemRef[],
): AsyncGenerator<Body<Mail> | Refused> {
  for (let at = 0; at < refs.length; ) {
    const end = refs.findIndex((ref, n) => n >= at && isAlone(ref));
    const described = refs.slice(at, end === -1 ? refs.length : end);
    const wanted = described.map((ref) => ({ uid: Number(ref.key), bytes: ref.bytes ?? 0 }));
    if (wanted.length > 0) for await (const answer of fetchBodies(open, wanted)) yield answered(answer);
    at += described.length;
    const ref = refs[at++];
    if (ref) yield { refused: ref.key, reason: tooLarge(ref) ?? (await whyUndescribed(await open(), Number(ref.key))) };
  }
}

function isAlone(ref: ItemRef): boolean {
  return (ref.version === UNDESCRIBED && ref.bytes === 0) || tooLarge(ref) !== undefined;
}

function tooLarge({ bytes = 0 }: ItemRef): string | undefined {
  if (bytes <= MAX_MESSAGE_BYTES) return undefined;
  return `the message has ${bytes} bytes, more than the ${MAX_MESSAGE_BYTES} that are carried; move it by hand`;
}

function answered(answer: BodyAnswer): Body<Mail> | Refused {
  const key = uidKey(answer.uid);
  if ('gone' in answer) return { refused: key, reason: GONE };
  const words = 'unreadable' in answer ? answer.unreadable : answer.doubt;
  if (words !== undefined) return { refused: key, reason: `${words}; open it in a mail program, and move it by hand` };
  const { body, note } = answer as Extract<BodyAnswer, { body: Mail }>;
  return { key, body, ...(note === undefined ? {} : { notes: [note] }) };
}

async function whyUndescribed(connection: ImapConnection, uid: number): Promise<string> {
  const [row] = await fetchRows(connection, [uid]);
  if (!row) return GONE;
  if (row.undescribed === undefined) return 'the server describes the message now; the next run will see that';
  return `the server names the message and does not describe it: ${row.undescribed}; open it in a mail program, and move it by hand`;
}

function containerOf(folder: Folder): Container {
  const { status } = folder;
  const token = status && tokenOf(status);
  return {
    key: folder.raw,
    path: folder.path,
    ...(folder.role === undefined ? {} : { role: folder.role }),
    validity: status?.validity ?? '',
    ...(token === undefined ? {} : { token }),
    ...(status === undefined ? {} : { items: status.messages }),
    subscribed: folder.subscribed,
  };
}

function itemOf(row: Row): ItemRef {
  const meta = { flags: row.flags, ...(row.date === undefined ? {} : { date: row.date }) };
  return { key: uidKey(row.uid), version: versionOf(row), bytes: row.bytes, rank: 0, meta };
}

/** A UID's content never changes (RFC 9051, section 2.3.1.1): flags, date and size tell all that can. */
function versionOf({ flags, date = '', bytes, undescribed }: Row): string {
  if (undescribed !== undefined) return UNDESCRIBED;
  return createHash('sha256')
    .update(`${bytes} ${date} ${flags.join(' ')}`)
    .digest('base64url')
    .slice(0, 16);
}
