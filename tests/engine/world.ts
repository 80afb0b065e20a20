/**
 * The engine on a real ledger and memory systems (or others), without Temporal: units run slice by slice, as the
 * workflow would run them, and may crash anywhere.
 */

import { randomUUID } from 'node:crypto';
import type { Habits } from '../../connectors/memory/source.js';
import type { MemoryAccount, MemoryStore } from '../../connectors/memory/store.js';
import { dropMemoryStore, memoryStore } from '../../connectors/memory/store.js';
import type { Registration } from '../../connectors/registry.js';
import { connectors as registered } from '../../connectors/registry.js';
import type { Deps, EngineSettings } from '../../engine/deps.js';
import { ENGINE_DEFAULTS } from '../../engine/deps.js';
import { move } from '../../engine/move.js';
import type { ClosedRun } from '../../engine/run/close-run.js';
import { finishRun } from '../../engine/run/close-run.js';
import { endUnit, reopenUnits } from '../../engine/run/end-units.js';
import { prepare } from '../../engine/run/open-run.js';
import { createByteBudget } from '../../engine/session/byte-budget.js';
import { createConnections } from '../../engine/session/connections.js';
import { runSlice } from '../../engine/slice/run-slice.js';
import type { SliceInput, SliceResult } from '../../engine/slice/slice.js';
import { survey } from '../../engine/survey/survey.js';
import { verify } from '../../engine/verify.js';
import type { Ledger } from '../../ledger/ledger.js';
import { createReports } from '../../report/kept-reports.js';
import type { Choice } from '../../schemas/choice.js';
import { specHash } from '../../schemas/hash.js';
import type { Limits, SelectionWithAccounts, Spec, SystemConfig } from '../../schemas/spec.js';
import type { SliceHeartbeat } from '../../words/progress.js';
import type { RunReason } from '../../words/runs.js';
import type { UnitCall } from '../../words/units.js';
import { callsOf, stepsOf } from '../../words/units.js';
import { assertCountsKept } from './kept-counts.js';
import { assertOneCount } from './one-count.js';

export interface World {
  readonly source: MemoryStore;
  readonly target: MemoryStore;
  readonly from: MemoryAccount;
  readonly to: MemoryAccount;
  readonly spec: Spec;
  readonly deps: Deps;
  /** Opens a run and takes every unit through its phases. Returns the sum, or the first gate. */
  run(options?: RunOptions): Promise<ClosedRun | SliceResult>;
  /** The same, one slice at a time: yields after each. */
  slices(options?: RunOptions): AsyncGenerator<SliceResult, ClosedRun | SliceResult>;
  close(): Promise<void>;
}

export interface RunOptions {
  readonly reason?: RunReason;
  readonly request?: string;
  /** Changes the spec for this run. */
  readonly selection?: Partial<SelectionWithAccounts>;
  /** Asks for a part. */
  readonly part?: Choice;
}

const SILENT = { info: () => {}, warn: () => {}, error: () => {} };
const UNMEASURED = {
  itemsMoved: () => {},
  bytesMoved: () => {},
  itemsVerified: () => {},
  fault: () => {},
  gateOpened: () => {},
  sliceTook: () => {},
};

/** Far more than any story needs: a unit that asks for more makes no progress. */
const MAX_SLICES = 100;

export interface WorldOptions {
  readonly selection?: Partial<SelectionWithAccounts>;
  readonly settings?: Partial<EngineSettings>;
  readonly name?: string;
  /** Of the target. */
  readonly limits?: Limits;
  /** How the source in memory is listed. */
  readonly habits?: Habits;
  /** Other systems than those in memory; their passwords are `secret`. */
  readonly systems?: { readonly old: SystemConfig; readonly new: SystemConfig };
  /** Hears what slices tell of themselves. */
  readonly heartbeat?: (details: SliceHeartbeat) => void;
  /** Where finished runs leave their reports. */
  readonly reportFolder?: string;
  /** In the place of the registry's. */
  readonly connectors?: Readonly<Record<string, Registration>>;
}

export function createWorld(ledger: Ledger, options: WorldOptions = {}): World {
  const id = options.name ?? randomUUID().slice(0, 8);
  const source = memoryStore(`${id}-source`);
  const target = memoryStore(`${id}-target`);
  const spec: Spec = {
    version: 1,
    name: `move-${id}`,
    sources: { old: options.systems?.old ?? { type: 'memory', options: { name: source.name, ...options.habits } } },
    targets: {
      new: options.systems?.new ?? {
        type: 'memory',
        options: { name: target.name },
        ...(options.limits && { limits: options.limits }),
      },
    },
    selections: [
      {
        name: 'mail',
        kind: 'mail',
        from: 'old',
        to: 'new',
        accounts: [{ from: 'anna', to: 'anna' }],
        ...options.selection,
      },
    ],
  };
  const secret = async (): Promise<string> => 'secret';
  const { connectors = registered } = options;
  const connections = createConnections({ ledger, connectors, secret, log: SILENT });
  const deps: Deps = {
    ledger,
    connectors,
    connections,
    byteBudget: createByteBudget(64 * 1024 * 1024),
    secret,
    redact: (text) => text,
    log: SILENT,
    meters: UNMEASURED,
    settings: { ...ENGINE_DEFAULTS, ...options.settings },
    reports: options.reportFolder === undefined ? undefined : createReports(ledger, options.reportFolder),
    retention: {},
  };
  const phases = { survey, move, verify };
  const signal = new AbortController().signal;
  /** Takes one unit through its phases. Returns what stopped it. */
  async function* take(
    unit: UnitCall,
    asking: Omit<SliceInput, 'unit'>,
  ): AsyncGenerator<SliceResult, SliceResult | undefined> {
    const input = { ...asking, unit: unit.n };
    for (const { phase, back } of stepsOf(unit.twoWay)) {
      let result: SliceResult;
      let slices = 0;
      do {
        if (++slices > MAX_SLICES) throw new Error(`${phase} asked for more than ${MAX_SLICES} slices`);
        result = await runSlice(deps, back ? { ...input, back } : input, phase, phases[phase], {
          signal,
          heartbeat: options.heartbeat ?? (() => {}),
        });
        yield result;
        if (result.state === 'parked' || result.state === 'paused' || result.state === 'stopped') return result;
      } while (result.state === 'more');
      if (result.state === 'settled' && !unit.twoWay) break;
    }
    const { migration, run } = asking;
    await endUnit(deps, { migration, run, unit: unit.n, state: 'done' });
    return undefined;
  }
  async function* slices({
    reason = 'apply',
    request = randomUUID(),
    selection,
    part = {},
  }: RunOptions = {}): ReturnType<World['slices']> {
    const asked: Spec = { ...spec, selections: spec.selections.map((s) => ({ ...s, ...selection })) };
    const hash = specHash(asked);
    const { run, groups } = await prepare(
      deps,
      { name: spec.name, request: { id: request, reason, ...part, spec: asked, specHash: hash } },
      signal,
    );
    const of = { migration: spec.name, run };
    const asking = { ...of, specHash: hash, reason };
    const waiting: UnitCall[] = [];
    for (const unit of callsOf(groups)) {
      const stopped = yield* take(unit, asking);
      if (stopped?.state === 'parked' && stopped.gate === 'order') {
        await endUnit(deps, { ...of, unit: unit.n, state: 'parked', park: { ...unit, ...stopped } });
        waiting.push(unit);
      } else if (stopped) return stopped;
    }
    // The run opens this gate by itself when all others have moved.
    for (const unit of waiting) {
      await reopenUnits(deps, { ...of, units: [[unit.n, unit.n]], by: 'order' });
      const stopped = yield* take(unit, asking);
      if (stopped) return stopped;
    }
    return finishRun(deps, { name: spec.name, run, state: 'finished' });
  }
  const world: World = {
    source,
    target,
    from: source.account('anna'),
    to: target.account('anna'),
    spec,
    deps,
    slices,
    async run(options) {
      const walk = slices(options);
      let step = await walk.next();
      while (!step.done) step = await walk.next();
      return step.value;
    },
    async close() {
      await connections.close();
      dropMemoryStore(source.name);
      dropMemoryStore(target.name);
    },
  };
  return {
    ...world,
    async run(options) {
      const result = await world.run(options);
      await assertCountsKept(ledger, spec.name);
      await assertOneCount(ledger, spec.name);
      return result;
    },
  };
}
