/**
 * What reached a migration while it worked. Handlers only append; the migration takes one at a time. Messages may be typed
 * by hand in the Web UI, so their input is looked at here: what cannot be read is no reason to stop a migration.
 */
import { CancellationScope, log, setHandler, uuid4 } from '@temporalio/workflow';
import type { RunRequest } from '../words/runs.js';
import type { TuningInput } from '../words/tuning.js';
import { TUNABLE } from '../words/tuning.js';
import type { Approval } from './messages.js';
import {
  approveSignal,
  cancelSignal,
  credentialsSignal,
  pauseSignal,
  requestSignal,
  resumeSignal,
  retrySignal,
  retuneUpdate,
} from './messages.js';
import { isObject, isRequest } from './requests.js';

export type Message =
  | { readonly type: 'request'; readonly request: RunRequest; readonly replace: boolean }
  | { readonly type: 'pause' | 'resume' | 'cancel' }
  | { readonly type: 'retry' | 'credentials'; readonly unit?: number }
  | ({ readonly type: 'approve' } & Approval)
  | { readonly type: 'retune'; readonly tuning: TuningInput };

/** Listens to every signal and update, and to Temporal's own cancel. */
export function openInbox(): Message[] {
  const inbox: Message[] = [];
  setHandler(requestSignal, (asked: unknown) => {
    if (!isNothing(asked) && !isRequest(asked)) return void misread('request', '{"reason": "apply"}');
    const { replace, ...request } = readRequest(asked);
    inbox.push({ type: 'request', request, replace: replace === true });
  });
  setHandler(pauseSignal, () => void inbox.push({ type: 'pause' }));
  setHandler(resumeSignal, () => void inbox.push({ type: 'resume' }));
  setHandler(cancelSignal, () => void inbox.push({ type: 'cancel' }));
  const steer = (type: 'retry' | 'credentials') => (which: unknown) => {
    const chosen = chosenBy(which);
    if (chosen) inbox.push({ type, ...chosen });
    else misread(type, '{"unit": 3}');
  };
  setHandler(retrySignal, steer('retry'));
  setHandler(credentialsSignal, steer('credentials'));
  setHandler(approveSignal, (asked: unknown) => {
    const approval = approvalIn(asked);
    if (approval) inbox.push({ type: 'approve', ...approval });
    else misread('approve', '{"unit": 3}');
  });
  setHandler(
    retuneUpdate,
    (tuning) => {
      inbox.push({ type: 'retune', tuning });
      return tuning;
    },
    { validator: validateTuning },
  );
  CancellationScope.current().cancelRequested.catch(() => inbox.push({ type: 'cancel' }));
  return inbox;
}

function misread(signal: string, example: string): void {
  log.warn(`the signal "${signal}" has an input that cannot be meant; send it without input, or with ${example}`);
}

const isNothing = (value: unknown): boolean => value === undefined || value === null || value === '';

/** What is no object, and what is left out, asks for the spec that the migration ran last. */
export function readRequest(asked: unknown): RunRequest & { readonly replace?: boolean } {
  const given: Partial<RunRequest> = isRequest(asked) ? asked : {};
  return {
    ...given,
    id: typeof given.id === 'string' && given.id !== '' ? given.id : uuid4(),
    reason: given.reason ?? 'apply',
  };
}

/**
 * Nothing, `{}` and `""` mean every unit; `3`, `"3"` and `{ "unit": 3 }` one. Undefined for anything else: a slip of the
 * hand must not approve what nobody meant.
 */
function chosenBy(which: unknown): { readonly unit?: number } | undefined {
  if (isNothing(which)) return {};
  if (isObject(which)) {
    const { unit, ...others }: { readonly unit?: unknown } = which;
    return Object.keys(others).length === 0 ? chosenBy(unit) : undefined;
  }
  const unit = typeof which === 'string' ? Number(which) : which;
  return typeof unit === 'number' && Number.isInteger(unit) && unit > 0 ? { unit } : undefined;
}

/** As `chosenBy`, and what was shown where a command asks. */
function approvalIn(asked: unknown): Approval | undefined {
  if (!isObject(asked) || !('shown' in asked)) return chosenBy(asked);
  const { shown, ...rest }: { readonly shown?: unknown } = asked;
  if (!Array.isArray(shown) || !shown.every((token) => typeof token === 'string')) return undefined;
  const chosen = chosenBy(rest);
  return chosen && { ...chosen, shown };
}

const WHOLE: ReadonlySet<string> = new Set(['lanes', 'connections', 'connectionsPerAccount']);
const isTunable = (name: unknown): boolean => TUNABLE.some((tunable) => tunable === name);

function validateTuning(tuning: TuningInput): void {
  const values = typeof tuning === 'object' && tuning ? Object.entries(tuning) : [];
  if (values.length === 0) throw new Error(`name at least one of ${TUNABLE.join(', ')}, or reset`);
  for (const [name, value] of values) {
    if (name === 'reset') {
      if (value === true || (Array.isArray(value) && value.every(isTunable))) continue;
      throw new Error(`reset must be true, or a list of some of ${TUNABLE.join(', ')}`);
    }
    if (!isTunable(name)) throw new Error(`"${name}" cannot be tuned; name one of ${TUNABLE.join(', ')}, or reset`);
    if (typeof value !== 'number' || !(value > 0)) throw new Error(`${name} must be a number above 0, not ${value}`);
    if (WHOLE.has(name) && !Number.isInteger(value)) throw new Error(`${name} must be a whole number`);
  }
}
