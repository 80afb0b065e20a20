/** Which UIDs the selected folder has: as SEARCH names them, beside what EXISTS counts. */
import { Fault } from '../errors.js';
import type { ImapConnection } from './connection.js';
import type { DataReply, StatusReply, Value } from './reply.js';
import { asText, expunged } from './reply.js';
import { ranges } from './sequence-set.js';

export type Range = readonly [from: number, to: number];

/** The UIDs of a set such as `4:9,12` or `7:*` that are there, as ascending ranges without overlap. */
export async function searchUids(
  connection: ImapConnection,
  set: string,
  onReply: (reply: DataReply | StatusReply) => void = () => {},
): Promise<Range[]> {
  const found: Range[] = [];
  let unreadable: string | undefined;
  const extended = connection.has('ESEARCH') || connection.has('IMAP4REV2');
  const search = extended ? 'UID SEARCH RETURN (ALL) UID' : 'UID SEARCH UID';
  await connection.run({
    name: 'UID SEARCH',
    pieces: [`${search} ${set}`],
    onReply(reply) {
      onReply(reply);
      if (reply.kind !== 'data' || !/^E?SEARCH$/.test(reply.name)) return;
      unreadable ??= reply.unreadable;
      if (reply.name === 'SEARCH') for (const value of reply.values) found.push(...rangesIn(value));
      const at = reply.name === 'ESEARCH' ? reply.values.indexOf('ALL') : -1;
      if (at !== -1) for (const range of ranges(asText(reply.values[at + 1]))) found.push(range);
    },
  });
  if (unreadable !== undefined) throw new Fault('refused', `UID SEARCH: ${unreadable}`);
  const [first] = ranges(set);
  // `n:*` holds the last message even when its UID is below n (RFC 9051, seq-range).
  const from = set.endsWith(':*') ? Number.parseInt(set, 10) : (first?.[0] ?? 1);
  return merged(found.filter(([, to]) => to >= from).map(([a, b]) => [Math.max(a, from), b] as const));
}

function rangesIn(value: Value): Range[] {
  const uid = typeof value === 'string' ? Number(value) : Number.NaN;
  return Number.isInteger(uid) ? [[uid, uid]] : [];
}

/** In ascending order, without overlap. */
export function merged(found: readonly Range[]): Range[] {
  const whole: [number, number][] = [];
  for (const [from, to] of [...found].sort((x, y) => x[0] - y[0])) {
    const last = whole[whole.length - 1];
    if (last && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else whole.push([from, to]);
  }
  return whole;
}

export function countOf(found: readonly Range[]): number {
  return found.reduce((sum, [from, to]) => sum + to - from + 1, 0);
}

/** Which of the ascending UIDs lie in the ranges. */
export function within(uids: readonly number[], found: readonly Range[]): Set<number> {
  let at = 0;
  return new Set(
    uids.filter((uid) => {
      while (at < found.length && (found[at] as Range)[1] < uid) at++;
      return at < found.length && (found[at] as Range)[0] <= uid;
    }),
  );
}

/** The part of ascending ranges that lies between two UIDs, both included. */
export function between(found: readonly Range[], from: number, to: number): Range[] {
  return found.filter(([a, b]) => b >= from && a <= to).map(([a, b]) => [Math.max(a, from), Math.min(b, to)]);
}

/** What of the ascending ranges `found` does not lie in those of `taken`. */
export function without(found: readonly Range[], taken: readonly Range[]): Range[] {
  const left: Range[] = [];
  let at = 0;
  for (const [first, to] of found) {
    let from = first;
    while (at < taken.length && (taken[at] as Range)[1] < from) at++;
    for (let next = at; next < taken.length && (taken[next] as Range)[0] <= to; next++) {
      const [a, b] = taken[next] as Range;
      if (a > from) left.push([from, a - 1]);
      from = b + 1;
    }
    if (from <= to) left.push([from, to]);
  }
  return left;
}

export interface Census {
  /** What SEARCH names. */
  readonly uids: readonly Range[];
  /** Set where the folder counts more than SEARCH names, each time it was looked at. */
  readonly short?: Fault;
}

/** Looks at a folder whose counts differ; each but the first begins with NOOP, which brings what others did meanwhile. */
const LOOKS = 3;
/** What SEARCH may name beyond what is counted before it is not believed at all. */
const BEYOND = 100_000;

/**
 * Counts the selected folder by two means at one moment. What comes or goes meanwhile is no difference: only what was
 * there before SEARCH was sent, and was not told to be gone by its end, must be named. Throws `Fault('refused')` where SEARCH
 * names far more than can be there.
 */
export async function takeCensus(connection: ImapConnection, path: string): Promise<Census> {
  for (let look = 1; ; look++) {
    if (look > 1) await connection.run({ name: 'NOOP', pieces: ['NOOP'] });
    const before = connection.exists;
    let gone = 0;
    const uids = await searchUids(connection, '1:*', (reply) => {
      gone += expunged(reply);
    });
    const [named, counted] = [countOf(uids), before - gone];
    if (named > connection.exists + BEYOND) throw differs(path, before, named);
    if (named >= counted) return { uids };
    if (look === LOOKS) return { uids, short: differs(path, counted, named) };
  }
}

/** Which of the ascending UIDs are not gone: also those that a SEARCH leaves out which names less than is counted. */
export async function stillThere(connection: ImapConnection, uids: readonly number[]): Promise<ReadonlySet<number>> {
  const census = await takeCensus(connection, 'that is open');
  return census.short ? new Set(uids) : within(uids, census.uids);
}

function differs(path: string, counted: number, named: number): Fault {
  const message = `folder ${path}: the server counts ${counted} messages (EXISTS) and names ${named} (SEARCH)`;
  return new Fault('refused', message, {
    next: 'have the mailbox repaired by its provider, or move what is missing by hand; the next run looks again',
  });
}
