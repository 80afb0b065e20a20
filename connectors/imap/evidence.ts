/** What the target holds, with the digest of each message: for proof, for extras, and after a crash. */
import type { Intent, Known, Located, TargetRef } from '../contract.js';
import { digestMail } from '../kinds/mail.js';
import { unknownRefs } from '../kinds/unknown-refs.js';
import { fetchBodies } from './bodies.js';
import type { ImapConnection } from './connection.js';
import type { Row } from './listing.js';
import { fetchRows, lots } from './listing.js';
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
  for await (const lot of known ? unknownLots(uids, known) : lots(uids, PAGE_ITEMS)) {
    const current = ahead;
    ahead = rowsAhead(await open(), lot);
    if (current) yield digestPage(open, await rowsOf(open, current));
  }
  if (ahead) yield digestPage(open, await rowsOf(open, ahead));
}

async function* unknownLots(uids: readonly Range[], known: Known): AsyncGenerator<number[]> {
  let lot: number[] = [];
  for (const asked of lots(uids, ASKED_ITEMS)) {
    for (const ref of await unknownRefs(asked.map(uidKey), known)) {
      lot.push(Number(ref));
      if (lot.length < PAGE_ITEMS) continue;
      yield lot;
      lot = [];
    }
  }
  if (lot.length > 0) yield lot;
}

interface RowsAhead {
  readonly connection: ImapConnection;
  readonly lot: readonly number[];
  readonly rows: Promise<ListedRows>;
}

/** What FETCH describes of a lot, and which of it SEARCH names. */
export interface ListedRows {
  readonly rows: readonly Row[];
  readonly named: ReadonlySet<number>;
}

export async function listedRows(connection: ImapConnection, lot: readonly number[]): Promise<ListedRows> {
  const [rows, found] = await Promise.all([fetchRows(connection, lot), searchUids(connection, uidSet(lot))]);
  return { rows, named: within(lot, found) };
}

function rowsAhead(connection: ImapConnection, lot: readonly number[]): RowsAhead {
  const rows = listedRows(connection, lot);
  // It is awaited only after the page before it; until then its failure must not count as unhandled.
  rows.catch(() => undefined);
  return { connection, lot, rows };
}

/** Reading the bodies before may have cost the connection (see bodies.ts): the rows are then asked for again. */
async function rowsOf(open: Open, { connection, lot, rows }: RowsAhead): Promise<ListedRows> {
  const now = await open();
  return now === connection ? rows : listedRows(now, lot);
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
