/**
 * Flags, dates and sizes of the selected folder, in pages that stay small however large the folder is. What SEARCH named
 * and FETCH leaves out, under OK or NO, is asked for once more; it is gone only when a second SEARCH does not name it.
 */
import { standardFlags } from '../kinds/mail.js';
import type { ImapConnection } from './connection.js';
import { fromInternalDate } from './internal-date.js';
import type { DataReply, StatusReply, Value } from './reply.js';
import { asList, asPairs, asText } from './reply.js';
import type { Range } from './search.js';
import { stillThere } from './search.js';
import { uidSet } from './sequence-set.js';

export interface Row {
  readonly uid: number;
  /** In the standard form (mail.ts). */
  readonly flags: readonly string[];
  readonly date?: string;
  /** RFC822.SIZE; 0 when the server did not tell. */
  readonly bytes: number;
  /** The server names the message and tells nothing of it, with why. */
  readonly undescribed?: string;
}

const ROW_ITEMS = ['UID', 'FLAGS', 'INTERNALDATE', 'RFC822.SIZE'] as const;

/** The UIDs of ranges in chunks of at most `size`, ascending. */
export function* chunks(found: readonly Range[], size: number): Generator<number[]> {
  let chunk: number[] = [];
  for (const [from, to] of found) {
    for (let uid = from; uid <= to; uid++) {
      chunk.push(uid);
      if (chunk.length === size) {
        yield chunk;
        chunk = [];
      }
    }
  }
  if (chunk.length > 0) yield chunk;
}

/**
 * The rows of each chunk, ascending, one chunk read ahead. UIDs that are gone are left out. A message whose size
 * the server cannot tell has size 0: reading it then says why.
 */
export async function* rowPages(connection: ImapConnection, uidChunks: Iterable<number[]>): AsyncGenerator<Row[]> {
  let ahead: Promise<Row[]> | undefined;
  for (const chunk of uidChunks) {
    const current = ahead;
    ahead = fetchRows(connection, chunk);
    // It is awaited only when the caller comes back; its failure must not count as unhandled until then.
    ahead.catch(() => undefined);
    if (current) yield await current;
  }
  if (ahead) yield await ahead;
}

/** What was told of each message, put together from as many replies as it came in. */
class Reported {
  readonly #pairs = new Map<number, Map<string, Value>>();
  readonly #asked: ReadonlySet<number>;
  /** Why a message, or one of them, was not described. */
  words: string | undefined;

  constructor(uids: readonly number[]) {
    this.#asked = new Set(uids);
  }

  take(reply: DataReply | StatusReply): void {
    if (reply.kind !== 'data' || reply.name !== 'FETCH') return;
    this.words ??= reply.unreadable;
    try {
      const pairs = asPairs(reply.values[0]);
      const uid = Number(asText(pairs.get('UID') ?? '0'));
      if (!this.#asked.has(uid)) return;
      this.#pairs.set(uid, new Map([...(this.#pairs.get(uid) ?? []), ...pairs]));
    } catch (error) {
      this.words ??= (error as Error).message;
    }
  }

  /** Undefined while something is missing; with `partly`, while the flags are. */
  row(uid: number, partly: boolean): Row | undefined {
    const pairs = this.#pairs.get(uid);
    const flags = pairs && this.#flags(pairs);
    if (!flags) return undefined;
    const size = pairs.get('RFC822.SIZE');
    const bytes = typeof size === 'string' && /^\d{1,15}$/.test(size) ? Number(size) : undefined;
    const date = dateIn(pairs);
    if (!partly && (bytes === undefined || !pairs.has('INTERNALDATE'))) return undefined;
    return { uid, flags, bytes: bytes ?? 0, ...(date === undefined ? {} : { date }) };
  }

  #flags(pairs: ReadonlyMap<string, Value>): readonly string[] | undefined {
    const flags = pairs.get('FLAGS');
    if (flags === undefined) return undefined;
    try {
      return standardFlags(asList(flags).map(asText));
    } catch (error) {
      this.words ??= `its flags: ${(error as Error).message}`;
      return undefined;
    }
  }
}

function dateIn(pairs: ReadonlyMap<string, Value>): string | undefined {
  const date = pairs.get('INTERNALDATE');
  return typeof date === 'string' ? fromInternalDate(date) : undefined;
}

/** The rows of ascending UIDs. What is named and not described has a row that says so; what is gone has none. */
export async function fetchRows(connection: ImapConnection, uids: readonly number[]): Promise<Row[]> {
  if (uids.length === 0) return [];
  const reported = new Reported(uids);
  await describe(connection, uids, reported);
  const open = uids.filter((uid) => reported.row(uid, false) === undefined);
  if (open.length > 0) await describe(connection, open, reported);
  const unknown = open.filter((uid) => reported.row(uid, true) === undefined);
  const named = unknown.length === 0 ? new Set() : await stillThere(connection, unknown);
  const undescribed = reported.words ?? 'the server leaves it out of its answer';
  return uids.flatMap(
    (uid) => reported.row(uid, true) ?? (named.has(uid) ? { uid, flags: [], bytes: 0, undescribed } : []),
  );
}

/** What makes the server say NO is found by halving; of one message alone each part is asked for by itself. */
async function describe(connection: ImapConnection, uids: readonly number[], reported: Reported): Promise<void> {
  const refusal = await ask(connection, uids, ROW_ITEMS, reported);
  if (refusal === undefined) return;
  if (uids.length > 1) {
    const middle = Math.ceil(uids.length / 2);
    const halves = [uids.slice(0, middle), uids.slice(middle)];
    await Promise.all(halves.map((half) => describe(connection, half, reported)));
    return;
  }
  reported.words ??= refusal;
  await Promise.all(ROW_ITEMS.slice(1, 3).map((item) => ask(connection, uids, ['UID', item], reported)));
}

/** Returns the server's words where it refuses. Throws other faults. */
async function ask(
  connection: ImapConnection,
  uids: readonly number[],
  items: readonly string[],
  reported: Reported,
): Promise<string | undefined> {
  const command = {
    name: 'UID FETCH',
    phase: 'message' as const,
    pieces: [`UID FETCH ${uidSet(uids)} (${items.join(' ')})`],
    onReply: (reply: DataReply | StatusReply) => reported.take(reply),
  };
  const reply = await connection.execute(command);
  if (reply.status === 'OK') return undefined;
  const fault = connection.fault(reply, command);
  if (fault.code !== 'refused') throw fault;
  return fault.message;
}
