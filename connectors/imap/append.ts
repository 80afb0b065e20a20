/**
 * Creating messages: MULTIAPPEND (RFC 3502) in lots where the server has it, else single APPENDs, several
 * commands in flight. MULTIAPPEND is atomic: a lot that is refused is halved until the message at fault is alone.
 */
import type { Refused, TargetContainer, Write, Written } from '../contract.js';
import { Fault } from '../errors.js';
import type { Mail, MailMeta } from '../mail.js';
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

interface Lot {
  readonly entries: readonly Entry[];
  /** Tried before, and on its own: for halves of a lot that was refused. */
  readonly reply: Promise<StatusReply>;
}

const LOT_MESSAGES = 100;
const LOT_BYTES = 4 * 1024 * 1024;
const LOTS_IN_FLIGHT = 4;
const SINGLES_IN_FLIGHT = 64;

/**
 * Answers each create once. A fault of the account (quota, throttling …) is thrown after the answers to what
 * was sent before it was known. Throws `Fault` at once when the connection ends.
 */
export async function* appendAll(
  session: ImapSession,
  connection: ImapConnection,
  container: TargetContainer,
  creates: readonly Create[],
  limit: number | undefined,
): AsyncGenerator<Written | Refused> {
  const selected = session.selected as Selected;
  const queue: Entry[][] = [];
  const multi = connection.has('MULTIAPPEND');
  for (const create of creates) {
    const entry = entryFor(create, selected, connection.has('BINARY'));
    const refusal = tooLarge(entry, limit);
    if (refusal) yield refusal;
    else addToLots(queue, entry, multi ? LOT_MESSAGES : 1);
  }
  const inFlight: Lot[] = [];
  let fault: Fault | undefined;
  for (;;) {
    while (fault === undefined && queue.length > 0 && inFlight.length < (multi ? LOTS_IN_FLIGHT : SINGLES_IN_FLIGHT)) {
      const entries = queue.shift() as Entry[];
      const reply = connection.execute(appendCommand(session, container, entries));
      // Awaited in its turn; until then a broken connection must not count as unhandled.
      reply.catch(() => undefined);
      inFlight.push({ entries, reply });
    }
    const lot = inFlight.shift();
    if (lot === undefined) break;
    const reply = await lot.reply;
    if (reply.status === 'OK') yield* answers(lot.entries, reply, container);
    else {
      const outcome = refused(connection, session, container, lot.entries, reply);
      if (outcome instanceof Fault) fault ??= outcome;
      else if ('refused' in outcome) yield outcome;
      else queue.unshift(...outcome.again);
    }
  }
  if (fault) throw fault;
}

function entryFor(create: Create, selected: Selected, hasBinary: boolean): Entry {
  const meta = create.meta as MailMeta;
  const { kept, notes } = keptFlags(meta.flags, selected);
  const literal = messageLiteral(create.body, hasBinary);
  return { token: create.token, literal, flags: kept, date: meta.date, notes: [...notes, ...literal.notes] };
}

function tooLarge({ token, literal }: Entry, limit: number | undefined): Refused | undefined {
  if (limit === undefined || literal.bytes.length <= limit) return undefined;
  return {
    refused: token,
    reason: `the message has ${literal.bytes.length} bytes and the target takes at most ${limit} (APPENDLIMIT); raise the limit on the server, or keep the message elsewhere`,
  };
}

function addToLots(queue: Entry[][], entry: Entry, maxMessages: number): void {
  const lot = queue[queue.length - 1];
  const bytes = lot?.reduce((sum, { literal }) => sum + literal.bytes.length, entry.literal.bytes.length) ?? 0;
  if (lot === undefined || lot.length >= maxMessages || bytes > LOT_BYTES) queue.push([entry]);
  else lot.push(entry);
}

function appendCommand(session: ImapSession, container: TargetContainer, entries: readonly Entry[]): Command {
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
  const uids = validity === container.validity ? expandSet(set) : [];
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

/** After a NO or BAD, which means that nothing of the lot was stored. */
function refused(
  connection: ImapConnection,
  session: ImapSession,
  container: TargetContainer,
  entries: readonly Entry[],
  reply: StatusReply,
): Fault | Refused | { readonly again: Entry[][] } {
  const fault = connection.fault(reply, appendCommand(session, container, entries));
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
