/** Accounts whose mail was moved: what a next run looks at. */
import { randomUUID } from 'node:crypto';
import type { ClosedRun } from '../../engine/run/close-run.js';
import { finishRun } from '../../engine/run/close-run.js';
import { lookAtUnits } from '../../engine/run/look-at-units.js';
import { prepare } from '../../engine/run/open-run.js';
import type { Ledger } from '../../ledger/ledger.js';
import { listUnits } from '../../ledger/units.js';
import { specHash } from '../../schemas/hash.js';
import { numbersOf } from '../../words/ranges.js';
import type { LookResult } from '../../words/runs.js';
import type { World, WorldOptions } from './world.js';
import { createWorld } from './world.js';

export interface Looking extends World {
  readonly names: readonly string[];
  /** Opens the next run. */
  open(): Promise<number>;
  /** Looks at its units. */
  look(run: number, options?: LookOptions): Promise<Seen>;
  finish(run: number): Promise<ClosedRun>;
}

export interface LookOptions {
  readonly signal?: AbortSignal;
  readonly units?: readonly number[];
}

export interface Seen extends Pick<LookResult, 'counters'> {
  readonly idle: readonly number[];
  readonly changed: readonly number[];
  readonly left: readonly number[];
}

export const message = (n: number, account = ''): Buffer =>
  Buffer.from(`Message-ID: <${n}${account}@x>\r\nSubject: s${n}\r\n\r\nbody ${n}\r\n`);

/** So many accounts with two messages each, all of which have arrived. Unit 1 is that of the first. */
export async function movedAccounts(ledger: Ledger, count: number, options: WorldOptions = {}): Promise<Looking> {
  const names = Array.from({ length: count }, (_, n) => `a${n + 1}`);
  const { selection } = options;
  const world = createWorld(ledger, {
    ...options,
    selection: { accounts: names.map((name) => ({ from: name, to: name })), ...selection },
  });
  for (const name of names)
    for (const n of [1, 2]) world.source.account(name).put(['INBOX'], { bytes: message(n, name) });
  await world.run();
  world.source.resetCounts();
  world.target.resetCounts();
  const { deps, spec } = world;
  const hash = specHash(spec);
  const asked = { migration: spec.name, specHash: hash, reason: 'schedule' as const };
  return {
    ...world,
    names,
    async open() {
      const request = { id: randomUUID(), reason: asked.reason, spec, specHash: hash };
      return (await prepare(deps, { name: spec.name, request }, new AbortController().signal)).run;
    },
    async look(run, { signal = new AbortController().signal, units } = {}) {
      const numbers = units ?? (await listUnits(ledger.pool, spec.name)).map(({ n }) => n);
      const result = await lookAtUnits(deps, { ...asked, run, units: numbers }, { signal, heartbeat: () => {} });
      const [idle, changed, left] = [result.idle, result.changed, result.left].map((some) => [...numbersOf(some)]);
      return { counters: result.counters, idle, changed, left } as Seen;
    },
    finish: (run) => finishRun(deps, { name: spec.name, run, state: 'finished' }),
  };
}
