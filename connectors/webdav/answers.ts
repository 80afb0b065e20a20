/** What writes are answered with, in the words of every WebDAV server. References are as the target keeps them. */
import type { WriteAnswer } from '../contract.js';
import { Fault } from '../errors.js';

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
