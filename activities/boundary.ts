/** The one place that maps faults to Temporal's failures: what is tried again, when, and what is not. */
import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import type { FaultCode } from '../connectors/errors.js';
import { Fault, saidBy } from '../connectors/errors.js';

/** An unexpected error is tried so often before the unit fails. */
const INTERNAL_ATTEMPTS = 5;

/** Runs an activity's body; everything it throws leaves as a Temporal failure, redacted. */
export async function atBoundary<T>(redact: (text: string) => string, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (error instanceof CancelledFailure || error instanceof ApplicationFailure) throw error;
    if (Context.current().cancellationSignal.aborted) throw new CancelledFailure('cancelled');
    throw error instanceof Fault ? failureOf(error, redact) : unexpected(error, redact);
  }
}

function failureOf(fault: Fault, redact: (text: string) => string): ApplicationFailure {
  const message = redact(saidBy(fault));
  switch (fault.code) {
    case 'spec':
    case 'refused':
    case 'not-found':
    case 'conflict':
    // A gate in a unit; elsewhere (plan, doctor, listing accounts) nobody waits for a person.
    case 'credentials':
    case 'quota':
      return ApplicationFailure.create({ message, type: fault.code, nonRetryable: true });
    case 'throttled':
    case 'unavailable':
    case 'cursor-lost':
    case 'source-changed':
      return ApplicationFailure.create({
        message,
        type: fault.code,
        ...(fault.retryAfterMs === undefined ? {} : { nextRetryDelay: fault.retryAfterMs }),
      });
    case 'internal':
      return limited(message, fault.code);
    default:
      return fault.code satisfies never;
  }
}

function unexpected(error: unknown, redact: (text: string) => string): ApplicationFailure {
  const failure = limited(
    redact(error instanceof Error ? `${error.name}: ${error.message}` : String(error)),
    'internal',
  );
  if (error instanceof Error && error.stack) failure.stack = redact(error.stack);
  return failure;
}

function limited(message: string, type: FaultCode): ApplicationFailure {
  const nonRetryable = Context.current().info.attempt >= INTERNAL_ATTEMPTS;
  return ApplicationFailure.create({ message, type, nonRetryable });
}
