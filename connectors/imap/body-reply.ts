/** Asking for bodies, and what one reply says of one message. */
import type { Command } from './command.js';
import type { DataReply, StatusReply, Value } from './reply.js';
import { isSkipped } from './reply.js';
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

export function fetchCommand(
  wanted: readonly WantedBody[],
  onReply: (reply: DataReply | StatusReply) => void,
): Command {
  const set = uidSet(wanted.map((one) => one.uid));
  return {
    name: 'UID FETCH',
    phase: 'message',
    literalBytes: Math.max(...wanted.map(({ bytes }) => mostBytesOf(bytes))),
    pieces: [`UID FETCH ${set} (UID BODY.PEEK[])`],
    onReply,
  };
}

/** A message is held as a whole; larger ones are not asked for. */
export const MAX_MESSAGE_BYTES = 256 * 1024 * 1024;
/** Of a message whose size nobody tells. */
const MAX_UNTOLD_BYTES = 64 * 1024 * 1024;
const SLACK_BYTES = 256 * 1024;

/** Sizes may be estimates (Exchange), and base64 is longer than what it stands for; beyond, it is not that message. */
function mostBytesOf(told: number): number {
  return told === 0 ? MAX_UNTOLD_BYTES : Math.min(MAX_MESSAGE_BYTES, 4 * told + SLACK_BYTES);
}

export function readBody(reply: DataReply | StatusReply): BodyAnswer | undefined {
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
