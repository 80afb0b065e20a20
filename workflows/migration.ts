import { defineSearchAttributeKey } from '@temporalio/common';
import {
  ApplicationFailure,
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
import type { ClosedRun } from '../engine/run/close-run.js';
import { NO_COUNTERS } from '../words/counters.js';
import type { RunRequest, RunResult } from '../words/runs.js';
import { records, reports } from './calls.js';
import { describeProgress } from './details.js';
import type { Message } from './inbox.js';
import { openInbox, readRequest } from './inbox.js';
import type { MigrationInput, Progress } from './messages.js';
import { migrationOf, progressQuery, runEndedSignal } from './messages.js';
import { openOrEnd } from './open-or-end.js';
import type { OpenRun } from './run.js';
import { failureOf, throwUnlessDone } from './run-failure.js';

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
  const name = nameOf(workflowInfo().workflowId, input);
  const scope = CancellationScope.current();
  const inbox = openInbox();
  const queue: RunRequest[] = Array.isArray(input?.queue) ? input.queue.map(readRequest) : [];
  /** The request whose run is open, or is being opened; else the last one. */
  let current = queue[0];
  let isOpening = true;
  let run: OpenRun | undefined;
  let last: RunResult | undefined;
  let failure: unknown;
  /** Why units and items of the last run failed. */
  let reasons: Pick<Progress, 'failedFor' | 'itemsFailedFor'> = {};
  /** Requests whose runs have ended in this execution: a schedule's start may ask once more when its answer was lost. */
  const concluded = new Set<string>();

  const progress = (): Progress =>
    run?.progress(queue.length, last) ?? {
      name,
      run: last?.run ?? 0,
      reason: current?.reason ?? 'apply',
      specHash: current?.specHash ?? '',
      ...(current?.selections && { selections: current.selections }),
      ...(current?.accounts && { accounts: current.accounts }),
      state: isOpening ? 'preparing' : 'done',
      units: {
        total: last?.units ?? 0,
        waiting: 0,
        running: 0,
        parked: 0,
        done: last?.done ?? 0,
        failed: last?.failed ?? 0,
      },
      totals: last?.totals ?? NO_COUNTERS,
      running: [],
      gates: [],
      ...(isOpening ? {} : reasons),
      queued: queue.length,
      ...(last ? { last } : {}),
    };
  setHandler(progressQuery, progress);

  /** The same asking twice is one run, and a request that waits already covers an equal one. */
  const takeRequest = (request: RunRequest): void => {
    if ((run || isOpening) && current?.id === request.id) {
      current = together(current, request);
      return;
    }
    if (concluded.has(request.id)) return;
    const at = queue.findIndex((waiting) => covers(waiting, request));
    const waiting = queue[at];
    if (waiting) queue[at] = together(waiting, request);
    else queue.push(request);
  };
  /** Whoever waited for a run hears how it ended. One that is gone needs not know. */
  const tellWaiters = async ({ waiters = [] }: RunRequest, result: RunResult): Promise<void> => {
    const told = [...new Set(waiters)].map((id) => getExternalWorkflowHandle(id).signal(runEndedSignal, result));
    await Promise.allSettled(told);
  };
  const unopened = (state: RunResult['state']): RunResult => {
    return { name, run: 0, state, units: 0, done: 0, failed: 0, totals: NO_COUNTERS };
  };
  const dropQueue = async (): Promise<void> => {
    for (const request of queue.splice(0)) await tellWaiters(request, unopened('cancelled'));
  };
  /** Messages that no run takes, because none is at work. */
  const heed = async (message: Message): Promise<void> => {
    switch (message.type) {
      case 'request':
        return takeRequest(message.request);
      case 'cancel':
        last ??= unopened('cancelled');
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
    setCurrentDetails(describeProgress(now, failure === undefined ? undefined : messageOf(failure)));
    const state = now.state === 'done' ? (failure ? 'failed' : (now.last?.state ?? 'done')) : now.state;
    if (state === told) return;
    upsertSearchAttributes([{ key: STATE, value: state }]);
    told = state;
  };
  const carryOut = async (request: RunRequest): Promise<'ended' | 'continue-as-new'> => {
    const opened = await openOrEnd(name, request, inbox);
    isOpening = false;
    if (typeof opened === 'string') {
      const closed = await records.closeRequest({ name, request: request.id, state: opened });
      await conclude(closed ? resultOf(name, closed) : unopened(opened));
      return 'ended';
    }
    run = opened;
    upsertMemo({ specHash: run.specHash });
    tell();
    const end = await run.advance(inbox, { takeRequest, dropQueue, tell });
    if (end === 'continue-as-new') return end;
    await conclude(resultOf(name, await records.finishRun({ name, run: run.number, state: end })));
    return 'ended';
  };
  const conclude = async (result: RunResult): Promise<void> => {
    last = result;
    if (run) reasons = reasonsOf(run.progress(queue.length, last));
    concluded.add((current as RunRequest).id);
    run = undefined;
    tell();
    if (result.run > 0) await reports.writeReport({ name, run: result.run }).catch(() => null);
    await tellWaiters(current as RunRequest, result);
  };

  return CancellationScope.nonCancellable(async () => {
    upsertSearchAttributes([{ key: MIGRATION, value: name }]);
    if (queue.length === 0) await condition(() => inbox.length > 0, START_MS);
    for (;;) {
      for (let message = inbox.shift(); message; message = inbox.shift()) await heed(message);
      // What Temporal has cancelled once it does not cancel again.
      if (queue.length > 0 && last && (workflowInfo().continueAsNewSuggested || scope.consideredCancelled))
        return continueAsNew<typeof migration>({ name, queue });
      const request = queue.shift() ?? (last || failure ? undefined : { id: workflowInfo().runId, reason: 'retry' });
      if (!request) break;
      current = request;
      isOpening = true;
      failure = undefined;
      tell();
      try {
        if ((await carryOut(request)) === 'continue-as-new') {
          const { spec: _inTheLedger, ...open } = current;
          return continueAsNew<typeof migration>({
            name,
            queue: [{ ...open, specHash: run?.specHash ?? '' }, ...queue],
          });
        }
      } catch (error) {
        // The next one may have a better spec.
        failure = error;
        concluded.add(request.id);
        run = undefined;
        isOpening = false;
        tell();
        await records.closeRequest({ name, request: request.id, state: 'failed' }).catch(() => null);
        await tellWaiters(current, { ...unopened('failed'), reason: messageOf(error) });
      }
    }
    if (failure) throw failureOf(failure);
    // A workflow that ends as cancelled has no result.
    if (last?.state === 'cancelled') upsertMemo({ last });
    return throwUnlessDone(last as RunResult);
  });
}

/** A start without a request waits so long for the signal that brings one, in milliseconds. */
const START_MS = 1_000;

/** A migration is one entity: two workflows of different ids must not work on it. */
function nameOf(workflowId: string, input: Partial<MigrationInput> | undefined): string {
  const name = migrationOf(workflowId);
  if (name !== '' && (input?.name ?? name) === name) return name;
  throw ApplicationFailure.nonRetryable(
    `the workflow of a migration has the id "migrate/NAME", with the name that is in its input; this one has the id "${workflowId}"`,
    'spec',
  );
}

function resultOf(name: string, { run, state, totals, counters, leftOut, allProven, reason }: ClosedRun): RunResult {
  const { units, done, failed } = totals;
  return {
    ...{ name, run, state, units, done, failed, totals: counters },
    ...(leftOut !== undefined && { leftOut }),
    ...(allProven && { allProven }),
    ...(reason !== undefined && { reason }),
  };
}

function messageOf(error: unknown): string {
  const said = failureOf(error);
  return said instanceof Error ? said.message : String(said);
}

function reasonsOf({ failedFor, itemsFailedFor }: Progress): Pick<Progress, 'failedFor' | 'itemsFailedFor'> {
  return { ...(failedFor && { failedFor }), ...(itemsFailedFor && { itemsFailedFor }) };
}

/** One run for both, and both hear of its end. */
function together(waiting: RunRequest, asked: RunRequest): RunRequest {
  return { ...waiting, waiters: [...(waiting.waiters ?? []), ...(asked.waiters ?? [])] };
}

/** Whether a run that waits makes another asking needless: a slow run must not gather a queue of starts. */
function covers(waiting: RunRequest, asked: RunRequest): boolean {
  if (waiting.id === asked.id) return true;
  const same = (a: readonly string[] | undefined, b: readonly string[] | undefined): boolean => String(a) === String(b);
  return waiting.reason === 'schedule' && asked.reason === 'schedule' && same(waiting.selections, asked.selections);
}
