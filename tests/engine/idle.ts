/** Accounts whose mail was moved, and the next run over them: looked at together, or each by its own workflow. */
import { randomUUID } from 'node:crypto';
import { connectors } from '../../connectors/registry.js';
import type { Deps } from '../../engine/deps.js';
import { move } from '../../engine/move.js';
import type { ClosedRun } from '../../engine/run/close-run.js';
import { finishRun } from '../../engine/run/close-run.js';
import { endUnit } from '../../engine/run/end-units.js';
import { lookAtUnits } from '../../engine/run/look-at-units.js';
import { prepare } from '../../engine/run/open-run.js';
import { createConnections } from '../../engine/session/connections.js';
import { runSlice } from '../../engine/slice/run-slice.js';
import type { SliceResult } from '../../engine/slice/slice.js';
import { survey } from '../../engine/survey/survey.js';
import { verify } from '../../engine/verify.js';
import type { Ledger } from '../../ledger/ledger.js';
import { listUnits } from '../../ledger/units.js';
import { specHash } from '../../schemas/hash.js';
import type { SelectionWithAccounts } from '../../schemas/spec.js';
import type { Counters } from '../../words/counters.js';
import type { LookHeartbeat } from '../../words/progress.js';
import { numbersOf } from '../../words/ranges.js';
import type { World, WorldOptions } from './world.js';
import { createWorld } from './world.js';

export interface Looking extends World {
  /** Opens the next run, with another selection, and with more of them, where these are given. */
  open(
    selection?: Partial<SelectionWithAccounts>,
    more?: readonly Partial<SelectionWithAccounts>[],
  ): Promise<OpenedRun>;
}

export interface OpenedRun {
  readonly number: number;
  /** Looks at these units, or at all. */
  look(units?: readonly number[], options?: LookOptions): Promise<Seen>;
  /** Takes a unit through its phases as its workflow does. */
  byWorkflow(unit: number): Promise<SliceResult['state']>;
  finish(): Promise<ClosedRun>;
}

export interface LookOptions {
  readonly signal?: AbortSignal;
  readonly deps?: Partial<Deps>;
  readonly heartbeat?: (details: LookHeartbeat) => void;
}

export interface Seen {
  readonly idle: readonly number[];
  readonly changed: readonly number[];
  readonly left: readonly number[];
  readonly counters: Counters;
}

export const message = (n: number, account = ''): Buffer =>
  Buffer.from(`Message-ID: <${n}${account}@x>\r\nSubject: s${n}\r\n\r\nbody ${n}\r\n`);

/**
 * So many accounts (`a1` is that of unit 1) with two messages each, which have arrived. No session to them is open any
 * more. `settings` hold from then on.
 */
export async function movedAccounts(
  ledger: Ledger,
  count: number,
  { settings, ...options }: WorldOptions = {},
): Promise<Looking> {
  const names = Array.from({ length: count }, (_, n) => `a${n + 1}`);
  const world = createWorld(ledger, {
    ...options,
    selection: { accounts: names.map((name) => ({ from: name, to: name })), ...options.selection },
  });
  for (const name of names)
    for (const n of [1, 2]) world.source.account(name).put(['INBOX'], { bytes: message(n, name) });
  await world.run();
  await world.deps.connections.close();
  const { log, secret } = world.deps;
  const connections = createConnections({ ledger, connectors, secret, log });
  const deps = { ...world.deps, connections, settings: { ...world.deps.settings, ...settings } };
  world.source.resetCounts();
  world.target.resetCounts();
  return {
    ...world,
    deps,
    open: async (selection, more) => openRun(deps, world, selection, more),
    async close() {
      await connections.close();
      await world.close();
    },
  };
}

const PHASES = { survey, move, verify };

async function openRun(
  deps: Deps,
  { spec }: World,
  selection: Partial<SelectionWithAccounts> = {},
  more: readonly Partial<SelectionWithAccounts>[] = [],
): Promise<OpenedRun> {
  const [first] = spec.selections as readonly [SelectionWithAccounts];
  const asked = { ...spec, selections: [selection, ...more].map((one) => ({ ...first, ...one })) };
  const hash = specHash(asked);
  const request = { id: randomUUID(), reason: 'schedule' as const, spec: asked, specHash: hash };
  const signal = new AbortController().signal;
  const { run } = await prepare(deps, { name: spec.name, request }, signal);
  const at = { migration: spec.name, run };
  const input = { ...at, specHash: hash, reason: request.reason };
  return {
    number: run,
    async look(units, { heartbeat = () => {}, ...options } = {}) {
      const numbers = units ?? (await listUnits(deps.ledger.pool, spec.name)).map(({ n }) => n);
      const context = { signal: options.signal ?? signal, heartbeat };
      const result = await lookAtUnits({ ...deps, ...options.deps }, { ...input, units: numbers }, context);
      const [idle, changed, left] = [result.idle, result.changed, result.left].map((some) => [...numbersOf(some)]);
      return { idle, changed, left, counters: result.sum?.totals } as Seen;
    },
    async byWorkflow(unit) {
      for (const phase of ['survey', 'move', 'verify'] as const) {
        let state: SliceResult['state'];
        do {
          ({ state } = await runSlice(deps, { ...input, unit }, phase, PHASES[phase], { signal }));
          if (state === 'parked' || state === 'paused' || state === 'stopped') return state;
        } while (state === 'more');
        if (state === 'settled') break;
      }
      await endUnit(deps, { ...at, unit, state: 'done' });
      return 'done';
    },
    finish: () => finishRun(deps, { name: spec.name, run, state: 'finished' }),
  };
}
