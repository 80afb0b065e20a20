/** Opening and closing a run: the spec is written down, each account gets its number, totals are counted. */

import type { JsonObject } from '../../connectors/contract.js';
import { writeEvent } from '../../ledger/events.js';
import { closeGates, endGates, openGate } from '../../ledger/gates.js';
import { settledUnits } from '../../ledger/idle-units.js';
import type { Sql } from '../../ledger/ledger.js';
import { requeue } from '../../ledger/requeue.js';
import type { RunTotals } from '../../ledger/runs.js';
import { closeRun, markPrepared, openRun, readControl, setControl } from '../../ledger/runs.js';
import { readSpec } from '../../ledger/specs.js';
import type { UnitRow } from '../../ledger/units.js';
import { callUnits, changeUnit, endParked, listUnits, reopen, unitsOfRun } from '../../ledger/units.js';
import type { SpecRules } from '../../schemas/spec.js';
import type { Counters } from '../../words/counters.js';
import { addCounters, isProven, NO_COUNTERS } from '../../words/counters.js';
import type { Ranges } from '../../words/ranges.js';
import { numbersOf, toRanges } from '../../words/ranges.js';
import type { Prepared, RunReason, RunRequest, RunState } from '../../words/runs.js';
import type { TuningInput } from '../../words/tuning.js';
import type { Gate, ParkedUnit, UnitCall, UnitGroup, UnitState } from '../../words/units.js';
import { callsOf } from '../../words/units.js';
import type { Deps } from '../deps.js';
import { accountsOf } from './accounts.js';
import { liftBlocksOf } from './lift-blocks.js';
import { arrivedSpec, takeSpec } from './specs.js';

export interface PrepareInput {
  readonly name: string;
  readonly request: RunRequest;
}

/**
 * Opens the run and calls its units, or returns where it stands when it is open already: after a crash, or in another
 * workflow execution. A request whose run has ended asks for another one: somebody started the same workflow again.
 */
export async function prepare(deps: Deps, input: PrepareInput, signal: AbortSignal): Promise<Prepared> {
  const { ledger } = deps;
  const { request, name } = input;
  const specHash = await takeSpec(deps, name, request);
  const { number: run, isPrepared } = await openRun(ledger, {
    migration: name,
    request: request.id,
    reason: request.reason,
    spec: specHash,
    ...(request.schedule !== undefined && { schedule: request.schedule }),
  });
  if (!isPrepared) await callAll(deps, { ...input, specHash, run }, signal);
  const { paused, tuning } = await readControl(ledger, name);
  return {
    run,
    specHash,
    ...(await whereItStands(ledger.pool, await readSpec(ledger.pool, specHash), { name, run, reason: request.reason })),
    paused,
    ...(tuning.lanes === undefined ? {} : { lanes: tuning.lanes }),
    historyEvents: deps.settings.historyEvents,
  };
}

interface Opening extends PrepareInput {
  readonly specHash: string;
  readonly run: number;
}

/** Gives each account its number and calls it to the run; safe to repeat until it is through. */
async function callAll(deps: Deps, { name, request, specHash, run }: Opening, signal: AbortSignal): Promise<void> {
  const { ledger } = deps;
  const spec = await arrivedSpec(deps, specHash);
  const { reason } = request;
  if (reason === 'retry') await liftBlocksOf(deps, specHash);
  await endGates(ledger, name, run - 1, `run ${run}`);
  const called: number[] = [];
  for (const selection of spec.selections) {
    if (request.selections && !request.selections.includes(selection.name)) continue;
    const accounts = await accountsOf(deps, spec, selection, signal);
    for (const n of await callUnits(ledger, name, run, selection.name, accounts, request.units)) called.push(n);
  }
  await ledger.transaction(async (sql) => {
    if (reason === 'retry' || reason === 'verify') await requeue(sql, name, called, reason);
    await markPrepared(sql, name, run);
  });
  await writeEvent(ledger.pool, { migration: name, run }, 'info', 'run opened', {
    reason,
    spec: specHash.slice(0, 12),
    units: called.length,
  });
}

/** Reasons of units that wait are shown for so many; all of them would not fit into one answer. */
const REASONS = 100;

type Standing = Pick<Prepared, 'groups' | 'waiting' | 'settled' | 'parked' | 'failed' | 'done' | 'totals' | 'standing'>;

async function whereItStands(
  sql: Sql,
  spec: SpecRules,
  { name, run, reason }: { readonly name: string; readonly run: number; readonly reason: RunReason },
): Promise<Standing> {
  const units = await unitsOfRun(sql, name, run);
  // Somebody who retries or verifies has asked something of each.
  const settled = reason === 'apply' || reason === 'schedule' ? new Set(await settledUnits(sql, name, run)) : new Set();
  const numbers = (...states: readonly UnitState[]): Ranges =>
    toRanges(units.filter(({ state }) => states.includes(state)).map(({ n }) => n));
  const sumOf = (state: UnitState): Counters =>
    units.reduce((sum, unit) => (unit.state === state ? addCounters(sum, unit.counters ?? {}) : sum), NO_COUNTERS);
  const groups = spec.selections.map(
    ({ name, kind, mode }): UnitGroup => ({
      selection: name,
      kind,
      ...(mode === 'two-way' && { twoWay: true }),
      units: toRanges(units.filter(({ selection }) => selection === name).map(({ n }) => n)),
    }),
  );
  const calls = new Map(callsOf(groups).map((call) => [call.n, call]));
  const parked = units.filter(({ state }) => state === 'parked');
  return {
    groups,
    waiting: toRanges([...numbersOf(numbers('waiting', 'running', 'cancelled'))].filter((n) => !settled.has(n))),
    settled: toRanges(units.flatMap(({ n }) => (settled.has(n) ? [n] : []))),
    parked: parked.map(({ n, gate, reason, next, retryAt }, at): ParkedUnit => {
      const isShown = at < REASONS;
      return {
        ...(calls.get(n) as UnitCall),
        gate: gate as Gate,
        reason: (isShown && reason) || '',
        ...(isShown && next !== null && { next }),
        ...(retryAt !== null && { retryAt }),
      };
    }),
    failed: numbers('failed'),
    done: units.filter(({ state }) => state === 'done').length,
    totals: sumOf('done'),
    standing: sumOf('parked'),
  };
}

export interface ControlInput {
  readonly name: string;
  readonly paused?: boolean;
  readonly stopped?: boolean;
  readonly tuning?: TuningInput;
}

export async function control(deps: Deps, input: ControlInput): Promise<void> {
  await setControl(deps.ledger, input.name, {
    ...(input.paused === undefined ? {} : { paused: input.paused }),
    ...(input.stopped === undefined ? {} : { stopped: input.stopped }),
    tuning: input.tuning ?? {},
  });
}

export interface UnitEnd {
  readonly migration: string;
  readonly run: number;
  readonly unit: number;
  readonly state: 'done' | 'failed' | 'parked' | 'cancelled' | 'waiting';
  readonly reason?: string;
  readonly park?: ParkedUnit;
  /** Where it stands, as the run adds it up; absent: as its last slice left it. */
  readonly counters?: Counters;
}

/** Writes down how a unit ended, or why it waits. */
export async function endUnit(deps: Deps, end: UnitEnd): Promise<void> {
  const { ledger } = deps;
  const { park } = end;
  await changeUnit(ledger.pool, end.migration, end.unit, {
    state: end.state,
    gate: park?.gate ?? null,
    reason: park?.reason ?? end.reason ?? null,
    next: park?.next ?? null,
    retryAt: park?.retryAt ?? null,
    ...(end.state === 'done' ? { approved: [] } : {}),
    ...(end.counters && { counters: end.counters }),
  });
  if (park) {
    await openGate(ledger, end, { gate: park.gate, reason: park.reason, next: park.next });
    await writeEvent(ledger.pool, end, 'warn', `waits for ${park.gate}`, {
      reason: park.reason,
      next: park.next ?? null,
    });
  } else {
    await writeEvent(ledger.pool, end, end.state === 'failed' ? 'error' : 'info', `unit ${end.state}`, {
      ...(end.reason === undefined ? {} : { reason: end.reason }),
    });
  }
}

export interface ReopenInput {
  readonly migration: string;
  readonly run: number;
  readonly units: Ranges;
  /** The signal's name, `time`, or `order` when the others have moved. */
  readonly by: string;
}

/**
 * Units that failed or wait at a gate may start again. Returns the sum of their counters. An approval holds until the unit
 * is done, and for this run only.
 */
export async function reopenUnits(deps: Deps, { migration, run, units, by }: ReopenInput): Promise<Counters> {
  const { ledger } = deps;
  const numbers = [...numbersOf(units)];
  const reopened = await ledger.transaction(async (sql) => {
    await closeGates(sql, migration, numbers, by);
    return reopen(sql, migration, numbers, by === 'approve' || by === 'order');
  });
  for (const unit of numbers.slice(0, EVENTS))
    await writeEvent(ledger.pool, { migration, run, unit }, 'info', 'gate opened', { by });
  return reopened.reduce<Counters>(addCounters, NO_COUNTERS);
}

/** Of units that were let go on together, so many are named one by one. */
const EVENTS = 100;

export interface CloseRunInput {
  readonly name: string;
  readonly run: number;
  readonly state: 'finished' | 'cancelled' | 'replaced';
}

export interface ClosedRun {
  readonly state: Exclude<RunState, 'running'>;
  readonly totals: RunTotals;
  readonly counters: Counters;
  /** Why it is not done. */
  readonly reason?: string;
}

/** Sums up the run. It is `done` only when every item of every unit is verified. */
export async function finishRun(deps: Deps, input: CloseRunInput): Promise<ClosedRun> {
  const { ledger } = deps;
  const rows = await listUnits(ledger.pool, input.name);
  const mine = rows.filter((row) => row.run === input.run);
  const counters = mine.reduce((sum, row) => addCounters(sum, row.counters), NO_COUNTERS);
  const done = mine.filter((row) => row.state === 'done').length;
  const failed = mine.length - done;
  const proven = failed === 0 && isProven(counters);
  const state = input.state === 'finished' ? (proven ? 'done' : 'failed') : input.state;
  const totals: RunTotals = {
    units: mine.length,
    done,
    failed,
    items: counters.items,
    verified: counters.verified,
    failures: counters.failures,
    pending: counters.pending,
    duplicates: counters.duplicates,
    bytes: counters.bytes,
    changed: counters.changed,
    created: counters.created,
    updated: counters.updated,
    removed: counters.removed,
    skipped: counters.skipped,
    conflicts: counters.conflicts,
  };
  await closeRun(ledger, input.name, input.run, state, totals);
  await endGates(ledger, input.name, input.run, state);
  await endParked(ledger, input.name, input.run);
  await writeEvent(
    ledger.pool,
    { migration: input.name, run: input.run },
    state === 'done' ? 'info' : 'warn',
    `run ${state}`,
    totals as unknown as JsonObject,
  );
  return { state, totals, counters, ...(state === 'failed' && { reason: whyNotDone(mine, counters) }) };
}

/** E.g. `2 of 300 units failed (unit 7: OLD_PASSWORD is not set); 3 items failed, 0 not done, 0 not yet proven`. */
function whyNotDone(units: readonly UnitRow[], { failures, pending, arrived }: Counters): string {
  const failed = units.filter(({ state }) => state !== 'done');
  const first = failed.find(({ reason }) => reason !== null);
  const named = first ? ` (unit ${first.n}: ${first.reason})` : '';
  return [
    ...(failed.length > 0 ? [`${failed.length} of ${units.length} units failed${named}`] : []),
    ...(failures + pending + arrived > 0
      ? [`${failures} items failed, ${pending} not done, ${arrived} arrived and not yet proven`]
      : []),
  ].join('; ');
}
