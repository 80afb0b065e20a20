/** The faults that may leave a connector, the ledger or a secret store: a closed union, told apart by `code`. */

export const FAULT_CODES = [
  'throttled',
  'unavailable',
  'credentials',
  'quota',
  'not-found',
  'conflict',
  'cursor-lost',
  'source-changed',
  'refused',
  'spec',
  'internal',
] as const;
export type FaultCode = (typeof FAULT_CODES)[number];

export interface FaultDetails {
  /** How long the system asked to be left alone, in milliseconds; an hour at most is taken from it. */
  readonly retryAfterMs?: number;
  /** What a person can do about it, as a sentence. */
  readonly next?: string;
  /** Whose fault it is, where the thrower can tell; the engine fills it in for sessions. */
  readonly side?: 'source' | 'target';
  /** It is about the server, not about the account: every account of the system would meet it. */
  readonly systemWide?: boolean;
  /** A server has refused the login itself: trying others on and on may have us locked out. */
  readonly refusedLogin?: boolean;
  readonly cause?: unknown;
}

/**
 * The longest that a system's word is taken for. It stops a whole fleet, and servers have asked for thousands of years;
 * who means more asks again.
 */
const MOST_RETRY_MS = 3_600_000;

/**
 * A failure with a reason that the engine can act on.
 *
 * - `throttled`: the system asked to slow down; try again after `retryAfterMs`.
 * - `unavailable`: no or a broken connection; try again.
 * - `credentials`: the account cannot be opened with what the spec names; a person must act.
 * - `quota`: the target is full; waits until there is room.
 * - `not-found`, `conflict`: the thing is not there, or is not as it was thought to be.
 * - `cursor-lost`: list again instead of asking for changes.
 * - `source-changed`: the item changed while it was read; read again.
 * - `refused`: the system refuses this for good.
 * - `spec`: the spec asks for what cannot be done.
 * - `internal`: our own error.
 *
 * The message holds the system's own words, redacted: never a secret, content, subject or body.
 */
export class Fault extends Error {
  readonly code: FaultCode;
  readonly retryAfterMs: number | undefined;
  readonly next: string | undefined;
  readonly systemWide: boolean;
  readonly refusedLogin: boolean;
  side: 'source' | 'target' | undefined;

  constructor(code: FaultCode, message: string, details: FaultDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'Fault';
    this.code = code;
    this.retryAfterMs = details.retryAfterMs === undefined ? undefined : within(details.retryAfterMs);
    this.next = details.next;
    this.side = details.side;
    this.systemWide = details.systemWide ?? false;
    this.refusedLogin = details.refusedLogin ?? false;
  }
}

/** A fault as people read it: what happened, and what to do. */
export function saidBy({ message, next }: Pick<Fault, 'message' | 'next'>): string {
  return next === undefined ? message : `${message}; ${next}`;
}

function within(retryAfterMs: number): number {
  return Number.isNaN(retryAfterMs) ? MOST_RETRY_MS : Math.min(MOST_RETRY_MS, Math.max(0, retryAfterMs));
}
