/** What writes are answered with, in the words of every WebDAV server. References are as the target keeps them. */
import { setTimeout as wait } from 'node:timers/promises';
import type { WriteAnswer } from '../../contract.js';
import { Fault } from '../../errors.js';
import { HttpFault } from '../dav/faults.js';

/** What the server says of one item refuses that item; what it says of itself, or of the account, is thrown. */
export function refusedOr(error: unknown, token: string): WriteAnswer {
  if (!(error instanceof Fault) || !['refused', 'conflict', 'not-found'].includes(error.code)) throw error;
  return { refused: token, reason: `${error.message}; ${error.next ?? 'look at it in the source'}` };
}

export function taken(token: string, ref: string): WriteAnswer {
  return { conflicted: token, ref, reason: 'something has that name in the target' };
}

export function another(token: string, ref: string): WriteAnswer {
  return { conflicted: token, ref, reason: 'the copy was changed in the target, or is gone' };
}

export function inTheWay(token: string, ref: string): WriteAnswer {
  return { conflicted: token, ref, reason: 'in the target a file stands where a folder has to be' };
}

export function notEmpty(token: string, ref: string): WriteAnswer {
  return { conflicted: token, ref, reason: 'the folder is not empty in the target' };
}

export function notMoved(token: string, ref: string): WriteAnswer {
  return { conflicted: token, ref, reason: 'the copy was changed or is gone, or something has the new name' };
}

const LOCKED = 423;
/** How often what is locked is asked for again, and how soon first: other writers hold locks for a moment, people for hours. */
const LOOKS = 2;
const LOOK_MS = 300;

/** Nothing was written to what is locked (RFC 4918, 11.3): after some tries that concerns this item alone, until the next run. */
export async function whileLocked(
  token: string,
  write: () => Promise<WriteAnswer>,
  signal: AbortSignal,
): Promise<WriteAnswer> {
  for (let look = 0; ; look++) {
    try {
      return await write();
    } catch (error) {
      if (!isLocked(error)) throw error;
      if (look === LOOKS) return locked(token, error);
      await wait(LOOK_MS * 2 ** look, undefined, { signal });
    }
  }
}

export function isLocked(error: unknown): error is HttpFault {
  return error instanceof HttpFault && error.status === LOCKED;
}

export function locked(token: string, { message }: Fault): WriteAnswer {
  return { refused: token, reason: `${message}; it is locked there, e.g. open in an editor; the next run tries again` };
}
