import { defineSearchAttributeKey } from '@temporalio/common';
import {
  ActivityFailure,
  CancellationScope,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  setCurrentDetails,
  setHandler,
  upsertMemo,
  upsertSearchAttributes,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import { NO_COUNTERS } from '../words/counters.js';
import type { RunRequest, RunResult } from '../words/runs.js';
import { records, reports } from './calls.js';
import { describeProgress } from './details.js';
import type { Message } from './inbox.js';
import { openInbox } from './inbox.js';
import type { MigrationInput, Progress } from './messages.js';
import { migrationOf, progressQuery, runEndedSignal } from './messages.js';
import type { OpenRun } from './run.js';
import { openRun } from './run.js';
import { throwUnlessDone } from './run-failure.js';

const MIGRATION = defineSearchAttributeKey('DroverMigration', 'KEYWORD');
const STATE = defineSearchAttributeKey('DroverState', 'KEYWORD');

/**
 * The one entity of a migration's name: takes requests for runs one after the other, so that manual and scheduled
 * runs never collide. Ends when nothing is asked for; returns the last run, or fails as that did. Started without input, as
 * somebody may do in the Web UI, it tries the last run again. Continues as new when its history is long, at a point where
 * no unit is at work; it then asks the ledger where the run stands.
 *
 * No message is lost: whatever comes while an activity is awaited is in the inbox, and the inbox is empty whenever this
 * workflow ends or continues as new. A message that comes in between makes Temporal refuse that end, and try again.
 */
export async function migration(input?: Partial<MigrationInput>): Promise<RunResult> {
  const name = input?.name ?? migrationOf(workflowInfo().workflowId);
  const inbox = openInbox();
  const queue: RunRequest[] = [...(input?.queue ?? [])];
  let run: OpenRun | undefined;
  let last: RunResult | undefined;
  let failure: unknown;
  let preparing = queue[0];

  const progress = (): Progress =>
    run?.progress(queue.length, last) ?? {
      name,
      run: last?.run ?? 0,
      reason: preparing?.reason ?? 'apply',
      specHash: preparing?.specHash ?? '',
      state: last ? 'done' : 'preparing',
      units: { total: 0, waiting: 0, running: 0, parked: 0, done: 0, failed: 0 },
      totals: last?.totals ?? NO_COUNTERS,
      running: [],
      gates: [],
      queued: queue.length,
      ...(last ? { last } : {}),
    };
  setHandler(progressQuery, progress);

  /** The same asking twice is one run, and a request that waits already covers an equal one. */
  const takeRequest = (request: RunRequest): void => {
    const at = queue.findIndex((waiting) => covers(waiting, request));
    const waiting = queue[at];
    if (waiting) queue[at] = { ...waiting, waiters: [...(waiting.waiters ?? []), ...(request.waiters ?? [])] };
    else queue.push(request);
  };
  /** Whoever waited for a run hears how it ended. One that is gone needs not know. */
  const tellWaiters = async ({ waiters = [] }: RunRequest, result: RunResult): Promise<void> => {
    const told = [...new Set(waiters)].map((id) => getExternalWorkflowHandle(id).signal(runEndedSignal, result));
    await Promise.allSettled(told);
  };
  const dropQueue = async (): Promise<void> => {
    for (const request of queue.splice(0)) await tellWaiters(request, { ...NO_RUN, name, state: 'cancelled' });
  };
  /** Messages that no run takes, because none is at work. */
  const heed = async (message: Message): Promise<void> => {
    switch (message.type) {
      case 'request':
        return takeRequest(message.request);
      case 'cancel':
        return dropQueue();
      case 'pause':
      case 'resume':
        return records.control({ name, paused: message.type === 'pause' });
      case 'retune':
        return records.control({ name, tuning: message.tuning });
      case 'retry': {
        if (last?.state === 'done') return;
        const units = message.unit === undefined ? {} : { units: [message.unit] };
        return takeRequest({ id: uuid4(), reason: 'retry', ...units });
      }
      // A run that has ended waits at no gate.
      case 'credentials':
      case 'approve':
        return;
      default:
        return message satisfies never;
    }
  };
  let told: string | undefined;
  const tell = (): void => {
    const now = progress();
    setCurrentDetails(describeProgress(now));
    const state = now.state === 'done' ? (now.last?.state ?? 'done') : now.state;
    if (state === told) return;
    upsertSearchAttributes([{ key: STATE, value: state }]);
    told = state;
  };
  const carryOut = async (request: RunRequest): Promise<'ended' | 'continue-as-new'> => {
    run = await openRun(name, request);
    upsertMemo({ specHash: run.specHash });
    tell();
    let end = await run.advance(inbox, { takeRequest, tell });
    while (inbox.length > 0 && end !== 'cancelled') end = await run.advance(inbox, { takeRequest, tell });
    if (end === 'continue-as-new') return end;
    const number = run.number;
    const closed = await records.finishRun({ name, run: number, state: end });
    await reports.writeReport({ name, run: number }).catch(() => null);
    const { state, totals, counters, reason } = closed;
    const { units, done, failed } = totals;
    last = { name, run: number, state, units, done, failed, totals: counters, ...(reason !== undefined && { reason }) };
    run = undefined;
    // A workflow that ends as cancelled has no result.
    if (last.state === 'cancelled') upsertMemo({ last });
    tell();
    await tellWaiters(request, last);
    if (end === 'cancelled') await dropQueue();
    return 'ended';
  };

  return CancellationScope.nonCancellable(async () => {
    upsertSearchAttributes([{ key: MIGRATION, value: name }]);
    if (queue.length === 0 && !(await condition(() => inbox.length > 0, START_MS)))
      queue.push({ id: workflowInfo().runId, reason: 'retry' });
    for (;;) {
      for (let message = inbox.shift(); message; message = inbox.shift()) await heed(message);
      if (queue.length > 0 && last && workflowInfo().continueAsNewSuggested)
        return continueAsNew<typeof migration>({ name, queue });
      const request = queue.shift();
      if (!request && (last || failure)) break;
      if (!request) {
        await condition(() => inbox.length > 0);
        continue;
      }
      preparing = request;
      failure = undefined;
      try {
        if ((await carryOut(request)) === 'continue-as-new') {
          const { spec: _inTheLedger, ...open } = request;
          return continueAsNew<typeof migration>({
            name,
            queue: [{ ...open, specHash: run?.specHash ?? '' }, ...queue],
          });
        }
      } catch (error) {
        // The next one may have a better spec.
        failure = error;
        run = undefined;
        await tellWaiters(request, { ...NO_RUN, name, state: 'failed', reason: reasonOf(error) });
      }
    }
    if (failure) throw failure;
    return throwUnlessDone(last as RunResult);
  });
}

/** A start without a request waits so long for the signal that brings one, in milliseconds. */
const START_MS = 1_000;

/** Of a run that was asked for and never began. */
const NO_RUN = { run: 0, units: 0, done: 0, failed: 0, totals: NO_COUNTERS } as const;

function reasonOf(error: unknown): string {
  const said = error instanceof ActivityFailure ? error.cause : error;
  return said instanceof Error ? said.message : String(said);
}

/** Whether a run that waits makes another asking needless: a slow run must not gather a queue of starts. */
function covers(waiting: RunRequest, asked: RunRequest): boolean {
  if (waiting.id === asked.id) return true;
  const same = (a: readonly string[] | undefined, b: readonly string[] | undefined): boolean => String(a) === String(b);
  return waiting.reason === 'schedule' && asked.reason === 'schedule' && same(waiting.selections, asked.selections);
}
