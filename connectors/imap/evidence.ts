/** What the target holds, with the digest of each message: for proof, for extras, and after a crash. */
import type { Intent, Known, Located, TargetRef } from '../contract.js';
import { digestMail } from '../kinds/mail.js';
import { unknownRefs } from '../kinds/unknown-refs.js';
import { fetchBodies } from './bodies.js';
import type { ImapConnection } from './connection.js';
import type { Row } from './listing.js';
import { chunks, fetchRows } from './listing.js';
import type { Census, Range } from './search.js';
import { searchUids, within } from './search.js';
import { uidKey, uidSet } from './sequence-set.js';

/** Small enough that a page of large messages is soon proven, large enough to fill the network. */
const PAGE_ITEMS = 500;
/** So many are asked about at once whether they are known. */
const ASKED_ITEMS = 2_000;

/** The connection with the folder selected. */
type Open = () => Promise<ImapConnection>;

export interface DigestPage {
  readonly found: readonly TargetRef[];
  /** References whose content the server did not give, with its words. */
  readonly unreadable: readonly { readonly ref: string; readonly reason: string }[];
}

/**
 * Messages with their digests, in pages, ascending. UIDs that are not there are left out; what FETCH gives and SEARCH does
 * not name is in no list that people see, and counts as unreadable.
 */
export async function* digestPages(open: Open, uids: readonly Range[], known?: Known): AsyncGenerator<DigestPage> {
  let ahead: RowsAhead | undefined;
  for await (const chunk of known ? unknownLots(uids, known) : chunks(uids, PAGE_ITEMS)) {
    const current = ahead;
    ahead = rowsAhead(await open(), chunk);
    if (current) yield digestPage(open, await rowsOf(open, current));
  }
  if (ahead) yield digestPage(open, await rowsOf(open, ahead));
}

async function* unknownLots(uids: readonly Range[], known: Known): AsyncGenerator<number[]> {
  let chunk: number[] = [];
  for (const asked of chunks(uids, ASKED_ITEMS)) {
    for (const ref of await unknownRefs(asked.map(uidKey), known)) {
      chunk.push(Number(ref));
      if (chunk.length < PAGE_ITEMS) continue;
      yield chunk;
      chunk = [];
    }
  }
  if (chunk.length > 0) yield chunk;
}

interface RowsAhead {
  readonly connection: ImapConnection;
  readonly chunk: readonly number[];
  readonly rows: Promise<ListedRows>;
}

/** What FETCH describes of a chunk, and which of it SEARCH names. */
export interface ListedRows {
  readonly rows: readonly Row[];
  readonly named: ReadonlySet<number>;
}

export async function listedRows(connection: ImapConnection, chunk: readonly number[]): Promise<ListedRows> {
  const [rows, found] = await Promise.all([fetchRows(connection, chunk), searchUids(connection, uidSet(chunk))]);
  return { rows, named: within(chunk, found) };
}

function rowsAhead(connection: ImapConnection, chunk: readonly number[]): RowsAhead {
  const rows = listedRows(connection, chunk);
  // It is awaited only after the page before it; until then its failure must not count as unhandled.
  rows.catch(() => undefined);
  return { connection, chunk, rows };
}

/** Reading the bodies before may have cost the connection (see bodies.ts): the rows are then asked for again. */
async function rowsOf(open: Open, { connection, chunk, rows }: RowsAhead): Promise<ListedRows> {
  const now = await open();
  return now === connection ? rows : listedRows(now, chunk);
}

async function digestPage(open: Open, { rows, named }: ListedRows): Promise<DigestPage> {
  const byUid = new Map(rows.map((row) => [row.uid, row]));
  const found: TargetRef[] = [];
  const unreadable: { ref: string; reason: string }[] = [];
  for await (const answer of fetchBodies(open, rows)) {
    const row = byUid.get(answer.uid);
    const ref = uidKey(answer.uid);
    if ('unreadable' in answer) unreadable.push({ ref, reason: answer.unreadable });
    else if ('body' in answer && !named.has(answer.uid)) {
      unreadable.push({
        ref,
        reason: 'the server gives the message when it is asked for, and does not list it (SEARCH)',
      });
      continue;
    }
    if (!('body' in answer) || row === undefined) continue;
    const meta = { flags: row.flags, ...(row.date === undefined ? {} : { date: row.date }) };
    found.push({ ref, digest: digestMail(answer.body), bytes: answer.body.length, meta });
  }
  return { found, unreadable };
}

/**
 * Matches writes in doubt with the messages that came since the anchor, count by count: of three equal intents
 * and two equal messages, two landed. A message that cannot be read, or is not named, may be any of them.
 */
export async function* locateIntents(
  open: Open,
  intents: readonly Intent[],
  { uids, short }: Census,
  known: Known,
): AsyncGenerator<Located> {
  const waiting = new Map<string, string[]>();
  for (const { token, digest } of intents) waiting.set(digest, [...(waiting.get(digest) ?? []), token]);
  let obscure = short?.message;
  for await (const page of digestPages(open, uids, known)) {
    for (const { ref, digest, meta } of page.found) {
      const token = waiting.get(digest)?.shift();
      if (token !== undefined) yield { token, found: 'landed', ref, meta };
    }
    obscure ??= page.unreadable[0]?.reason;
  }
  for (const token of [...waiting.values()].flat()) {
    yield obscure === undefined ? { token, found: 'absent' } : { token, found: 'unsure', reason: obscure };
  }
}
