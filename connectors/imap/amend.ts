/** Changing what is there: flags, moves, removals. Only ever the UIDs named: never a plain EXPUNGE. */
import type { Refused, TargetContainer, Write, Written } from '../contract.js';
import type { Fault } from '../errors.js';
import type { Mail, MailMeta } from '../mail.js';
import type { Command, Piece } from './command.js';
import { astring } from './command.js';
import type { ImapConnection } from './connection.js';
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
    for (const lot of inLots(group)) yield* storeLot(session, connection, lot, added, taken);
  }
}

async function* storeLot(
  session: ImapSession,
  connection: ImapConnection,
  lot: readonly Meta[],
  added: string[],
  taken: string[],
): AsyncGenerator<Written | Refused> {
  const uids = uidsOf(lot);
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
    for (const { token } of lot) yield { refused: token, reason: fault.message };
    return;
  }
  // STORE says nothing about messages that are not there; what the server now shows is the answer.
  const rows = new Map((await fetchRows(connection, uids)).map((row) => [row.uid, row]));
  for (const { token, ref } of lot) {
    const row = rows.get(Number(ref));
    if (row === undefined) yield { refused: token, reason: GONE };
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
export async function* moveAll(connection: ImapConnection, writes: readonly Move[]): AsyncGenerator<Written | Refused> {
  if (!connection.has('UIDPLUS')) {
    for (const { token } of writes) yield { refused: token, reason: NO_UIDPLUS };
    return;
  }
  const groups = new Map<string, Move[]>();
  for (const write of writes) push(groups, write.to.key, write);
  for (const group of groups.values()) for (const lot of inLots(group)) yield* moveLot(connection, lot);
}

async function* moveLot(connection: ImapConnection, lot: readonly Move[]): AsyncGenerator<Written | Refused> {
  const { to } = lot[0] as Move;
  const verb = connection.has('MOVE') ? 'UID MOVE' : 'UID COPY';
  const result = await attempt(connection, {
    name: verb,
    pieces: [`${verb} ${uidSet(uidsOf(lot))} `, astring(to.key)],
  });
  if (result.fault) {
    for (const { token } of lot) yield { refused: token, reason: result.fault.message };
    return;
  }
  const moved = copied(result.codes, to, new Set(uidsOf(lot)));
  if (verb === 'UID COPY') await expunge(connection, [...moved.keys()]);
  for (const { token, ref } of lot) {
    const uid = moved.get(Number(ref));
    if (uid === undefined) yield { refused: token, reason: GONE };
    else yield { token, ...(uid === null ? {} : { ref: uidKey(uid) }) };
  }
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
  for (const lot of inLots(writes)) {
    const fault = await expunge(connection, uidsOf(lot));
    for (const { token, ref } of lot) yield fault ? { refused: token, reason: fault.message } : { token, ref };
  }
}

async function expunge(connection: ImapConnection, uids: readonly number[]): Promise<Fault | undefined> {
  if (uids.length === 0) return undefined;
  const set = uidSet([...uids].sort((a, b) => a - b));
  const results = await Promise.all([
    attempt(connection, { name: 'UID STORE', pieces: [`UID STORE ${set} +FLAGS.SILENT (\\Deleted)`] }),
    attempt(connection, { name: 'UID EXPUNGE', pieces: [`UID EXPUNGE ${set}`] }),
  ]);
  return results.find((one) => one.fault !== undefined)?.fault;
}

/** Runs a command; a refusal is returned, any other fault thrown. */
async function attempt(
  connection: ImapConnection,
  { name, pieces }: { name: string; pieces: Piece[] },
): Promise<{ fault?: Fault; codes: ResponseCode[] }> {
  const codes: ResponseCode[] = [];
  const command: Command = {
    name,
    phase: 'message',
    pieces,
    onReply: (reply) => void (reply.kind === 'status' && reply.code && codes.push(reply.code)),
  };
  const reply = await connection.execute(command);
  if (reply.code) codes.push(reply.code);
  if (reply.status === 'OK') return { codes };
  const fault = connection.fault(reply, command);
  if (fault.code !== 'refused') throw fault;
  return { fault, codes };
}

function push<W>(groups: Map<string, W[]>, key: string, write: W): void {
  const group = groups.get(key);
  if (group) group.push(write);
  else groups.set(key, [write]);
}

function* inLots<W extends { readonly ref: string }>(writes: readonly W[]): Generator<W[]> {
  for (let at = 0; at < writes.length; at += SET_UIDS) yield writes.slice(at, at + SET_UIDS);
}

function uidsOf(writes: readonly { readonly ref: string }[]): number[] {
  return writes.map((write) => Number(write.ref)).sort((a, b) => a - b);
}
