/** What the target holds, with the digest of each message: for proof, for extras, and after a crash. */
import type { Intent, Located, TargetRef } from '../contract.js';
import { digestMail } from '../mail.js';
import { fetchBodies } from './bodies.js';
import type { ImapConnection } from './connection.js';
import type { Row } from './listing.js';
import { fetchRows, lots } from './listing.js';
import type { Range } from './search.js';
import { searchUids } from './search.js';
import { uidKey } from './sequence-set.js';

/** Small enough that a page of large messages is soon proven, large enough to fill the network. */
const PAGE_ITEMS = 500;

/** The connection with the folder selected. */
type Open = () => Promise<ImapConnection>;

export interface DigestPage {
  readonly found: readonly TargetRef[];
  /** References whose content the server did not give, with its words. */
  readonly unreadable: readonly { readonly ref: string; readonly reason: string }[];
}

/** Messages with their digests, in pages, ascending. UIDs that are not there are left out. */
export async function* digestPages(
  open: Open,
  uids: readonly Range[],
  skip?: (uid: number) => boolean,
): AsyncGenerator<DigestPage> {
  let ahead: RowsAhead | undefined;
  for (const lot of lots(uids, PAGE_ITEMS, skip)) {
    const current = ahead;
    ahead = rowsAhead(await open(), lot);
    if (current) yield digestPage(open, await rowsOf(open, current));
  }
  if (ahead) yield digestPage(open, await rowsOf(open, ahead));
}

interface RowsAhead {
  readonly connection: ImapConnection;
  readonly lot: readonly number[];
  readonly rows: Promise<Row[]>;
}

function rowsAhead(connection: ImapConnection, lot: readonly number[]): RowsAhead {
  const rows = fetchRows(connection, lot);
  // It is awaited only after the page before it; until then its failure must not count as unhandled.
  rows.catch(() => undefined);
  return { connection, lot, rows };
}

/** Reading the bodies before may have cost the connection (see bodies.ts): the rows are then asked for again. */
async function rowsOf(open: Open, { connection, lot, rows }: RowsAhead): Promise<Row[]> {
  const now = await open();
  return now === connection ? rows : fetchRows(now, lot);
}

async function digestPage(open: Open, rows: readonly Row[]): Promise<DigestPage> {
  const byUid = new Map(rows.map((row) => [row.uid, row]));
  const found: TargetRef[] = [];
  const unreadable: { ref: string; reason: string }[] = [];
  for await (const answer of fetchBodies(open, rows)) {
    const row = byUid.get(answer.uid);
    const ref = uidKey(answer.uid);
    if ('unreadable' in answer) unreadable.push({ ref, reason: answer.unreadable });
    if (!('body' in answer) || row === undefined) continue;
    const meta = { flags: row.flags, ...(row.date === undefined ? {} : { date: row.date }) };
    found.push({ ref, digest: digestMail(answer.body), bytes: answer.body.length, meta });
  }
  return { found, unreadable };
}

/**
 * Matches writes in doubt with the messages that came since the anchor, count by count: of three equal intents
 * and two equal messages, two landed. A message that cannot be read may be any of them.
 */
export async function* locateIntents(
  open: Open,
  intents: readonly Intent[],
  anchor: number,
  known: (ref: string) => boolean,
): AsyncGenerator<Located> {
  const waiting = new Map<string, string[]>();
  for (const { token, digest } of intents) waiting.set(digest, [...(waiting.get(digest) ?? []), token]);
  let obscure: string | undefined;
  const uids = await searchUids(await open(), `${anchor}:*`);
  for await (const page of digestPages(open, uids, (uid) => known(uidKey(uid)))) {
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
