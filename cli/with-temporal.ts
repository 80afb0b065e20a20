/** Runs a command's work on a connection, and says in a sentence what Temporal's errors mean. */
import { setMaxListeners } from 'node:events';
import type { Client } from '@temporalio/client';
import { CommandError, exitCodes } from './exit-codes.js';
import type { Shell } from './shell.js';
import type { ConnectionArgs, TemporalAccess } from './temporal.js';
import { connectTemporal } from './temporal.js';

/** Codes of gRPC (github.com/grpc/grpc, statuscodes.md) that a command meets. */
export const grpc = {
  cancelled: 1,
  invalidArgument: 3,
  deadline: 4,
  notFound: 5,
  precondition: 9,
  unavailable: 14,
} as const;

/** Connects, works, and closes the connection however the work ends. */
export async function withTemporal(
  shell: Shell,
  args: ConnectionArgs,
  work: (temporal: TemporalAccess) => Promise<number>,
): Promise<number> {
  const temporal = await connectTemporal(shell, args);
  try {
    return await work(temporal);
  } catch (error) {
    throw explain(error, temporal);
  } finally {
    await temporal.close();
  }
}

/**
 * Makes requests that end when `signal` comes. Temporal's client listens to a signal anew with each request and does not
 * stop: so it is handed one of its own, which goes with them.
 */
export function until<T>(signal: AbortSignal, { connection }: Client, requests: () => Promise<T>): Promise<T> {
  const own = AbortSignal.any([signal]);
  setMaxListeners(0, own);
  return connection.withAbortSignal(own, requests);
}

/** The gRPC status behind an error of Temporal's client; undefined for errors of any other kind. */
export function grpcCode(error: unknown): number | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as { code?: unknown };
    if (typeof code === 'number') return code;
  }
  return undefined;
}

/** Whether the server, or its answer, is away for now: the same call may succeed later. */
export function isAway(error: unknown): boolean {
  const code = grpcCode(error);
  return code === grpc.unavailable || code === grpc.deadline;
}

/** Temporal's own words, without the client's wrapping. */
export function wordsOf(error: unknown): string {
  let words = error instanceof Error ? error.message : String(error);
  for (let at = error; at instanceof Error; at = at.cause) {
    // An application's failure carries details of its own; they are not text.
    const { details } = at as { details?: unknown };
    words = (typeof details === 'string' && details) || at.message || words;
  }
  return words.split('\n')[0] as string;
}

/** What Temporal answered, as a sentence with the exit code that goes with it. */
export function explain(error: unknown, temporal: Pick<TemporalAccess, 'address' | 'namespace'>): unknown {
  if (error instanceof CommandError) return error;
  const code = grpcCode(error);
  if (code === undefined) return error;
  if (code === grpc.unavailable || code === grpc.deadline) {
    return new CommandError(
      exitCodes.unreachable,
      `Temporal at ${temporal.address} stopped answering: ${wordsOf(error)}`,
      'a migration goes on by itself when Temporal is back; try the command again then',
      error,
    );
  }
  if (/search attribute/i.test(wordsOf(error))) {
    return new CommandError(
      exitCodes.failed,
      `Temporal's namespace "${temporal.namespace}" lacks a search attribute: ${wordsOf(error)}`,
      'start a worker once, which registers them (`migrate worker`), and try again',
      error,
    );
  }
  if (code === grpc.cancelled) {
    return new CommandError(
      exitCodes.interrupted,
      'interrupted before Temporal had answered: whether it took the request is not known',
      '`migrate list` shows what runs; the same command again does no harm',
      error,
    );
  }
  return new CommandError(exitCodes.failed, `Temporal refuses: ${wordsOf(error)}`, undefined, error);
}
