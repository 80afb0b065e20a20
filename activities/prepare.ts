/** Opening and closing a run: the spec is written down, each account gets its number, totals are counted. */
import type { JsonObject } from '../connectors/contract.js';
import { askAgain } from '../ledger/ask-again.js';
import { writeEvent } from '../ledger/events.js';
import { closeGates, endGates, openGate } from '../ledger/gates.js';
import type { RunTotals } from '../ledger/runs.js';
import { closeRun, openRun, readControl, setControl } from '../ledger/runs.js';
import { callUnits, changeUnit, endParked, listUnits, readUnit } from '../ledger/units.js';
import type { Counters } from '../words/counters.js';
import { addCounters, NO_COUNTERS } from '../words/counters.js';
import type { RunState } from '../words/runs.js';
import type { ParkedUnit, RunRequest, TuningInput, UnitCall } from '../workflows/messages.js';
import { accountsOf } from './accounts.js';
import type { Deps } from './deps.js';
import { liftBlocksOf } from './lift-blocks.js';
import { specOf } from './specs.js';

export interface PrepareInput {
  readonly name: string;
  readonly request: RunRequest;
}

export interface Prepared {
  readonly run: number;
  readonly specHash: string;
  readonly units: readonly UnitCall[];
  /** A pause outlives the run it was asked in. */
  readonly paused: boolean;
  readonly lanes?: number;
}

/** Opens the run and calls its units. Safe to repeat: the same request gives the same run and the same numbers. */
export async function prepare(deps: Deps, input: PrepareInput, signal: AbortSignal): Promise<Prepared> {
  const { ledger } = deps;
  const { request, name } = input;
  const { spec, specHash } = await specOf(deps, name, request);
  if (request.reason === 'retry') await liftBlocksOf(deps, specHash);
  const run = await openRun(ledger, {
    migration: name,
    request: request.id,
    reason: request.reason,
    spec: specHash,
    ...(request.schedule !== undefined && { schedule: request.schedule }),
  });
  await endGates(ledger, name, run - 1, `run ${run}`);
  const units: UnitCall[] = [];
  for (const selection of spec.selections) {
    if (request.selections && !request.selections.includes(selection.name)) continue;
    const accounts = await accountsOf(deps, spec, selection, signal);
    for (const n of await callUnits(ledger, name, run, selection.name, accounts, request.units)) {
      units.push({
        n,
        selection: selection.name,
        kind: selection.kind,
        ...(selection.mode === 'two-way' && { twoWay: true }),
      });
    }
  }
  if (request.reason === 'retry' || request.reason === 'verify') {
    await ledger.transaction((sql) =>
      askAgain(
        sql,
        name,
        units.map((unit) => unit.n),
        request.reason as 'retry' | 'verify',
      ),
    );
  }
  await writeEvent(ledger.pool, { migration: name, run }, 'info', 'run opened', {
    reason: request.reason,
    spec: specHash.slice(0, 12),
    units: units.length,
  });
  const { paused, tuning } = await readControl(ledger, name);
  return { run, specHash, units, paused, ...(tuning.lanes === undefined ? {} : { lanes: tuning.lanes }) };
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
    ...(end.state === 'done' ? { approved: [] } : {}),
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

export interface OpenGateInput {
  readonly migration: string;
  readonly run: number;
  readonly unit: number;
  /** The signal's name, `time`, or `order` when the others have moved. */
  readonly by: string;
}

/** Opens a unit's gate: it may start again. An approval holds until the unit is done, and for this run only. */
export async function passGate(deps: Deps, input: OpenGateInput): Promise<void> {
  await closeGates(deps.ledger, input.migration, input.unit, input.by);
  const { gate, approved } = await readUnit(deps.ledger.pool, input.migration, input.unit);
  await changeUnit(deps.ledger.pool, input.migration, input.unit, {
    state: 'waiting',
    gate: null,
    reason: null,
    next: null,
    ...((input.by === 'approve' || input.by === 'order') && gate ? { approved: [...approved, gate] } : {}),
  });
  await writeEvent(deps.ledger.pool, input, 'info', 'gate opened', { by: input.by });
}

export interface CloseRunInput {
  readonly name: string;
  readonly run: number;
  readonly state: 'finished' | 'cancelled' | 'replaced';
  readonly units: readonly number[];
}

export interface ClosedRun {
  readonly state: Exclude<RunState, 'running'>;
  readonly totals: RunTotals;
  readonly counters: Counters;
}

/** Sums up the run. It is `done` only when every item of every unit is verified. */
export async function finishRun(deps: Deps, input: CloseRunInput): Promise<ClosedRun> {
  const { ledger } = deps;
  const rows = await listUnits(ledger.pool, input.name);
  const mine = rows.filter((row) => row.run === input.run);
  const counters = mine.reduce((sum, row) => addCounters(sum, row.counters), NO_COUNTERS);
  const done = mine.filter((row) => row.state === 'done').length;
  const failed = mine.length - done;
  const proven = failed === 0 && counters.failures === 0 && counters.pending === 0 && counters.arrived === 0;
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
  return { state, totals, counters };
}
