/** How a unit that did not end well fails its workflow, so that the Web UI shows it, and how its run reads that. */
import {
  ActivityFailure,
  ApplicationFailure,
  ChildWorkflowFailure,
  isCancellation,
  TerminatedFailure,
} from '@temporalio/workflow';
import { openWords } from '../words/count-words.js';
import type { Counters } from '../words/counters.js';
import { isProven } from '../words/counters.js';
import type { Trouble } from '../words/progress.js';
import type { UnitResult } from './messages.js';

/** Some items of the unit are not verified; it carries the unit's result. */
const INCOMPLETE = 'UnitIncomplete';
/** The unit could not be worked on. */
const FAILED = 'UnitFailed';

/** Returns what a unit has done; throws where some of its items are not verified. */
export function endOf(counters: Counters, troubles: readonly Trouble[] = []): UnitResult {
  if (isProven(counters)) return { state: 'done', counters };
  const result: UnitResult = { state: 'done', counters, ...(troubles.length > 0 && { troubles }) };
  const reasons = troubles.map(({ items, reason }) => `; ${items}: ${reason}`).join('');
  throw ApplicationFailure.create({
    message: `items: ${openWords(counters)}${reasons}`,
    type: INCOMPLETE,
    nonRetryable: true,
    details: [result],
  });
}

/** What stopped an activity stops the unit, in the activity's words. */
export function failureOf(error: unknown): unknown {
  if (!(error instanceof ActivityFailure)) return error;
  const message = error.cause?.message ?? error.message;
  return ApplicationFailure.create({ message, type: FAILED, nonRetryable: true });
}

/** A unit that was terminated, or whose worker gave it up, is failed: the run goes on without it. */
export function resultOf(error: unknown): UnitResult {
  if (isCancellation(error)) return { state: 'stopped' };
  const cause = error instanceof ChildWorkflowFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure && cause.type === INCOMPLETE) return cause.details?.[0] as UnitResult;
  if (cause instanceof TerminatedFailure) return { state: 'failed', reason: 'its workflow was terminated by hand' };
  return { state: 'failed', reason: cause instanceof Error ? cause.message : String(cause) };
}
