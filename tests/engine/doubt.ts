/** What the stories of writes in doubt share: answers that get lost, and the world as people see it afterwards. */
import { expect } from 'vitest';
import type { Connector, Target } from '../../connectors/contract.js';
import type { MemoryAccount, MemoryEvent, MemoryStore } from '../../connectors/memory/store.js';
import type { Registration } from '../../connectors/registry.js';
import { connectors } from '../../connectors/registry.js';
import type { ClosedRun } from '../../engine/run/close-run.js';
import type { Ledger } from '../../ledger/ledger.js';
import type { Gathered } from '../../report/gather.js';
import { gather } from '../../report/gather.js';
import type { World } from './world.js';

type RunOptions = Parameters<World['run']>[0];
type Odd = (target: Target<unknown>) => Target<unknown>;

/** Runs until the end. Fails for a run that waits at a gate. */
export async function ended(world: World, options?: RunOptions): Promise<ClosedRun> {
  const result = await world.run(options);
  if (!('totals' in result)) throw new Error(`the run did not end: ${JSON.stringify(result)}`);
  return result;
}

/** The process dies in the next run right after the first `op` was applied to the store: its answer is lost. */
export async function loseAnswer(world: World, store: MemoryStore, op: MemoryEvent['op']): Promise<void> {
  await dieAt(world, store, op, 'after');
}

/** The process dies in the next run at the first `op`; `before`: it never reaches the store. */
export async function dieAt(
  world: World,
  store: MemoryStore,
  op: MemoryEvent['op'],
  when: MemoryEvent['when'],
): Promise<void> {
  store.fault = (event) => {
    if (event.op === op && event.when === when) throw new Error('kill -9');
  };
  await expect(world.run()).rejects.toThrow('kill -9');
  store.fault = undefined;
}

/** A run that finds nothing to do: done, and not one write. */
export async function expectQuiet(world: World): Promise<void> {
  world.target.resetCounts();
  expect(await ended(world)).toMatchObject({ state: 'done', totals: { failures: 0, conflicts: 0 } });
  expect(world.target.counts).toMatchObject({ create: 0, update: 0, meta: 0, move: 0, remove: 0 });
}

/** Contents of a folder, sorted. */
export function contents(account: MemoryAccount, path: readonly string[]): string[] {
  const folder = account.folders.get(JSON.stringify(path));
  return [...(folder?.messages.values() ?? [])].map(({ bytes }) => bytes.toString()).sort();
}

/** What the report of the last run says. */
export async function report(ledger: Ledger, world: World): Promise<Gathered> {
  const files = { write: async () => {}, finish: async () => {}, close: async () => {} };
  const gathered = await gather(ledger.pool, world.spec.name, undefined, files as never);
  if (!gathered) throw new Error('the ledger knows no run of this migration');
  return gathered;
}

/** The registry, with one connector's target changed. */
export function withTarget(
  name: 'memory' | 'folder',
  odd: Odd,
  lanes?: number,
): Readonly<Record<string, Registration>> {
  const plain = connectors[name] as Registration;
  const load = async (): Promise<Connector<never>> => {
    const loaded = (await plain.load()) as Connector<unknown>;
    const target: Connector<unknown>['target'] = (options, access) =>
      odd(loaded.target?.(options, lanes === undefined ? access : { ...access, lanes }) as Target<unknown>);
    return { ...loaded, target } as Connector<never>;
  };
  return { ...connectors, [name]: { ...plain, load } };
}

/** As a server without UIDPLUS: it does not name what it wrote. */
export const unnamed: Odd = (target) => ({
  ...target,
  async *write(...args) {
    for await (const answer of target.write(...args)) {
      if (!('ref' in answer) || 'conflicted' in answer) yield answer;
      else yield { token: answer.token };
    }
  },
});

/** Lets nobody pass before `people` have come, or `ms` have passed; after that everybody passes. */
export function meeting(people: number, ms: number): () => Promise<void> {
  let come = 0;
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return () => {
    if (++come === 1) setTimeout(open, ms).unref();
    if (come === people) open();
    return opened;
  };
}
