/** What reached a migration while it worked. Handlers only append; the migration takes one at a time. */
import { CancellationScope, setHandler } from '@temporalio/workflow';
import type { RunRequest, TuningInput } from './messages.js';
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

export type Message =
  | { readonly type: 'request'; readonly request: RunRequest; readonly replace: boolean }
  | { readonly type: 'pause' | 'resume' | 'cancel' }
  | { readonly type: 'retry' | 'credentials' | 'approve'; readonly unit?: number }
  | { readonly type: 'retune'; readonly tuning: TuningInput };

/** Listens to every signal and update, and to Temporal's own cancel. */
export function openInbox(): Message[] {
  const inbox: Message[] = [];
  setHandler(
    requestSignal,
    ({ replace, ...request }) => void inbox.push({ type: 'request', request, replace: replace ?? false }),
  );
  setHandler(pauseSignal, () => void inbox.push({ type: 'pause' }));
  setHandler(resumeSignal, () => void inbox.push({ type: 'resume' }));
  setHandler(cancelSignal, () => void inbox.push({ type: 'cancel' }));
  setHandler(retrySignal, (which) => void inbox.push({ type: 'retry', ...which }));
  setHandler(credentialsSignal, (which) => void inbox.push({ type: 'credentials', ...which }));
  setHandler(approveSignal, (which) => void inbox.push({ type: 'approve', ...which }));
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

const WHOLE: ReadonlySet<string> = new Set(['lanes', 'connections', 'connectionsPerAccount']);

function validateTuning(tuning: TuningInput): void {
  const values = Object.entries(tuning);
  if (values.length === 0)
    throw new Error('name at least one of lanes, connections, connectionsPerAccount, itemsPerSecond, bytesPerSecond');
  for (const [name, value] of values) {
    if (typeof value !== 'number' || !(value > 0)) throw new Error(`${name} must be a number above 0, not ${value}`);
    if (WHOLE.has(name) && !Number.isInteger(value)) throw new Error(`${name} must be a whole number`);
  }
}
