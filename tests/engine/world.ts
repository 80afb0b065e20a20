/**
 * The engine on a real ledger and memory systems (or others), without Temporal: units run slice by slice, as the
 * workflow would run them, and may crash anywhere.
 */
import { randomUUID } from 'node:crypto';
import { createConnections } from '../../activities/connections.js';
import type { Deps, EngineSettings } from '../../activities/deps.js';
import { ENGINE_DEFAULTS } from '../../activities/deps.js';
import { createFlight } from '../../activities/flight.js';
import { move } from '../../activities/move.js';
import type { ClosedRun } from '../../activities/prepare.js';
import { endUnit, finishRun, prepare } from '../../activities/prepare.js';
import { runSlice } from '../../activities/slice/run-slice.js';
import type { SliceResult } from '../../activities/slice.js';
import { survey } from '../../activities/survey.js';
import { verify } from '../../activities/verify.js';
import type { MemoryAccount, MemoryStore } from '../../connectors/memory/store.js';
import { dropMemoryStore, memoryStore } from '../../connectors/memory/store.js';
import type { Registration } from '../../connectors/registry.js';
import { connectors as registered } from '../../connectors/registry.js';
import type { Ledger } from '../../ledger/ledger.js';
import { specHash } from '../../schemas/hash.js';
import type { Limits, Selection, Spec, SystemConfig } from '../../schemas/spec.js';
import type { RunReason } from '../../workflows/messages.js';
import { stepsOf } from '../../workflows/messages.js';

export interface World {
  readonly source: MemoryStore;
  readonly target: MemoryStore;
  readonly from: MemoryAccount;
  readonly to: MemoryAccount;
  readonly spec: Spec;
  readonly deps: Deps;
  /** Opens a run and takes every unit through its phases. Returns the sum, or the first gate. */
  run(options?: {
    readonly reason?: RunReason;
    readonly request?: string;
    /** Changes the spec for this run. */
    readonly selection?: Partial<Selection>;
  }): Promise<ClosedRun | SliceResult>;
  close(): Promise<void>;
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

export interface WorldOptions {
  readonly selection?: Partial<Selection>;
  readonly settings?: Partial<EngineSettings>;
  readonly name?: string;
  /** Of the target. */
  readonly limits?: Limits;
  /** Other systems than those in memory; their passwords are `secret`. */
  readonly systems?: { readonly old: SystemConfig; readonly new: SystemConfig };
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
    sources: { old: options.systems?.old ?? { type: 'memory', options: { name: source.name } } },
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
    flight: createFlight(64 * 1024 * 1024),
    secret,
    redact: (text) => text,
    log: SILENT,
    meters: UNMEASURED,
    settings: { ...ENGINE_DEFAULTS, ...options.settings },
    reportFolder: undefined,
    report: async () => '',
  };
  const phases = { survey, move, verify };
  return {
    source,
    target,
    from: source.account('anna'),
    to: target.account('anna'),
    spec,
    deps,
    async run({ reason = 'apply', request = randomUUID(), selection } = {}) {
      const asked: Spec = { ...spec, selections: spec.selections.map((s) => ({ ...s, ...selection })) };
      const hash = specHash(asked);
      const signal = new AbortController().signal;
      const opened = await prepare(
        deps,
        { name: spec.name, request: { id: request, reason, spec: asked, specHash: hash } },
        signal,
      );
      for (const unit of opened.units) {
        const input = { migration: spec.name, run: opened.run, unit: unit.n, specHash: hash, reason };
        for (const { phase, back } of stepsOf(unit.twoWay)) {
          let result: SliceResult;
          do {
            result = await runSlice(deps, back ? { ...input, back } : input, phase, phases[phase], {
              signal,
              heartbeat: () => {},
            });
            if (result.state === 'parked' || result.state === 'paused' || result.state === 'stopped') return result;
          } while (result.state === 'more');
          if (result.state === 'settled' && !unit.twoWay) break;
        }
        await endUnit(deps, { migration: spec.name, run: opened.run, unit: unit.n, state: 'done' });
      }
      return finishRun(deps, { name: spec.name, run: opened.run, state: 'finished', units: [] });
    },
    async close() {
      await connections.close();
      dropMemoryStore(source.name);
      dropMemoryStore(target.name);
    },
  };
}
