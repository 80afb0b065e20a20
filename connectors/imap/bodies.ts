/**
 * Reads message bodies: chunks of UIDs with the next chunk asked for before the first is consumed. A message that
 * the server cannot give does not stop its neighbours: it is found by halving where the server says NO, and by
 * asking anew, one by one, where it drops the connection (Dovecot does, by its imap_fetch_failure).
 */
import { Fault } from '../errors.js';
import type { BodyAnswer, WantedBody } from './body-reply.js';
import { fetchCommand, readBody } from './body-reply.js';
import type { ImapConnection } from './connection.js';
import type { DataReply, StatusReply } from './reply.js';
import { stillThere } from './search.js';
import { compareSizes, isShortAnswer, lookedAt } from './second-look.js';

const MAX_CHUNK_MESSAGES = 200;
const MAX_CHUNK_BYTES = 2 * 1024 * 1024;
/** Over all chunks in flight, but for a single message that is larger. */
const MAX_AHEAD_BYTES = 12 * 1024 * 1024;
/** Enough to fill a line of 40 ms. */
const CHUNKS_AHEAD = 6;
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
  let chunkMessages = MAX_CHUNK_MESSAGES;
  for (let next = 0; next < wanted.length; ) {
    const connection = await open();
    const first = next;
    try {
      for await (const answer of readFrom(connection, wanted.slice(next), chunkMessages)) {
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
      const alone = chunkMessages === 1 && next === first;
      chunkMessages = 1;
      if (!alone) continue;
      const times = (endings.get(suspect.uid) ?? 0) + 1;
      endings.set(suspect.uid, times);
      if (times < MAX_ENDINGS[ending]) continue;
      next++;
      yield { uid: suspect.uid, unreadable: `the server ends the connection when asked for it: ${error.message}` };
    }
  }
}

interface Chunk {
  readonly wanted: readonly WantedBody[];
  readonly bytes: number;
  settled: boolean;
  failure?: unknown;
  reply?: StatusReply;
}

async function* readFrom(
  connection: ImapConnection,
  wanted: readonly WantedBody[],
  firstChunkMessages: number,
): AsyncGenerator<BodyAnswer> {
  const got = new Map<number, BodyAnswer>();
  const uids = new Map(wanted.map((one) => [one.uid, one.bytes]));
  const ahead: Chunk[] = [];
  let wake: () => void = () => undefined;
  let asked = 0;
  let chunkMessages = firstChunkMessages;

  const onReply = (reply: DataReply | StatusReply) => {
    const answer = readBody(reply);
    const told = answer && uids.get(answer.uid);
    if (!answer || told === undefined) return;
    if ('body' in answer && !got.has(answer.uid)) compareSizes(connection, answer.body, told);
    got.set(answer.uid, answer);
    wake();
  };
  const ask = () => {
    while (asked < wanted.length && ahead.length < CHUNKS_AHEAD) {
      const chunk = nextChunk(wanted, asked, chunkMessages);
      const bytes = ahead.reduce((sum, other) => sum + other.bytes, chunk.bytes);
      if (ahead.length > 0 && (bytes > MAX_AHEAD_BYTES || (firstChunkMessages === 1 && chunkMessages === 1))) return;
      asked += chunk.wanted.length;
      ahead.push(chunk);
      connection.execute(fetchCommand(chunk.wanted, onReply)).then(
        (reply) => settle(chunk, { reply }),
        (failure) => settle(chunk, { failure }),
      );
    }
  };
  const settle = (chunk: Chunk, outcome: { reply?: StatusReply; failure?: unknown }) => {
    Object.assign(chunk, outcome, { settled: true });
    wake();
  };

  for (ask(); ahead.length > 0; ask()) {
    const chunk = ahead[0] as Chunk;
    for (const [at, { uid, bytes }] of chunk.wanted.entries()) {
      while (!got.has(uid) && !chunk.settled) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (!got.has(uid)) {
        if (chunk.failure !== undefined) throw chunk.failure;
        if (chunk.reply?.status !== 'OK') {
          const missing = chunk.wanted.slice(at).filter((one) => !got.has(one.uid));
          await isolate(connection, missing, chunk.reply as StatusReply, got);
        } else {
          const left = chunk.wanted.slice(at).filter((one) => !got.has(one.uid));
          await askAgain(connection, left, got);
        }
      }
      const answer = got.get(uid) ?? { uid, gone: true };
      got.delete(uid);
      uids.delete(uid);
      // How right the sizes of this server are is told by the neighbours.
      while (isShortAnswer(answer, bytes) && !chunk.settled) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      yield await lookedAt(connection, answer, bytes);
    }
    ahead.shift();
    // After an ending, trust grows again with each chunk that went well.
    chunkMessages = Math.min(MAX_CHUNK_MESSAGES, chunkMessages * 4);
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
  const [reply, still] = await Promise.all([
    connection.execute(fetchCommand(left, onReply)),
    stillThere(connection, uids),
  ]);
  if (reply.status !== 'OK') await isolate(connection, left, reply, got);
  for (const { uid } of left)
    if (!got.has(uid)) got.set(uid, still.has(uid) ? { uid, unreadable: LEFT_OUT } : { uid, gone: true });
}

const LEFT_OUT = 'UID FETCH: the server names the message and gives nothing of it';

function nextChunk(wanted: readonly WantedBody[], from: number, maxMessages: number): Chunk {
  const chunk: WantedBody[] = [];
  let bytes = 0;
  for (let at = from; at < wanted.length && chunk.length < maxMessages; at++) {
    const one = wanted[at] as WantedBody;
    // Of unknown size: alone.
    const size = one.bytes || MAX_CHUNK_BYTES;
    if (chunk.length > 0 && bytes + size > MAX_CHUNK_BYTES) break;
    chunk.push(one);
    bytes += size;
  }
  return { wanted: chunk, bytes, settled: false };
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
