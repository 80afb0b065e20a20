/** One run of a migration: messages and ends of units are taken one after the other, until nothing is left to do. */
import { condition, workflowInfo } from '@temporalio/workflow';
import type { RunRequest, RunResult } from '../words/runs.js';
import { retuned } from '../words/tuning.js';
import { records } from './calls.js';
import type { Message } from './inbox.js';
import type { Progress } from './messages.js';
import type { Stopping } from './units-at-work.js';
import { UnitsAtWork } from './units-at-work.js';

export type RunEnd = 'finished' | 'cancelled' | 'replaced' | 'continue-as-new';

export interface OpenRun {
  readonly number: number;
  readonly specHash: string;
  /** Works until the run ends, or until the history is long enough to continue as new. Leaves no message in the inbox. */
  advance(inbox: Message[], hooks: Hooks): Promise<RunEnd>;
  progress(queued: number, last: RunResult | undefined): Progress;
}

interface Hooks {
  takeRequest(request: RunRequest): void;
  /** A cancel takes back what was asked for before it. */
  dropQueue(): Promise<void>;
  /** Tells the Web UI where the run stands. */
  tell(): void;
}

/** Units at work at once, unless `retune` says otherwise. */
const DEFAULT_LANES = 8;

/** Opens the run in the ledger, or finds it there as an earlier execution of this workflow left it. */
export async function openRun(name: string, request: RunRequest): Promise<OpenRun> {
  const prepared = await records.prepare({ name, request });
  const units = new UnitsAtWork(name, request.reason, prepared);
  let { paused } = prepared;
  let tuning = prepared.tuning ?? (prepared.lanes === undefined ? {} : { lanes: prepared.lanes });
  let ending: 'cancelled' | 'replaced' | undefined;
  /** Nothing is left to do: it is only closed yet. */
  let isOver = false;
  /** The history is long: units end at a safe point, and go on in the next execution. */
  let handingOver = false;

  const stopping = (): Stopping => (ending ? 'ending' : paused || handingOver ? 'paused' : undefined);

  const obey = async (message: Message, hooks: Hooks): Promise<void> => {
    switch (message.type) {
      case 'pause':
      case 'resume':
        paused = message.type === 'pause';
        await records.control({ name, paused });
        if (paused) units.stop();
        return;
      case 'cancel':
        ending = 'cancelled';
        await hooks.dropQueue();
        await records.control({ name, stopped: true, paused: false });
        return units.stop();
      case 'request':
        hooks.takeRequest(message.request);
        if (!message.replace) return;
        ending ??= 'replaced';
        await records.control({ name, stopped: true });
        return units.stop();
      case 'retune':
        tuning = retuned(tuning, message.tuning);
        return records.control({ name, tuning: message.tuning });
      case 'retry':
        return units.retry(message.unit);
      case 'credentials':
        await units.reopen((u) => u.gate === 'credentials' && (message.unit ?? u.n) === u.n, 'credentials');
        return;
      case 'approve':
        await units.approve(message);
        return;
      default:
        return message satisfies never;
    }
  };

  /** Takes everything that has come, until nothing more has come meanwhile. */
  const takeAll = async (inbox: Message[], hooks: Hooks): Promise<void> => {
    for (;;) {
      const message = inbox.shift();
      if (message) await obey(message, hooks);
      else if (await units.takeOne(stopping())) continue;
      else {
        // Nothing is awaited between finding nothing and returning.
        const now = Date.now();
        const isDue = units.parked.some(({ retryAt }) => retryAt !== undefined && retryAt <= now);
        if (inbox.length === 0 && !units.hasEnded && (!isDue || stopping())) return;
        if (isDue && !stopping()) await units.reopen(({ retryAt }) => retryAt !== undefined && retryAt <= now, 'time');
      }
    }
  };

  const work = async (inbox: Message[], hooks: Hooks): Promise<RunEnd> => {
    for (;;) {
      await takeAll(inbox, hooks);
      const { historyLength, continueAsNewSuggested } = workflowInfo();
      if (!handingOver && historyLength >= prepared.historyEvents) {
        handingOver = true;
        units.stop();
      }
      if (!stopping()) {
        units.startUpTo(tuning.lanes ?? DEFAULT_LANES);
        // Everybody's first rank has moved, but for units that wait for a person.
        if (units.isIdle && units.parked.some(({ gate }) => gate === 'order')) {
          await units.reopen(({ gate }) => gate === 'order', 'order');
          continue;
        }
      }
      hooks.tell();
      if (units.isIdle) {
        if (ending) return ending;
        if (handingOver || continueAsNewSuggested) return 'continue-as-new';
        if (units.isStarted && units.parked.length === 0) return 'finished';
      }
      const woken = (): boolean => inbox.length > 0 || units.hasEnded;
      const alarm = units.parked.reduce((first, { retryAt }) => Math.min(first, retryAt ?? first), Infinity);
      if (Number.isFinite(alarm) && !stopping()) await condition(woken, Math.max(1, alarm - Date.now()));
      else await condition(woken);
    }
  };

  return {
    number: prepared.run,
    specHash: prepared.specHash,
    async advance(inbox, hooks) {
      try {
        const end = await work(inbox, hooks);
        isOver = end !== 'continue-as-new';
        return end;
      } catch (error) {
        // The next run must not meet this one's units.
        units.stop();
        await units.untilStopped();
        throw error;
      }
    },
    progress: (queued, last) => ({
      name,
      run: prepared.run,
      reason: request.reason,
      specHash: prepared.specHash,
      ...(request.selections && { selections: request.selections }),
      ...(request.accounts && { accounts: request.accounts }),
      state: stateOf(),
      ...units.progress(),
      queued,
      ...(prepared.measure && { measure: prepared.measure }),
      ...(Object.keys(tuning).length > 0 && { tuning }),
      ...(last ? { last } : {}),
    }),
  };

  function stateOf(): Progress['state'] {
    if (ending || isOver) return 'stopping';
    if (paused) return units.isStill ? 'paused' : 'pausing';
    return units.isStill && units.isStarted && units.parked.length > 0 ? 'waiting' : 'running';
  }
}
