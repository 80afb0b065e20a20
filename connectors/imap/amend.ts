/** Changing what is there: flags, moves, removals. Only ever the UIDs named: never a plain EXPUNGE. */
import type { Refused, TargetContainer, Write, Written } from '../contract.js';
import type { Fault } from '../errors.js';
import type { Mail, MailMeta } from '../kinds/mail.js';
import { astring } from './command.js';
import type { ImapConnection } from './connection.js';
import type { Expunged } from './expunge.js';
import { attempt, expunge, standing } from './expunge.js';
import { keptFlags } from './flags.js';
import { fetchRows } from './listing.js';
import type { ResponseCode } from './reply.js';
import { expandSet, uidKey, uidSet } from './sequence-set.js';
import type { ImapSession, Selected } from './session.js';

type Meta = Extract<Write<Mail>, { op: 'meta' }>;
type Move = Extract<Write<Mail>, { op: 'move' }>;
type Remove = Extract<Write<Mail>, { op: 'remove' }>;

const SET_UIDS = 500;
const GONE = 'the message is no longer in the target; the next run will see that';
const NO_UIDPLUS = 'the target has no UIDPLUS: it cannot expunge one message without others; do it by hand';

/** Adds and takes away what differs between base and meta, and leaves what others set. */
export async function* storeFlags(
  session: ImapSession,
  connection: ImapConnection,
  writes: readonly Meta[],
): AsyncGenerator<Written | Refused> {
  const groups = new Map<string, Meta[]>();
  for (const write of writes) {
    const base = new Set((write.base as MailMeta).flags);
    const wanted = new Set((write.meta as MailMeta).flags);
    const added = [...wanted].filter((flag) => !base.has(flag));
    const taken = [...base].filter((flag) => !wanted.has(flag));
    push(groups, JSON.stringify([added, taken]), write);
  }
  for (const [key, group] of groups) {
    const [added, taken] = JSON.parse(key) as [string[], string[]];
    for (const chunk of inChunks(group)) yield* storeChunk(session, connection, chunk, added, taken);
  }
}

async function* storeChunk(
  session: ImapSession,
  connection: ImapConnection,
  chunk: readonly Meta[],
  added: string[],
  taken: string[],
): AsyncGenerator<Written | Refused> {
  const uids = uidsOf(chunk);
  const plus = keptFlags(added, session.selected as Selected);
  const minus = keptFlags(taken, session.selected as Selected);
  const store = (sign: string, flags: readonly string[]) =>
    attempt(connection, {
      name: 'UID STORE',
      pieces: [`UID STORE ${uidSet(uids)} ${sign}FLAGS.SILENT (${flags.join(' ')})`],
    });
  const faults = await Promise.all([
    ...(plus.kept.length > 0 ? [store('+', plus.kept)] : []),
    ...(minus.kept.length > 0 ? [store('-', minus.kept)] : []),
  ]);
  const fault = faults.find((one) => one.fault !== undefined)?.fault;
  if (fault) {
    for (const { token } of chunk) yield { refused: token, reason: fault.message };
    return;
  }
  // STORE says nothing about messages that are not there; what the server now shows is the answer.
  const rows = new Map((await fetchRows(connection, uids)).map((row) => [row.uid, row]));
  for (const { token, ref } of chunk) {
    const row = rows.get(Number(ref));
    if (row === undefined) yield { refused: token, reason: GONE };
    else if (row.undescribed !== undefined)
      yield { refused: token, reason: `the target does not show the flags: ${row.undescribed}` };
    else
      yield written(
        token,
        ref,
        { flags: row.flags, ...(row.date === undefined ? {} : { date: row.date }) },
        plus.notes,
      );
  }
}

function written(token: string, ref: string, meta: MailMeta, notes: readonly string[]): Written {
  return { token, ref, meta, ...(notes.length > 0 ? { notes } : {}) };
}

/** By UID MOVE (RFC 6851), else by copying and expunging exactly what was copied. */
export async function* moveAll(
  session: ImapSession,
  connection: ImapConnection,
  from: TargetContainer,
  writes: readonly Move[],
): AsyncGenerator<Written | Refused> {
  if (!connection.has('UIDPLUS')) {
    for (const { token } of writes) yield { refused: token, reason: NO_UIDPLUS };
    return;
  }
  const groups = new Map<string, Move[]>();
  for (const write of writes) push(groups, write.to.key, write);
  for (const group of groups.values())
    for (const chunk of inChunks(group)) yield* moveChunk(session, connection, from, chunk);
}

async function* moveChunk(
  session: ImapSession,
  connection: ImapConnection,
  from: TargetContainer,
  chunk: readonly Move[],
): AsyncGenerator<Written | Refused> {
  const { to } = chunk[0] as Move;
  const verb = connection.has('MOVE') ? 'UID MOVE' : 'UID COPY';
  const uids = uidsOf(chunk);
  const result = await attempt(connection, { name: verb, pieces: [`${verb} ${uidSet(uids)} `, astring(to.key)] });
  const moved = copied(result.codes, to, new Set(uids));
  const { fault, still } = await left(connection, verb, result.fault, [...moved.keys()]);
  const undone = verb === 'UID COPY' && (await undo(session, connection, { from, to }, moved, still));
  for (const { token, ref } of chunk) {
    const uid = moved.get(Number(ref));
    const stays = still.has(Number(ref));
    if (uid === undefined || (stays && undone)) yield { refused: token, reason: fault?.message ?? GONE };
    else
      yield {
        token,
        ...(uid === null ? {} : { ref: uidKey(uid) }),
        ...(stays && {
          notes: [`it was copied, and could not be taken out of the folder that it left: ${fault?.message}`],
        }),
      };
  }
}

/** What of the messages that were copied still stands in the folder that they were to leave, and why. */
async function left(
  connection: ImapConnection,
  verb: string,
  refusal: Fault | undefined,
  uids: readonly number[],
): Promise<Expunged> {
  if (uids.length === 0) return { fault: refusal, still: new Set() };
  if (verb === 'UID COPY') return expunge(connection, uids);
  // A MOVE may be refused after some have moved (RFC 6851, section 4.3).
  return { fault: refusal, still: refusal ? await standing(connection, uids) : new Set() };
}

/**
 * A message stands in one folder, the old one or the new: where it could not be taken out of the old one its copy is taken
 * away again. False where that fails too.
 */
async function undo(
  session: ImapSession,
  connection: ImapConnection,
  { from, to }: { readonly from: TargetContainer; readonly to: TargetContainer },
  moved: ReadonlyMap<number, number | null>,
  still: ReadonlySet<number>,
): Promise<boolean> {
  const copies = [...still].flatMap((uid) => moved.get(uid) ?? []);
  if (copies.length === 0) return still.size === 0;
  const set = uidSet([...still].sort((a, b) => a - b));
  await attempt(connection, { name: 'UID STORE', pieces: [`UID STORE ${set} -FLAGS.SILENT (\\Deleted)`] });
  await session.select(connection, to.key, 'write', true);
  const { fault, still: stuck } = await expunge(connection, copies);
  await session.select(connection, from.key, 'write', true);
  return fault === undefined && stuck.size === 0;
}

/**
 * Old UID to new, from COPYUID (RFC 4315); null for the new one when the folder is not the one that was meant. Only of
 * UIDs that were sent: without MOVE, what is named here is expunged next.
 */
function copied(
  codes: readonly ResponseCode[],
  to: TargetContainer,
  sent: ReadonlySet<number>,
): Map<number, number | null> {
  const moved = new Map<number, number | null>();
  for (const { name, args } of codes) {
    const [validity, from = '', into = ''] = args.split(' ');
    if (name !== 'COPYUID') continue;
    const olds = expandSet(from, sent.size);
    const news = expandSet(into, sent.size);
    const paired = validity === to.validity && olds.length === news.length && olds.length <= sent.size;
    for (const [at, old] of olds.entries()) {
      if (sent.has(old)) moved.set(old, paired ? (news[at] as number) : null);
    }
  }
  return moved;
}

/** A message that is gone already counts as removed. */
export async function* removeAll(
  connection: ImapConnection,
  writes: readonly Remove[],
): AsyncGenerator<Written | Refused> {
  if (!connection.has('UIDPLUS')) {
    for (const { token } of writes) yield { refused: token, reason: NO_UIDPLUS };
    return;
  }
  for (const chunk of inChunks(writes)) {
    const { fault, still } = await expunge(connection, uidsOf(chunk));
    for (const { token, ref } of chunk)
      yield still.has(Number(ref)) ? { refused: token, reason: fault?.message ?? STILL_THERE } : { token, ref };
  }
}

const STILL_THERE = 'UID EXPUNGE: the server said that it is done, and still names the message';

function push<W>(groups: Map<string, W[]>, key: string, write: W): void {
  const group = groups.get(key);
  if (group) group.push(write);
  else groups.set(key, [write]);
}

function* inChunks<W extends { readonly ref: string }>(writes: readonly W[]): Generator<W[]> {
  for (let at = 0; at < writes.length; at += SET_UIDS) yield writes.slice(at, at + SET_UIDS);
}

function uidsOf(writes: readonly { readonly ref: string }[]): number[] {
  return writes.map((write) => Number(write.ref)).sort((a, b) => a - b);
}
