/** UIDs, flags, dates and sizes of the selected folder, in pages that stay small however large the folder is. */
import type { ImapConnection } from './connection.js';
import { fromInternalDate } from './internal-date.js';
import type { DataReply, StatusReply } from './reply.js';
import { asList, asPairs, asText } from './reply.js';
import { ranges, uidSet } from './sequence-set.js';

export interface Row {
  readonly uid: number;
  /** Sorted, without \Recent and \Deleted. */
  readonly flags: readonly string[];
  readonly date?: string;
  /** RFC822.SIZE; 0 when the server could not tell. */
  readonly bytes: number;
}

export type Range = readonly [from: number, to: number];

const ROW_ITEMS = '(UID FLAGS INTERNALDATE RFC822.SIZE)';

/** The UIDs from `from` on, as ascending ranges. */
export async function searchUids(connection: ImapConnection, from: number): Promise<Range[]> {
  const found: Range[] = [];
  const extended = connection.has('ESEARCH') || connection.has('IMAP4REV2');
  const add = (more: Iterable<Range>) => {
    for (const range of more) found.push(range);
  };
  const onReply = (reply: DataReply | StatusReply) => {
    if (reply.kind !== 'data') return;
    if (reply.name === 'SEARCH') add(runs(reply.values.map((value) => Number(asText(value)))));
    if (reply.name !== 'ESEARCH') return;
    const at = reply.values.indexOf('ALL');
    if (at !== -1) add(ranges(asText(reply.values[at + 1])));
  };
  const search = extended ? 'UID SEARCH RETURN (ALL) UID' : 'UID SEARCH UID';
  await connection.run({ name: 'UID SEARCH', pieces: [`${search} ${from}:*`], onReply });
  // `n:*` holds the last message even when its UID is below n (RFC 9051, seq-range).
  return found
    .filter(([, to]) => to >= from)
    .map(([a, b]) => [Math.max(a, from), b] as const)
    .sort((x, y) => x[0] - y[0]);
}

function runs(uids: number[]): Range[] {
  const found: [number, number][] = [];
  for (const uid of uids.filter(Number.isInteger).sort((a, b) => a - b)) {
    const last = found[found.length - 1];
    if (last && uid <= last[1] + 1) last[1] = uid;
    else found.push([uid, uid]);
  }
  return found;
}

/** The UIDs of ranges in lots of at most `size`, ascending. */
export function* lots(
  found: readonly Range[],
  size: number,
  skip: (uid: number) => boolean = () => false,
): Generator<number[]> {
  let lot: number[] = [];
  for (const [from, to] of found) {
    for (let uid = from; uid <= to; uid++) {
      if (skip(uid)) continue;
      lot.push(uid);
      if (lot.length === size) {
        yield lot;
        lot = [];
      }
    }
  }
  if (lot.length > 0) yield lot;
}

/**
 * The rows of each lot, ascending, one lot read ahead. UIDs that are gone are left out. A message whose size
 * the server cannot tell has size 0: reading it then says why.
 */
export async function* rowPages(connection: ImapConnection, uidLots: Iterable<number[]>): AsyncGenerator<Row[]> {
  let ahead: Promise<Row[]> | undefined;
  for (const lot of uidLots) {
    const current = ahead;
    ahead = fetchRows(connection, lot);
    // It is awaited only when the caller comes back; its failure must not count as unhandled until then.
    ahead.catch(() => undefined);
    if (current) yield await current;
  }
  if (ahead) yield await ahead;
}

export async function fetchRows(
  connection: ImapConnection,
  uids: readonly number[],
  items = ROW_ITEMS,
): Promise<Row[]> {
  if (uids.length === 0) return [];
  const asked = new Set(uids);
  const rows = new Map<number, Row>();
  const command = {
    name: 'UID FETCH',
    phase: 'message' as const,
    pieces: [`UID FETCH ${uidSet(uids)} ${items}`],
    onReply(reply: DataReply | StatusReply) {
      const row = readRow(reply, items === ROW_ITEMS);
      if (row && asked.has(row.uid)) rows.set(row.uid, row);
    },
  };
  const reply = await connection.execute(command);
  if (reply.status !== 'OK') {
    const fault = connection.fault(reply, command);
    if (fault.code !== 'refused' || (uids.length === 1 && items !== ROW_ITEMS)) throw fault;
    return uids.length === 1 ? fetchRows(connection, uids, '(UID FLAGS)') : halves(connection, uids, items);
  }
  return [...rows.values()].sort((a, b) => a.uid - b.uid);
}

async function halves(connection: ImapConnection, uids: readonly number[], items: string): Promise<Row[]> {
  const middle = Math.ceil(uids.length / 2);
  const [first, second] = await Promise.all([
    fetchRows(connection, uids.slice(0, middle), items),
    fetchRows(connection, uids.slice(middle), items),
  ]);
  return [...first, ...second];
}

/** The row in a FETCH reply; undefined for other replies, also for flag changes that nobody asked for. */
function readRow(reply: DataReply | StatusReply, withSize: boolean): Row | undefined {
  if (reply.kind !== 'data' || reply.name !== 'FETCH') return undefined;
  const pairs = asPairs(reply.values[0]);
  const uid = pairs.get('UID');
  const flags = pairs.get('FLAGS');
  if (uid === undefined || flags === undefined || pairs.has('RFC822.SIZE') !== withSize) return undefined;
  const date = pairs.has('INTERNALDATE') ? fromInternalDate(asText(pairs.get('INTERNALDATE'))) : undefined;
  return {
    uid: Number(asText(uid)),
    flags: asList(flags)
      .map(asText)
      .filter((flag) => !/^\\(recent|deleted)$/i.test(flag))
      .sort(),
    bytes: Number(asText(pairs.get('RFC822.SIZE') ?? '0')),
    ...(date === undefined ? {} : { date }),
  };
}
