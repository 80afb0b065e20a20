/** Requests for runs as they may be typed by hand: whether they can be meant. Pure: the upgrade reads them, too. */
import type { RunRequest } from '../words/runs.js';

const REASONS: ReadonlySet<unknown> = new Set(['apply', 'schedule', 'retry', 'verify']);

/**
 * Whether a request can be meant. A list that is none would stop the workflow, or ask for more than was meant; a spec
 * without its hash, as nobody types one, would be passed over for the one that ran last.
 */
export function isRequest(asked: unknown): asked is Partial<RunRequest> & { readonly replace?: boolean } {
  if (!isObject(asked)) return false;
  const fields: Partial<Record<keyof RunRequest, unknown>> = asked;
  const { reason, schedule, spec, specHash, selections, accounts, units, waiters } = fields;
  return (
    (isAbsent(reason) || REASONS.has(reason)) &&
    (isAbsent(schedule) || isName(schedule)) &&
    (isAbsent(spec) || (isObject(spec) && isName(specHash))) &&
    (isAbsent(specHash) || typeof specHash === 'string') &&
    isListOf(selections, isName) &&
    isListOf(accounts, isName) &&
    isListOf(units, (n) => Number.isInteger(n) && (n as number) > 0) &&
    isListOf(waiters, isName)
  );
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

const isAbsent = (value: unknown): boolean => value === undefined || value === null;
/** Temporal takes no id that is empty, or longer. */
const isName = (value: unknown): boolean => typeof value === 'string' && value !== '' && value.length <= 1000;
const isListOf = (value: unknown, each: (member: unknown) => boolean): boolean =>
  isAbsent(value) || (Array.isArray(value) && value.every(each));
