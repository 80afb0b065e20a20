/** One run of a migration: units in lanes, gates, pause, and a safe end. */

import { defineSearchAttributeKey } from '@temporalio/common';
import { CancellationScope, condition, executeChild, patched, workflowInfo } from '@temporalio/workflow';
import type { Counters } from '../words/counters.js';
import { addCounters, NO_COUNTERS } from '../words/counters.js';
import { records } from './calls.js';
import type { Message } from './inbox.js';
import type { Carried, ParkedUnit, Progress, RunRequest, RunResult, UnitCall, UnitResult } from './messages.js';
import { makeUnitId } from './messages.js';
import type { unit } from './unit.js';

export interface OpenRun {
  readonly number: number;
  readonly specHash: string;
  /** Works until the run ends, or until the history asks to continue as new. */
  advance(inbox: Message[], hooks: Hooks): Promise<'finished' | 'cancelled' | 'replaced' | 'continue-as-new'>;
  carry(): Carried;
  progress(queued: number, last: RunResult | undefined): Progress;
}

interface Hooks {
  takeRequest(message: Message): boolean;
  /** Tells the Web UI where the run stands. */
  tell(): void;
}

/** Units at work at once, unless `retune` says otherwise. */
const DEFAULT_LANES = 8;

const SELECTION = defineSearchAttributeKey('DroverSelection', 'KEYWORD');
const KIND = defineSearchAttributeKey('DroverKind', 'KEYWORD');
const MIGRATION = defineSearchAttributeKey('DroverMigration', 'KEYWORD');

export async function openRun(name: string, request: RunRequest, carried: Carried | undefined): Promise<OpenRun> {
  const prepared = carried ?? (await begin(name, request));
  const waiting: UnitCall[] = [...prepared.waiting];
  const parked: ParkedUnit[] = [...prepared.parked];
  const running = new Map<number, { readonly call: UnitCall; readonly scope: CancellationScope }>();
  /** Counters of units that have worked and do not now: parked, paused, waiting for more. */
  const standing = new Map<number, Counters>(prepared.standing);
  const ended: { readonly call: UnitCall; readonly result: UnitResult }[] = [];
  let { paused, lanes, done, failed, totals } = prepared;
  const failures: UnitCall[] = [...prepared.failures];
  let ending: 'cancelled' | 'replaced' | undefined;

  const start = (call: UnitCall): void => {
    const scope = new CancellationScope({ cancellable: true });
    running.set(call.n, { call, scope });
    // Its slices tell from here on.
    standing.delete(call.n);
    void scope
      .run(() =>
        executeChild<typeof unit>('unit', {
          workflowId: makeUnitId(name, call.n),
          args: [{ ...call, migration: name, run: prepared.run, specHash: prepared.specHash, reason: request.reason }],
          typedSearchAttributes: [
            { key: MIGRATION, value: name },
            { key: SELECTION, value: call.selection },
            { key: KIND, value: call.kind },
          ],
          staticSummary: `${call.kind} of unit ${call.n}, selection ${call.selection}, run ${prepared.run}`,
        }),
      )
      .then(
        (result) => ended.push({ call, result }),
        // A unit that was terminated, or whose worker gave it up: the run goes on without it.
        (error: Error) =>
          ended.push({
            call,
            result: ending || paused ? { state: 'stopped' } : { state: 'failed', reason: error.message },
          }),
      );
  };

  const stopUnits = (): void => {
    for (const { scope } of running.values()) scope.cancel();
  };

  const take = async ({ call, result }: { readonly call: UnitCall; readonly result: UnitResult }): Promise<void> => {
    running.delete(call.n);
    if (result.state !== 'done' && result.state !== 'failed' && result.counters) standing.set(call.n, result.counters);
    const at = { migration: name, run: prepared.run, unit: call.n };
    switch (result.state) {
      case 'done':
        done++;
        totals = addCounters(totals, result.counters);
        return records.endUnit({ ...at, state: 'done' });
      case 'failed':
        failed++;
        failures.push(call);
        return records.endUnit({ ...at, state: 'failed', reason: result.reason });
      case 'parked': {
        const { gate, reason, next, retryAfterMs } = result;
        const park: ParkedUnit = {
          ...call,
          gate,
          reason,
          ...(next === undefined ? {} : { next }),
          ...(retryAfterMs === undefined ? {} : { retryAt: Date.now() + retryAfterMs }),
        };
        parked.push(park);
        return records.endUnit({ ...at, state: 'parked', park });
      }
      case 'paused':
      case 'stopped':
        if (!ending) waiting.unshift(call);
        return records.endUnit({ ...at, state: ending ? 'cancelled' : 'waiting' });
      default:
        return result satisfies never;
    }
  };

  const pass = async (which: (unit: ParkedUnit) => boolean, by: string): Promise<void> => {
    for (const unit of parked.filter(which)) {
      parked.splice(parked.indexOf(unit), 1);
      await records.passGate({ migration: name, run: prepared.run, unit: unit.n, by });
      const { n, selection, kind, twoWay } = unit;
      waiting.push({ n, selection, kind, ...(twoWay && { twoWay }) });
    }
  };

  const obey = async (message: Message, hooks: Hooks): Promise<void> => {
    switch (message.type) {
      case 'pause':
      case 'resume':
        paused = message.type === 'pause';
        await records.control({ name, paused });
        if (paused) stopUnits();
        return;
      case 'cancel':
        ending = 'cancelled';
        await records.control({ name, stopped: true, paused: false });
        return stopUnits();
      case 'request':
        hooks.takeRequest(message);
        if (!message.replace) return;
        ending = 'replaced';
        await records.control({ name, stopped: true });
        return stopUnits();
      case 'retune':
        if (message.tuning.lanes !== undefined) lanes = message.tuning.lanes;
        return records.control({ name, tuning: message.tuning });
      case 'retry': {
        const chosen = (n: number): boolean => message.unit === undefined || message.unit === n;
        // Units that wait because a system asked for it stop, and start again at once.
        if (patched('retry-lifts-blocks') && (await records.liftBlocks(prepared.specHash)))
          for (const [n, { scope }] of running) if (chosen(n)) scope.cancel();
        for (const call of failures.filter((c) => chosen(c.n))) {
          failures.splice(failures.indexOf(call), 1);
          failed--;
          waiting.push(call);
        }
        return pass((unit) => chosen(unit.n), 'retry');
      }
      case 'credentials':
        return pass((u) => u.gate === 'credentials' && (message.unit ?? u.n) === u.n, 'credentials');
      case 'approve':
        return pass(
          (u) => (u.gate === 'approval' || u.gate === 'failures') && (message.unit ?? u.n) === u.n,
          'approve',
        );
      default:
        return message satisfies never;
    }
  };

  return {
    number: prepared.run,
    specHash: prepared.specHash,
    async advance(inbox, hooks) {
      for (;;) {
        for (let message = inbox.shift(); message; message = inbox.shift()) await obey(message, hooks);
        for (let end = ended.shift(); end; end = ended.shift()) await take(end);
        if (inbox.length > 0) continue;
        await pass((unit) => unit.retryAt !== undefined && unit.retryAt <= Date.now(), 'time');
        const draining = workflowInfo().continueAsNewSuggested;
        if (!paused && !ending && !draining) {
          for (
            let call = running.size < lanes ? waiting.shift() : undefined;
            call;
            call = running.size < lanes ? waiting.shift() : undefined
          ) {
            start(call);
          }
        }
        if (!paused && !ending && !draining && running.size === 0 && waiting.length === 0) {
          // Everybody's first rank has moved, but for units that wait for a person.
          await pass((unit) => unit.gate === 'order', 'order');
          if (waiting.length > 0) continue;
        }
        hooks.tell();
        if (running.size === 0) {
          if (ending) return ending;
          if (draining) return 'continue-as-new';
          if (waiting.length === 0 && parked.length === 0) return 'finished';
        }
        const alarm = Math.min(...parked.map((unit) => unit.retryAt ?? Number.POSITIVE_INFINITY));
        const woken = (): boolean => inbox.length > 0 || ended.length > 0;
        if (Number.isFinite(alarm) && !paused) await condition(woken, Math.max(1, alarm - Date.now()));
        else await condition(woken);
      }
    },
    carry: () => ({
      ...prepared,
      waiting,
      parked,
      failures,
      done,
      failed,
      totals,
      paused,
      lanes,
      standing: [...standing],
    }),
    progress: (queued, last) => ({
      name,
      run: prepared.run,
      reason: request.reason,
      specHash: prepared.specHash,
      state: stateOf(),
      units: {
        total: prepared.total,
        waiting: waiting.length,
        running: running.size,
        parked: parked.length,
        done,
        failed,
      },
      totals: [...standing.values()].reduce(addCounters, totals),
      running: [...running.values()].map((r) => r.call),
      gates: parked,
      queued,
      ...(last ? { last } : {}),
    }),
  };

  function stateOf(): Progress['state'] {
    if (ending) return 'stopping';
    if (paused) return running.size > 0 ? 'pausing' : 'paused';
    return running.size === 0 && waiting.length === 0 && parked.length > 0 ? 'waiting' : 'running';
  }
}

async function begin(name: string, request: RunRequest): Promise<Carried> {
  const prepared = await records.prepare({ name, request });
  return {
    request,
    run: prepared.run,
    specHash: prepared.specHash,
    total: prepared.units.length,
    waiting: prepared.units,
    parked: [],
    failures: [],
    done: 0,
    failed: 0,
    totals: NO_COUNTERS,
    standing: [],
    paused: prepared.paused,
    lanes: prepared.lanes ?? DEFAULT_LANES,
  };
}
