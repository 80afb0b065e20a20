/** One run of a migration: units in lanes, gates, pause, and a safe end. */
import { defineSearchAttributeKey } from '@temporalio/common';
import { CancellationScope, condition, executeChild, workflowInfo } from '@temporalio/workflow';
import { addCounters, NO_COUNTERS, subtractCounters } from '../words/counters.js';
import { numbersOf, toRanges } from '../words/ranges.js';
import type { LookResult, RunRequest, RunResult } from '../words/runs.js';
import type { ParkedUnit, UnitCall } from '../words/units.js';
import { callsOf } from '../words/units.js';
import { looksAtUnits, records } from './calls.js';
import type { Message } from './inbox.js';
import type { Progress, UnitResult } from './messages.js';
import { makeUnitId } from './messages.js';
import type { unit } from './unit.js';
import { resultOf } from './unit-failure.js';

export interface OpenRun {
  readonly number: number;
  readonly specHash: string;
  /** Works until the run ends, or until the history is long enough to continue as new. Leaves no message in the inbox. */
  advance(inbox: Message[], hooks: Hooks): Promise<'finished' | 'cancelled' | 'replaced' | 'continue-as-new'>;
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
/** Units that one activity looks at, and activities that do so at once. */
const LOOK_UNITS = 100;
const LOOKS = 2;
const GATES_SHOWN = 100;

const SELECTION = defineSearchAttributeKey('DroverSelection', 'KEYWORD');
const KIND = defineSearchAttributeKey('DroverKind', 'KEYWORD');
const MIGRATION = defineSearchAttributeKey('DroverMigration', 'KEYWORD');

/** Opens the run in the ledger, or finds it there as an earlier execution of this workflow left it. */
export async function openRun(name: string, request: RunRequest): Promise<OpenRun> {
  const prepared = await records.prepare({ name, request });
  const at = { migration: name, run: prepared.run };
  const calls = new Map(callsOf(prepared.groups).map((call) => [call.n, call]));
  const waiting = [...numbersOf(prepared.waiting)];
  const settled = [...numbersOf(prepared.settled)];
  const parked = new Map(prepared.parked.map((unit) => [unit.n, unit]));
  for (const { units, ...gate } of prepared.parkedBesides)
    for (const n of numbersOf(units)) parked.set(n, { ...(calls.get(n) as UnitCall), reason: '', ...gate });
  const failed = new Set(numbersOf(prepared.failed));
  const running = new Map<number, CancellationScope>();
  const looking = new Map<CancellationScope, readonly number[]>();
  /** What came while the run did something else: taken one after the other. */
  const ended: { readonly n: number; readonly result: UnitResult }[] = [];
  const looked: { readonly units: readonly number[]; readonly result: LookResult | undefined }[] = [];
  /** Of units that have worked and were stopped, until they start again. */
  const stopped = new Map(prepared.stopped.map(({ n, counters }) => [n, counters]));
  /** Units that this run has stopped itself, and whose end has not come yet. */
  const halted = new Set<number>();
  let { paused, done, totals, standing } = prepared;
  let lanes = prepared.lanes ?? DEFAULT_LANES;
  let ending: 'cancelled' | 'replaced' | undefined;
  /** Nothing is left to do: it is only closed yet. */
  let isOver = false;
  /** The history is long: units end at a safe point, and go on in the next execution. */
  let handingOver = false;

  const isStopping = (): boolean => paused || ending !== undefined || handingOver;
  const isIdle = (): boolean => running.size === 0 && looking.size === 0;
  const halt = (n: number, scope: CancellationScope): void => {
    halted.add(n);
    scope.cancel();
  };
  const stopWork = (): void => {
    for (const [n, scope] of running) halt(n, scope);
    for (const scope of looking.keys()) scope.cancel();
  };

  /** Its slices tell where it stands from here on. */
  const begins = (n: number): void => {
    standing = subtractCounters(standing, stopped.get(n) ?? NO_COUNTERS);
    stopped.delete(n);
  };
  const start = (n: number): void => {
    const call = calls.get(n) as UnitCall;
    const scope = new CancellationScope({ cancellable: true });
    running.set(n, scope);
    begins(n);
    const input = { ...call, ...at, specHash: prepared.specHash, reason: request.reason };
    void scope
      .run(() =>
        executeChild<typeof unit>('unit', {
          workflowId: makeUnitId(name, n),
          // One that is still open is left over from before a reset of this workflow. Their slices' leases keep them apart.
          workflowIdReusePolicy: 'TERMINATE_IF_RUNNING',
          args: [input],
          typedSearchAttributes: [
            { key: MIGRATION, value: name },
            { key: SELECTION, value: call.selection },
            { key: KIND, value: call.kind },
          ],
          staticSummary: `${call.kind} of unit ${n}, selection ${call.selection}, run ${prepared.run}`,
        }),
      )
      .then(
        (result) => ended.push({ n, result }),
        (error: unknown) => ended.push({ n, result: resultOf(error) }),
      );
  };

  const look = (units: readonly number[]): void => {
    const scope = new CancellationScope({ cancellable: true });
    looking.set(scope, units);
    units.forEach(begins);
    const input = { ...at, specHash: prepared.specHash, reason: request.reason, units };
    const end = (result: LookResult | undefined): void => {
      looking.delete(scope);
      looked.push({ units, result });
    };
    void scope.run(() => looksAtUnits.lookAtUnits(input)).then(end, () => end(undefined));
  };

  const startWork = (): void => {
    while (running.size + looking.size < lanes) {
      if (settled.length > 0 && looking.size < LOOKS) look(settled.splice(0, LOOK_UNITS));
      else if (waiting.length > 0) start(waiting.shift() as number);
      else return;
    }
  };

  const take = async (n: number, result: UnitResult): Promise<void> => {
    running.delete(n);
    const isHalted = halted.delete(n);
    const end = { ...at, unit: n };
    switch (result.state) {
      case 'done':
        done++;
        totals = addCounters(totals, result.counters);
        return records.endUnit({ ...end, state: 'done', counters: result.counters });
      case 'failed':
        failed.add(n);
        return records.endUnit({ ...end, state: 'failed', reason: result.reason });
      case 'parked': {
        const { gate, reason, next, retryAfterMs, counters } = result;
        const park: ParkedUnit = {
          ...(calls.get(n) as UnitCall),
          gate,
          reason,
          ...(next === undefined ? {} : { next }),
          ...(retryAfterMs === undefined ? {} : { retryAt: Date.now() + retryAfterMs }),
        };
        parked.set(n, park);
        standing = addCounters(standing, counters ?? NO_COUNTERS);
        return records.endUnit({ ...end, state: 'parked', park, counters: counters ?? NO_COUNTERS });
      }
      case 'paused':
      case 'stopped':
        if (ending) return records.endUnit({ ...end, state: 'cancelled' });
        if (result.state === 'stopped' && !isHalted) {
          failed.add(n);
          return records.endUnit({ ...end, state: 'failed', reason: 'its workflow was cancelled by hand' });
        }
        waiting.unshift(n);
        if (result.counters) {
          stopped.set(n, result.counters);
          standing = addCounters(standing, result.counters);
        }
        return records.endUnit({ ...end, state: 'waiting' });
      default:
        return result satisfies never;
    }
  };

  const takeLook = ({ units, result }: (typeof looked)[number]): void => {
    const left = result ? [...numbersOf(result.left)] : [];
    const changed = result ? [...numbersOf(result.changed)] : units;
    const idle = units.length - left.length - changed.length;
    done += idle;
    if (result) totals = addCounters(totals, result.counters);
    waiting.push(...changed);
    // A look that got nowhere though nobody stopped it is not made again: its units get workflows of their own.
    if (isStopping() || idle + changed.length > 0) settled.unshift(...left);
    else waiting.push(...left);
  };

  const reopen = async (units: readonly ParkedUnit[], by: string): Promise<void> => {
    if (units.length === 0) return;
    for (const { n } of units) parked.delete(n);
    const numbers = units.map(({ n }) => n);
    standing = subtractCounters(standing, await records.reopenUnits({ ...at, units: toRanges(numbers), by }));
    waiting.push(...numbers);
  };
  const reopenWhere = (which: (unit: ParkedUnit) => boolean, by: string): Promise<void> =>
    reopen([...parked.values()].filter(which), by);

  const retry = async (chosen: (n: number) => boolean): Promise<void> => {
    // Units that wait because a system asked for it stop, and start again at once.
    if (await records.liftBlocks(prepared.specHash)) {
      for (const [n, scope] of running) {
        if (chosen(n)) halt(n, scope);
      }
    }
    const again = [...failed].filter(chosen);
    for (const n of again) failed.delete(n);
    if (again.length > 0) await records.reopenUnits({ ...at, units: toRanges(again), by: 'retry' });
    waiting.push(...again);
    await reopenWhere(({ n }) => chosen(n), 'retry');
  };

  const obey = async (message: Message, hooks: Hooks): Promise<void> => {
    switch (message.type) {
      case 'pause':
      case 'resume':
        paused = message.type === 'pause';
        await records.control({ name, paused });
        if (paused) stopWork();
        return;
      case 'cancel':
        ending = 'cancelled';
        await hooks.dropQueue();
        await records.control({ name, stopped: true, paused: false });
        return stopWork();
      case 'request':
        hooks.takeRequest(message.request);
        if (!message.replace) return;
        ending ??= 'replaced';
        await records.control({ name, stopped: true });
        return stopWork();
      case 'retune':
        if (message.tuning.lanes !== undefined) lanes = message.tuning.lanes;
        return records.control({ name, tuning: message.tuning });
      case 'retry':
        return retry((n) => (message.unit ?? n) === n);
      case 'credentials':
        return reopenWhere((u) => u.gate === 'credentials' && (message.unit ?? u.n) === u.n, 'credentials');
      case 'approve':
        return reopenWhere(
          (u) => (u.gate === 'approval' || u.gate === 'failures') && (message.unit ?? u.n) === u.n,
          'approve',
        );
      default:
        return message satisfies never;
    }
  };

  /** Takes everything that has come, until nothing more has come meanwhile. */
  const takeAll = async (inbox: Message[], hooks: Hooks): Promise<void> => {
    for (;;) {
      const message = inbox.shift();
      const end = message ? undefined : ended.shift();
      const seen = message || end ? undefined : looked.shift();
      if (message) await obey(message, hooks);
      else if (end) await take(end.n, end.result);
      else if (seen) takeLook(seen);
      else {
        const due = [...parked.values()].filter(({ retryAt }) => retryAt !== undefined && retryAt <= Date.now());
        if (due.length === 0 || isStopping()) return;
        await reopen(due, 'time');
      }
    }
  };

  const work = async (inbox: Message[], hooks: Hooks): ReturnType<OpenRun['advance']> => {
    for (;;) {
      await takeAll(inbox, hooks);
      const { historyLength, continueAsNewSuggested } = workflowInfo();
      if (!handingOver && historyLength >= prepared.historyEvents) {
        handingOver = true;
        stopWork();
      }
      if (!isStopping()) {
        startWork();
        if (isIdle()) {
          // Everybody's first rank has moved, but for units that wait for a person.
          const behind = [...parked.values()].filter(({ gate }) => gate === 'order');
          if (behind.length > 0) {
            await reopen(behind, 'order');
            continue;
          }
        }
      }
      hooks.tell();
      if (isIdle()) {
        if (ending) return ending;
        if (handingOver || continueAsNewSuggested) return 'continue-as-new';
        if (waiting.length === 0 && settled.length === 0 && parked.size === 0) return 'finished';
      }
      const alarm = Math.min(...[...parked.values()].map(({ retryAt }) => retryAt ?? Number.POSITIVE_INFINITY));
      const woken = (): boolean => inbox.length > 0 || ended.length > 0 || looked.length > 0;
      if (Number.isFinite(alarm) && !isStopping()) await condition(woken, Math.max(1, alarm - Date.now()));
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
        stopWork();
        await condition(() => looking.size === 0 && ended.length === running.size);
        throw error;
      }
    },
    progress: (queued, last) => ({
      name,
      run: prepared.run,
      reason: request.reason,
      specHash: prepared.specHash,
      state: stateOf(),
      units: {
        total: calls.size,
        waiting: waiting.length + settled.length,
        running: running.size + [...looking.values()].reduce((sum, { length }) => sum + length, 0),
        parked: parked.size,
        done,
        failed: failed.size,
      },
      totals: addCounters(totals, standing),
      running: [...running.keys()].map((n) => calls.get(n) as UnitCall),
      gates: [...parked.values()].slice(0, GATES_SHOWN),
      queued,
      ...(last ? { last } : {}),
    }),
  };

  function stateOf(): Progress['state'] {
    if (ending || isOver) return 'stopping';
    if (paused) return isIdle() ? 'paused' : 'pausing';
    return isIdle() && waiting.length === 0 && settled.length === 0 && parked.size > 0 ? 'waiting' : 'running';
  }
}
