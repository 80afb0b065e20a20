/**
 * Reads message bodies: lots of UIDs with the next lot asked for before the first is consumed. A message that
 * the server cannot give does not stop its neighbours: it is found by halving where the server says NO, and by
 * asking anew, one by one, where it drops the connection (Dovecot does, by its imap_fetch_failure).
 */

import { Fault } from '../errors.js';
import { doubtAbout, isShort, shortBy } from '../whole-mail.js';
import { MAX_TEXT_BYTES } from './command.js';
import type { ImapConnection } from './connection.js';
import type { DataReply, StatusReply, Value } from './reply.js';
import { isSkipped } from './reply.js';
import { searchUids, within } from './search.js';
import { uidSet } from './sequence-set.js';

export interface WantedBody {
  readonly uid: number;
  /** As listed; bounds what is asked for at once. */
  readonly bytes: number;
}

export type BodyAnswer =
  /** `doubt`: why it cannot be all of the message, after it was asked for twice. `note`: what does not add up all the same. */
  | { readonly uid: number; readonly body: Buffer; readonly doubt?: string; readonly note?: string }
  | { readonly uid: number; readonly unreadable: string }
  | { readonly uid: number; readonly gone: true };

const MAX_LOT_MESSAGES = 200;
const MAX_LOT_BYTES = 2 * 1024 * 1024;
/** Over all lots in flight, but for a single message that is larger. */
const MAX_AHEAD_BYTES = 12 * 1024 * 1024;
/** Enough to fill a line of 40 ms. */
const LOTS_AHEAD = 6;
/** How often the connection may end when one message alone was asked for, before the message is held to be the cause. */
const MAX_ENDINGS = { bye: 2, closed: 3 } as const;

/**
 * Bodies in the order asked, each UID answered once. `open` gives the connection with the folder selected,
 * and is called again when the server ended the connection. Throws `Fault` for what is no message's fault.
 */
export async function* fetchBodies(
  open: () => Promise<ImapConnection>,
  wanted: readonly WantedBody[],
): AsyncGenerator<BodyAnswer> {
  const endings = new Map<number, number>();
  let lotMessages = MAX_LOT_MESSAGES;
  for (let next = 0; next < wanted.length; ) {
    const connection = await open();
    const first = next;
    try {
      for await (const answer of readFrom(connection, wanted.slice(next), lotMessages)) {
        next++;
        yield answer;
      }
    } catch (error) {
      const { ending } = connection;
      const suspect = wanted[next];
      if ((ending !== 'bye' && ending !== 'closed') || !(error instanceof Fault) || error.code !== 'unavailable')
        throw error;
      if (suspect === undefined) throw error;
      // What was asked for together with others may only have stood before the one at fault.
      const alone = lotMessages === 1 && next === first;
      lotMessages = 1;
      if (!alone) continue;
      const times = (endings.get(suspect.uid) ?? 0) + 1;
      endings.set(suspect.uid, times);
      if (times < MAX_ENDINGS[ending]) continue;
      next++;
      yield { uid: suspect.uid, unreadable: `the server ends the connection when asked for it: ${error.message}` };
    }
  }
}

interface Lot {
  readonly wanted: readonly WantedBody[];
  readonly bytes: number;
  settled: boolean;
  failure?: unknown;
  reply?: StatusReply;
}

async function* readFrom(
  connection: ImapConnection,
  wanted: readonly WantedBody[],
  firstLotMessages: number,
): AsyncGenerator<BodyAnswer> {
  const got = new Map<number, BodyAnswer>();
  const uids = new Map(wanted.map((one) => [one.uid, one.bytes]));
  const ahead: Lot[] = [];
  let wake: () => void = () => undefined;
  let asked = 0;
  let lotMessages = firstLotMessages;

  const onReply = (reply: DataReply | StatusReply) => {
    const answer = readBody(reply);
    const told = answer && uids.get(answer.uid);
    if (!answer || told === undefined) return;
    if ('body' in answer && !got.has(answer.uid)) compareSizes(connection, answer.body, told);
    got.set(answer.uid, answer);
    wake();
  };
  const ask = () => {
    while (asked < wanted.length && ahead.length < LOTS_AHEAD) {
      const lot = nextLot(wanted, asked, lotMessages);
      const bytes = ahead.reduce((sum, other) => sum + other.bytes, lot.bytes);
      if (ahead.length > 0 && (bytes > MAX_AHEAD_BYTES || (firstLotMessages === 1 && lotMessages === 1))) return;
      asked += lot.wanted.length;
      ahead.push(lot);
      connection.execute(fetchCommand(lot.wanted, onReply)).then(
        (reply) => settle(lot, { reply }),
        (failure) => settle(lot, { failure }),
      );
    }
  };
  const settle = (lot: Lot, outcome: { reply?: StatusReply; failure?: unknown }) => {
    Object.assign(lot, outcome, { settled: true });
    wake();
  };

  for (ask(); ahead.length > 0; ask()) {
    const lot = ahead[0] as Lot;
    for (const [at, { uid, bytes }] of lot.wanted.entries()) {
      while (!got.has(uid) && !lot.settled) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (!got.has(uid)) {
        if (lot.failure !== undefined) throw lot.failure;
        if (lot.reply?.status !== 'OK') {
          const missing = lot.wanted.slice(at).filter((one) => !got.has(one.uid));
          await isolate(connection, missing, lot.reply as StatusReply, got);
        } else {
          const left = lot.wanted.slice(at).filter((one) => !got.has(one.uid));
          await askAgain(connection, left, got);
        }
      }
      const answer = got.get(uid) ?? { uid, gone: true };
      got.delete(uid);
      uids.delete(uid);
      // How right the sizes of this server are is told by the neighbours.
      while (isShortAnswer(answer, bytes) && !lot.settled) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      yield await lookedAt(connection, answer, bytes);
    }
    ahead.shift();
    // After an ending, trust grows again with each lot that went well.
    lotMessages = Math.min(MAX_LOT_MESSAGES, lotMessages * 4);
  }
}

/** What an OK left out is asked for once more; it is gone only when SEARCH does not name it. */
async function askAgain(
  connection: ImapConnection,
  left: readonly WantedBody[],
  got: Map<number, BodyAnswer>,
): Promise<void> {
  const uids = left.map((one) => one.uid).sort((a, b) => a - b);
  const onReply = (reply: DataReply | StatusReply) => {
    const answer = readBody(reply);
    if (answer && left.some((one) => one.uid === answer.uid)) got.set(answer.uid, answer);
  };
  const [reply, named] = await Promise.all([
    connection.execute(fetchCommand(left, onReply)),
    searchUids(connection, uidSet(uids)),
  ]);
  if (reply.status !== 'OK') await isolate(connection, left, reply, got);
  const still = within(uids, named);
  for (const { uid } of left)
    if (!got.has(uid)) got.set(uid, still.has(uid) ? { uid, unreadable: LEFT_OUT } : { uid, gone: true });
}

const LEFT_OUT = 'UID FETCH: the server names the message and gives nothing of it';

/** How often a server told the size of what it gave, and how often more. */
const sizes = new WeakMap<ImapConnection, { exact: number; short: number }>();

function compareSizes(connection: ImapConnection, body: Buffer, told: number): void {
  const seen = sizes.get(connection) ?? { exact: 0, short: 0 };
  sizes.set(connection, seen);
  if (isShort(body, told)) seen.short++;
  else if (told > 0) seen.exact++;
}

function isShortAnswer(answer: BodyAnswer, told: number): boolean {
  return 'body' in answer && isShort(answer.body, told);
}

/**
 * What cannot be all of the message is asked for once more, alone. Exchange only estimates sizes: a body that is shorter
 * and looks whole counts as whole, with a note, unless the sizes of this server are mostly right.
 */
async function lookedAt(connection: ImapConnection, answer: BodyAnswer, told: number): Promise<BodyAnswer> {
  if (!('body' in answer)) return answer;
  const { uid, body } = answer;
  const { exact, short } = sizes.get(connection) ?? { exact: 0, short: 0 };
  const doubtOf = (one: Buffer) => doubtAbout(one, told, exact > 0 && exact >= short);
  if (doubtOf(body) === undefined) return withNote(uid, body, told);
  let again = body;
  await connection.execute(
    fetchCommand([{ uid, bytes: told }], (reply) => {
      const one = readBody(reply);
      if (one?.uid === uid && 'body' in one) again = one.body;
    }),
  );
  if (doubtOf(again) === undefined) return withNote(uid, again, told);
  const longer = again.length > body.length ? again : body;
  const doubt = doubtOf(longer);
  return { uid, body: longer, ...(doubt === undefined ? {} : { doubt }) };
}

function withNote(uid: number, body: Buffer, told: number): BodyAnswer {
  return { uid, body, ...(isShort(body, told) ? { note: shortBy(body, told) } : {}) };
}

function nextLot(wanted: readonly WantedBody[], from: number, maxMessages: number): Lot {
  const lot: WantedBody[] = [];
  let bytes = 0;
  for (let at = from; at < wanted.length && lot.length < maxMessages; at++) {
    const one = wanted[at] as WantedBody;
    if (lot.length > 0 && bytes + one.bytes > MAX_LOT_BYTES) break;
    lot.push(one);
    bytes += one.bytes;
  }
  return { wanted: lot, bytes, settled: false };
}

/** Finds, by halving, which of the messages made the server say NO; the others are read on the way. */
async function isolate(
  connection: ImapConnection,
  missing: readonly WantedBody[],
  refusal: StatusReply,
  got: Map<number, BodyAnswer>,
): Promise<void> {
  const onReply = (reply: DataReply | StatusReply) => {
    const answer = readBody(reply);
    if (answer && missing.some((one) => one.uid === answer.uid)) got.set(answer.uid, answer);
  };
  const fault = connection.fault(refusal, fetchCommand(missing, onReply));
  if (!['refused', 'not-found', 'source-changed'].includes(fault.code)) throw fault;
  const middle = Math.ceil(missing.length / 2);
  for (const half of [missing.slice(0, middle), missing.slice(middle)]) {
    if (half.length === 0) continue;
    const reply = await connection.execute(fetchCommand(half, onReply));
    const [first, ...rest] = half.filter((one) => !got.has(one.uid));
    if (reply.status === 'OK' || first === undefined) continue;
    if (half.length > 1) await isolate(connection, [first, ...rest], reply, got);
    else
      got.set(first.uid, { uid: first.uid, unreadable: connection.fault(reply, fetchCommand(half, onReply)).message });
  }
}

function fetchCommand(wanted: readonly WantedBody[], onReply: (reply: DataReply | StatusReply) => void) {
  const set = uidSet(wanted.map((one) => one.uid));
  return {
    name: 'UID FETCH',
    phase: 'message' as const,
    literalBytes: Math.max(...wanted.map(({ bytes }) => mostBytesOf(bytes))),
    pieces: [`UID FETCH ${set} (UID BODY.PEEK[])`],
    onReply,
  };
}

/** A message is held as a whole; larger ones are not asked for. */
export const MAX_MESSAGE_BYTES = 256 * 1024 * 1024;

/** Sizes may be estimates (Exchange), and base64 is longer than what it stands for; beyond, it is not that message. */
function mostBytesOf(told: number): number {
  return told === 0 ? MAX_MESSAGE_BYTES : Math.min(MAX_MESSAGE_BYTES, 4 * told + MAX_TEXT_BYTES);
}

function readBody(reply: DataReply | StatusReply): BodyAnswer | undefined {
  if (reply.kind !== 'data' || reply.name !== 'FETCH' || !Array.isArray(reply.values[0])) return undefined;
  const list = reply.values[0] as readonly Value[];
  const told = (name: string) => {
    const at = list.findIndex((one, n) => n % 2 === 0 && typeof one === 'string' && one.toUpperCase() === name);
    return at === -1 ? undefined : list[at + 1];
  };
  const [uid, body] = [Number(told('UID')), told('BODY[]')];
  if (!Number.isInteger(uid) || body === undefined) return undefined;
  // NIL: the server has the message but not its content (Exchange, for items it cannot render).
  if (body === null) return { uid, unreadable: 'UID FETCH: the server has no content for the message (NIL)' };
  if (Buffer.isBuffer(body)) return { uid, body };
  if (isSkipped(body))
    return {
      uid,
      unreadable: `UID FETCH: the server gave ${body.skipped} bytes, far more than it tells of the message`,
    };
  return typeof body === 'string' ? { uid, body: Buffer.from(body, 'latin1') } : undefined;
}
