/** What the failures of PostgreSQL and of the way to it mean. Asked only about errors that came out of its driver. */
import pg from 'pg';
import { Fault } from '../connectors/errors.js';

/**
 * SQLSTATE classes that mean "not now": connection, serialization, resources, operator intervention; and 25006, what a
 * server says that is still a standby (PostgreSQL, appendix A).
 */
const PASSING = /^(08|40|53|57|25006)/;

/** What a socket was doing when it failed, `syscall` of Node's system errors. What files do (`open`, `stat`) is not among them. */
const SOCKET_CALLS: ReadonlySet<string> = new Set(['connect', 'read', 'write', 'writev', 'shutdown', 'getaddrinfo']);

/** The driver's own words for a connection that is gone: plain errors, without a code. */
const DRIVER =
  /^(Connection terminated|Client (has encountered|was closed)|timeout ex|Query read timeout|Cannot use a pool)/;

/** `unavailable` for a server that is lost, restarting or overwhelmed; what else the driver throws is ours to mend, and stays what it is. */
export function faultOf(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof Fault || !isPassing(error)) return error;
  return new Fault('unavailable', `the ledger did not answer: ${wordsOf(error)}`, {
    next: 'check that PostgreSQL runs and that DROVER_LEDGER_URL names it',
    cause: error,
  });
}

function isPassing(error: Error & { readonly code?: unknown; readonly syscall?: unknown }): boolean {
  if (error instanceof pg.DatabaseError) return PASSING.test(error.code ?? '');
  if (error instanceof TypeError || error instanceof RangeError) return false;
  if (typeof error.syscall === 'string') return SOCKET_CALLS.has(error.syscall);
  // Of several addresses none answered, or TLS failed: Node's errors with a code, and without a call.
  return typeof error.code === 'string' || DRIVER.test(error.message);
}

/** An error of several addresses has no words of its own. */
function wordsOf(error: Error): string {
  const [first] = error instanceof AggregateError ? (error.errors as readonly unknown[]) : [];
  return error.message || (first instanceof Error ? first.message : error.name);
}
