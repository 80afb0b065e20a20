/** Opening a run: the spec is written down, each account gets its number; or where an open one stands. */

import { Fault } from '../../connectors/errors.js';
import { measureOf } from '../../connectors/kinds/traits.js';
import { coversOf } from '../../ledger/covers.js';
import { writeEvent } from '../../ledger/events.js';
import { endGates } from '../../ledger/gates.js';
import { settledUnits } from '../../ledger/idle-units.js';
import type { Sql } from '../../ledger/ledger.js';
import { requeue } from '../../ledger/requeue.js';
import { isPartApplied, markPrepared, openRun, openRunsBefore, readControl, runOfRequest } from '../../ledger/runs.js';
import { readSpec } from '../../ledger/specs.js';
import { sumUnits } from '../../ledger/sums.js';
import type { UnitStanding } from '../../ledger/units.js';
import { callUnits, unitsOfRun } from '../../ledger/units.js';
import { isPart } from '../../schemas/choice.js';
import type { SpecRules } from '../../schemas/spec.js';
import { deletedFrom } from '../../schemas/system-words.js';
import { accountName, namesWithin } from '../../words/accounts.js';
import type { Covers } from '../../words/covers.js';
import { waitsForApproval } from '../../words/covers.js';
import type { Ranges } from '../../words/ranges.js';
import { toRanges } from '../../words/ranges.js';
import type { Prepared, RunReason, RunRequest } from '../../words/runs.js';
import type { Gate, ParkedUnit, UnitCall, UnitGroup } from '../../words/units.js';
import { callsOf } from '../../words/units.js';
import type { Deps } from '../deps.js';
import { finishRun } from './close-run.js';
import { liftBlocksOf } from './lift-blocks.js';
import { arrivedSpec, takeSpec } from './specs.js';
import type { Whom } from './whom.js';
import { whom } from './whom.js';

export interface PrepareInput {
  readonly name: string;
  readonly request: RunRequest;
  /** Temporal's run id of the workflow that asks. */
  readonly execution?: string;
}

/**
 * Opens the run and calls its units, or returns where it stands when it is open already: after a crash, or in another
 * workflow execution. A request whose run has ended asks for another one: somebody started the same workflow again.
 * `waitedMs`: how long ago it was asked for, for a spec whose parts are on their way.
 */
export async function prepare(deps: Deps, input: PrepareInput, signal: AbortSignal, waitedMs = 0): Promise<Prepared> {
  const { ledger } = deps;
  const { request, name } = input;
  const specHash = await takeSpec(deps, name, request, waitedMs);
  const whose = await whoseIsNew(deps, input, specHash, signal);
  const { number: run, isPrepared } = await openRun(ledger, {
    migration: name,
    request: request.id,
    reason: request.reason,
    spec: specHash,
    ...(request.schedule !== undefined && { schedule: request.schedule }),
    ...(input.execution !== undefined && { execution: input.execution }),
  });
  if (!isPrepared) {
    // Somebody terminated their workflow, or reset it to a run before them.
    for (const open of await openRunsBefore(ledger.pool, name, run))
      await finishRun(deps, { name, run: open, state: 'replaced' });
    await callAll(deps, { ...input, specHash, run, whose }, signal);
  }
  const { paused, tuning } = await readControl(ledger, name);
  const spec = await readSpec(ledger.pool, specHash);
  return {
    run,
    specHash,
    ...(await whereItStands(ledger.pool, spec, { name, run, reason: request.reason })),
    measure: measureOf(spec.selections.map(({ kind }) => kind)),
    paused,
    tuning,
    ...(tuning.lanes === undefined ? {} : { lanes: tuning.lanes }),
    historyEvents: deps.settings.historyEvents,
  };
}

interface Opening extends PrepareInput {
  readonly specHash: string;
  readonly run: number;
  readonly whose: readonly Whom[] | undefined;
}

/** A schedule's selections are its whole. */
const asksForPart = (request: RunRequest): boolean =>
  request.reason !== 'schedule' && (isPart(request) || request.units !== undefined);

/**
 * Whom a part of a spec is about, before a run is opened for it: a name that is misspelt leaves none behind. Of a run that is
 * open already, that is settled.
 */
async function whoseIsNew(
  deps: Deps,
  { name, request }: PrepareInput,
  specHash: string,
  signal: AbortSignal,
): Promise<readonly Whom[] | undefined> {
  if (!asksForPart(request) || (await runOfRequest(deps.ledger.pool, name, request.id))?.state === 'running')
    return undefined;
  return whom(deps, await arrivedSpec(deps, specHash), request, signal);
}

/** Gives each account its number and calls it to the run; safe to repeat until it is through. */
async function callAll(
  deps: Deps,
  { name, request, specHash, run, whose }: Opening,
  signal: AbortSignal,
): Promise<void> {
  const { ledger } = deps;
  const { reason } = request;
  const selected = whose ?? (await whom(deps, await arrivedSpec(deps, specHash), request, signal));
  if (reason === 'retry') await liftBlocksOf(deps, specHash);
  await endGates(ledger, name, run - 1, `run ${run}`);
  // Nobody who proves a pilot again, or mends it, means to move everybody else.
  const again = (reason === 'retry' || reason === 'verify') && (await isPartApplied(ledger.pool, name));
  const only = request.units ?? (again ? 'begun' : undefined);
  const called: number[] = [];
  for (const { selection, accounts } of selected) {
    const pairs = accounts.map(({ account }) => account);
    for (const n of await callUnits(ledger, name, run, selection.name, pairs, only)) called.push(n);
  }
  const missing = request.units?.find((n) => !called.includes(n));
  if (missing !== undefined)
    throw new Fault('spec', `"${name}" has no unit ${missing} among the accounts of its spec`, {
      next: `\`migrate status ${name}\` shows the units there are`,
    });
  await ledger.transaction(async (sql) => {
    if (reason === 'retry' || reason === 'verify') await requeue(sql, name, called, reason);
    await markPrepared(sql, name, run, asksForPart(request) ? called : null);
    await writeEvent(sql, { migration: name, run }, 'info', 'run opened', {
      reason,
      ...(request.schedule !== undefined && { schedule: request.schedule }),
      spec: specHash.slice(0, 12),
      units: called.length,
      ...(reason !== 'schedule' && { asked: true }),
    });
  });
}

/** Reasons of units that wait are shown for so many; all of them would not fit into one answer. */
const REASONS = 100;
/** And what an approval covers is named for so many. */
const NAMED = 20;
type Standing = Omit<Prepared, 'run' | 'specHash' | 'paused' | 'measure' | 'tuning' | 'lanes' | 'historyEvents'>;

async function whereItStands(
  sql: Sql,
  spec: SpecRules,
  { name, run, reason }: { readonly name: string; readonly run: number; readonly reason: RunReason },
): Promise<Standing> {
  const units = await unitsOfRun(sql, name, run);
  // Somebody who retries or verifies has asked something of each.
  const settled = reason === 'apply' || reason === 'schedule' ? new Set(await settledUnits(sql, name, run)) : new Set();
  const numbersWhere = (which: (unit: UnitStanding) => boolean): Ranges =>
    toRanges(units.filter(which).map(({ n }) => n));
  const groups = spec.selections.map(
    ({ name, kind, mode }): UnitGroup => ({
      selection: name,
      kind,
      ...(mode === 'two-way' && { twoWay: true }),
      units: numbersWhere(({ selection }) => selection === name),
    }),
  );
  const calls = new Map(callsOf(groups).map((call) => [call.n, call]));
  const waits = ({ n, state }: UnitStanding): boolean =>
    ['waiting', 'running', 'cancelled'].includes(state) && !settled.has(n);
  const parked = units
    .filter(({ state }) => state === 'parked')
    .sort((a, b) => Number(waitsForApproval(b)) - Number(waitsForApproval(a)));
  const covers = await coversOf(
    sql,
    (row) => deletedFrom(spec, row),
    { migration: name, run },
    parked.slice(0, REASONS),
    NAMED,
  );
  const failed = units.filter(({ state }) => state === 'failed');
  return {
    groups,
    waiting: numbersWhere(waits),
    settled: numbersWhere(({ n }) => settled.has(n)),
    parked: parked.slice(0, REASONS).map((unit): ParkedUnit => {
      const { n, gate, reason, next, retryAt } = unit;
      return {
        ...(calls.get(n) as UnitCall),
        account: accountName(unit),
        gate: gate as Gate,
        reason: reason ?? '',
        ...(next !== null && { next }),
        ...(retryAt !== null && { retryAt }),
        ...(covers.has(n) && { covers: covers.get(n) as Covers }),
      };
    }),
    parkedBesides: byCause(parked.slice(REASONS)).map(({ reason, next, ...besides }) => ({
      ...besides,
      gate: besides.gate as Gate,
      ...(reason !== null && { reason }),
      ...(next !== null && { next }),
    })),
    failed: toRanges(failed.map(({ n }) => n)),
    failedFor: byCause(failed).flatMap(({ reason, units }) => (reason === null ? [] : [{ reason, units }])),
    names: namesWithin([...units.filter(waits), ...parked.slice(REASONS), ...failed], NAMES),
    done: units.filter(({ state }) => state === 'done').length,
    ...(await sumUnits(sql, { migration: name, run })),
  };
}

/** Somewhat more than one execution starts (`historyEvents`), and less than Temporal takes in one answer. */
const NAMES = { names: 1_000, letters: 200_000 };
/** Different reasons that are told; of the others only the gate is. */
const CAUSES = 50;

type ByCause = Pick<UnitStanding, 'gate' | 'reason' | 'next'> & { readonly retryAt?: number; readonly units: Ranges };

function byCause(units: readonly UnitStanding[]): ByCause[] {
  const groups = new Map<string, UnitStanding[]>();
  for (const unit of units) {
    const key = JSON.stringify([unit.gate, unit.reason, unit.next]);
    const isTold = groups.has(key) || groups.size < CAUSES;
    const group = isTold ? key : JSON.stringify([unit.gate]);
    const alike = groups.get(group) ?? [];
    groups.set(group, alike);
    alike.push(isTold ? unit : { ...unit, reason: null, next: null });
  }
  return [...groups.values()].map((alike) => {
    const { gate, reason, next } = alike[0] as UnitStanding;
    const times = alike.flatMap(({ retryAt }) => retryAt ?? []);
    return {
      gate,
      reason,
      next,
      units: toRanges(alike.map(({ n }) => n)),
      ...(times.length > 0 && { retryAt: times.reduce((a, b) => Math.min(a, b)) }),
    };
  });
}
