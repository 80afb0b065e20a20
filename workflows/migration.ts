import { defineSearchAttributeKey } from '@temporalio/common';
import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  setCurrentDetails,
  setHandler,
  upsertMemo,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { NO_COUNTERS } from '../words/counters.js';
import { records, reports } from './calls.js';
import { describeProgress } from './details.js';
import type { Message } from './inbox.js';
import { openInbox } from './inbox.js';
import type { MigrationInput, Progress, RunRequest, RunResult } from './messages.js';
import { progressQuery } from './messages.js';
import type { OpenRun } from './run.js';
import { openRun } from './run.js';

const MIGRATION = defineSearchAttributeKey('DroverMigration', 'KEYWORD');
const STATE = defineSearchAttributeKey('DroverState', 'KEYWORD');

/**
 * The one entity of a migration's name: takes requests for runs one after the other, so that manual and scheduled
 * runs never collide. Ends when nothing is asked for; returns the last run. Continues as new in the middle of a run
 * once its history grows and the units under way have ended.
 */
export async function migration(input: MigrationInput): Promise<RunResult> {
  const inbox = openInbox();
  const queue: RunRequest[] = [...input.queue];
  let run: OpenRun | undefined;
  let last: RunResult | undefined;
  let preparing = queue[0];

  const progress = (): Progress =>
    run?.progress(queue.length, last) ?? {
      name: input.name,
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

  /** Messages that need no run at work. True when this was one. */
  const takeRequest = (message: Message): boolean => {
    if (message.type !== 'request') return false;
    // The same asking twice is one run, and a request that waits already covers an equal one.
    if (!queue.some((r) => covers(r, message.request))) queue.push(message.request);
    return true;
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

  return CancellationScope.nonCancellable(async () => {
    upsertSearchAttributes([{ key: MIGRATION, value: input.name }]);
    let carried = input.carried;
    for (;;) {
      for (let message = inbox.shift(); message; message = inbox.shift()) {
        takeRequest(message);
        if (message.type === 'cancel') queue.length = 0;
      }
      const request = carried?.request ?? queue.shift();
      if (!request) {
        if (last) break;
        await condition(() => inbox.length > 0);
        continue;
      }
      preparing = request;
      run = await openRun(input.name, request, carried);
      carried = undefined;
      upsertMemo({ specHash: run.specHash });
      tell();
      const end = await run.advance(inbox, { takeRequest, tell });
      if (end === 'continue-as-new') {
        await condition(allHandlersFinished);
        return continueAsNew<typeof migration>({ name: input.name, queue, carried: run.carry() });
      }
      const closed = await records.finishRun({ name: input.name, run: run.number, state: end, units: [] });
      await reports.writeReport({ name: input.name, run: run.number }).catch(() => null);
      last = {
        name: input.name,
        run: run.number,
        state: closed.state,
        units: closed.totals.units,
        done: closed.totals.done,
        failed: closed.totals.failed,
        totals: closed.counters,
      };
      run = undefined;
      tell();
      if (end === 'cancelled') queue.length = 0;
      if (queue.length > 0 && workflowInfo().continueAsNewSuggested) {
        await condition(allHandlersFinished);
        return continueAsNew<typeof migration>({ name: input.name, queue });
      }
    }
    return last as RunResult;
  });
}

/** Whether a run that waits makes another asking needless: a slow run must not gather a queue of starts. */
function covers(waiting: RunRequest, asked: RunRequest): boolean {
  if (waiting.id === asked.id) return true;
  const same = (a: readonly string[] | undefined, b: readonly string[] | undefined): boolean => String(a) === String(b);
  return waiting.reason === 'schedule' && asked.reason === 'schedule' && same(waiting.selections, asked.selections);
}
