/**
 * Creating messages: MULTIAPPEND (RFC 3502) in chunks where the server has it, else single APPENDs, several
 * commands in flight. MULTIAPPEND is atomic: a chunk that is refused is halved until the message at fault is alone.
 *
 * A process that is killed cannot take back what it has sent, so what is in flight is bounded by what the line carries
 * within the target's quiet time (line-rate.ts). A single message above that goes alone; `Target.quietFor`
 * returns how long it may still land.
 */
import type { Refused, TargetContainer, Write, Written } from '../contract.js';
import { Fault } from '../errors.js';
import type { Mail, MailMeta } from '../kinds/mail.js';
import { arrivalOf } from '../kinds/mail.js';
import type { LineRate } from '../wire/line-rate.js';
import type { Command, Piece } from './command.js';
import { astring } from './command.js';
import type { ImapConnection } from './connection.js';
import { keptFlags } from './flags.js';
import { toInternalDate } from './internal-date.js';
import type { MessageLiteral } from './message-literal.js';
import { messageLiteral } from './message-literal.js';
import type { StatusReply } from './reply.js';
import { expandSet, uidKey } from './sequence-set.js';
import type { ImapSession, Selected } from './session.js';

export type Create = Extract<Write<Mail>, { op: 'create' }>;

/** What becomes of a create-write in one command. */
interface Entry {
  readonly token: string;
  readonly literal: MessageLiteral;
  readonly flags: readonly string[];
  readonly date: string | undefined;
  readonly notes: readonly string[];
}

interface Chunk {
  readonly entries: readonly Entry[];
  readonly reply: Promise<StatusReply>;
}

/** Where messages go. */
export interface Appending {
  readonly session: ImapSession;
  readonly connection: ImapConnection;
  readonly container: TargetContainer;
  readonly line: LineRate;
  /** Bytes a message may have (APPENDLIMIT), where the server has such a limit. */
  readonly limit: number | undefined;
}

/** What is still to be sent. */
interface Unsent {
  readonly waiting: Entry[];
  /** Halves of chunks that were refused: sent as they are. */
  readonly again: Entry[][];
  /** Messages that one command takes. */
  readonly most: number;
}

const CHUNK_MESSAGES = 100;
const CHUNK_BYTES = 4 * 1024 * 1024;
const CHUNKS_IN_FLIGHT = 4;
const SINGLES_IN_FLIGHT = 64;

/**
 * Answers each create once. A fault of the account (quota, throttling …) is thrown after the answers to what
 * was sent before it was known. Throws `Fault` at once when the connection ends.
 */
export async function* appendAll(to: Appending, creates: readonly Create[]): AsyncGenerator<Written | Refused> {
  const { connection, container, line } = to;
  const selected = to.session.selected as Selected;
  const multi = connection.has('MULTIAPPEND');
  const unsent: Unsent = { waiting: [], again: [], most: multi ? CHUNK_MESSAGES : 1 };
  for (const create of creates) {
    const entry = entryFor(create, selected, connection.has('BINARY'));
    const refusal = tooLarge(entry, to.limit);
    if (refusal) yield refusal;
    else unsent.waiting.push(entry);
  }
  const inFlight: Chunk[] = [];
  let fault: Fault | undefined;
  for (;;) {
    while (fault === undefined && inFlight.length < (multi ? CHUNKS_IN_FLIGHT : SINGLES_IN_FLIGHT)) {
      const entries = nextChunk(unsent, line);
      if (entries === undefined) break;
      inFlight.push({ entries, reply: send(to, entries) });
    }
    const chunk = inFlight.shift();
    if (chunk === undefined) break;
    const reply = await chunk.reply;
    if (reply.status === 'OK') yield* answers(chunk.entries, reply, container);
    else {
      const outcome = refused(to, chunk.entries, reply);
      if (outcome instanceof Fault) fault ??= outcome;
      else if ('refused' in outcome) yield outcome;
      else unsent.again.unshift(...outcome.again);
    }
  }
  if (fault) throw fault;
}

/**
 * Takes the messages of the next command; undefined while the line is full, or when none is left. Each command takes at
 * most half of what may be under way, so that the server has the next one when it has answered one.
 */
function nextChunk({ waiting, again, most }: Unsent, line: LineRate): readonly Entry[] | undefined {
  const chunk = again[0] ?? waiting.slice(0, chunkLength(waiting, most, Math.min(CHUNK_BYTES, line.window / 2)));
  if (chunk.length === 0 || !line.fits(bytesOf(chunk))) return undefined;
  if (again.length > 0) again.shift();
  else waiting.splice(0, chunk.length);
  return chunk;
}

/** How many messages have at most `bytes` together; at least one, where there is one. */
function chunkLength(waiting: readonly Entry[], most: number, bytes: number): number {
  let sum = 0;
  const at = waiting.slice(0, most).findIndex(({ literal }, n) => {
    sum += literal.bytes.length;
    return n > 0 && sum > bytes;
  });
  return at === -1 ? Math.min(most, waiting.length) : at;
}

function bytesOf(chunk: readonly Entry[]): number {
  return chunk.reduce((sum, { literal }) => sum + literal.bytes.length, 0);
}

function send(to: Appending, entries: readonly Entry[]): Promise<StatusReply> {
  const underWay = to.line.sends(bytesOf(entries));
  const reply = to.connection.execute(appendCommand(to, entries));
  // Awaited in its turn; until then a broken connection must not count as unhandled.
  reply.then(
    () => underWay.answered(),
    () => underWay.lost(),
  );
  return reply;
}

function entryFor(create: Create, selected: Selected, hasBinary: boolean): Entry {
  const meta = create.meta as MailMeta;
  const { kept, notes } = keptFlags(meta.flags, selected);
  const literal = messageLiteral(create.body, hasBinary);
  return {
    token: create.token,
    literal,
    flags: kept,
    date: arrivalOf(meta, create.body),
    notes: [...notes, ...literal.notes],
  };
}

function tooLarge({ token, literal }: Entry, limit: number | undefined): Refused | undefined {
  if (limit === undefined || literal.bytes.length <= limit) return undefined;
  return {
    refused: token,
    reason: `the message has ${literal.bytes.length} bytes and the target takes at most ${limit} (APPENDLIMIT); raise the limit on the server, or keep the message elsewhere`,
  };
}

function appendCommand({ session, container }: Appending, entries: readonly Entry[]): Command {
  const pieces: Piece[] = ['APPEND ', astring(container.key)];
  for (const { flags, date, literal } of entries) {
    const wireDate = date === undefined ? undefined : toInternalDate(date);
    pieces.push(`${flags.length > 0 ? ` (${flags.join(' ')})` : ''}${wireDate === undefined ? '' : ` "${wireDate}"`} `);
    pieces.push({ literal: literal.bytes, binary: literal.binary });
  }
  return { name: 'APPEND', phase: 'message', pieces, onReply: (reply) => session.notice(reply) };
}

function* answers(entries: readonly Entry[], reply: StatusReply, container: TargetContainer): Generator<Written> {
  const [validity, set = ''] = reply.code?.name === 'APPENDUID' ? reply.code.args.split(' ') : [];
  const uids = validity === container.validity ? expandSet(set, entries.length) : [];
  const told = uids.length === entries.length;
  for (const [at, { token, flags, date, notes }] of entries.entries()) {
    yield {
      token,
      ...(told ? { ref: uidKey(uids[at] as number) } : {}),
      meta: { flags, ...(date === undefined ? {} : { date }) },
      ...(notes.length > 0 ? { notes } : {}),
    };
  }
}

/** After a NO or BAD, which means that nothing of the chunk was stored. */
function refused(
  to: Appending,
  entries: readonly Entry[],
  reply: StatusReply,
): Fault | Refused | { readonly again: Entry[][] } {
  const fault = to.connection.fault(reply, appendCommand(to, entries));
  if (fault.code !== 'refused') return fault;
  const middle = Math.ceil(entries.length / 2);
  if (entries.length > 1) return { again: [entries.slice(0, middle), entries.slice(middle)] };
  const entry = entries[0] as Entry;
  const keywords = entry.flags.filter((flag) => !flag.startsWith('\\'));
  if (keywords.length > 0) {
    // A folder may hold only so many keywords (RFC 5530, LIMIT), and some servers refuse odd ones.
    const note = `the target refused the message with the keywords ${keywords.join(' ')}; they were left out`;
    const flags = entry.flags.filter((flag) => flag.startsWith('\\'));
    return { again: [[{ ...entry, flags, notes: [...entry.notes, note] }]] };
  }
  return { refused: entry.token, reason: fault.next === undefined ? fault.message : `${fault.message}; ${fault.next}` };
}
