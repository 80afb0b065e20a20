/**
 * After isync's own tests: one small migration is crashed at every single write, to the systems and to the ledger,
 * before it is applied and after it is applied with its answer lost. Then it is run again.
 */
import { expect } from 'vitest';
import type { MemoryAccount, MemoryEvent } from '../../connectors/memory/store.js';
import type { Ledger } from '../../ledger/ledger.js';
import type { LedgerServer } from '../engine/ledger.js';
import type { World, WorldOptions } from '../engine/world.js';
import { createWorld } from '../engine/world.js';

class Crash extends Error {}

/** Counts every write, and crashes at the one it is told. */
class Fuse {
  writes = 0;
  blowAt = Number.POSITIVE_INFINITY;
  touch(): void {
    if (this.writes++ === this.blowAt) throw new Crash(`at write ${this.blowAt}`);
  }
}

function fused(ledger: Ledger, fuse: Fuse): Ledger {
  return {
    ...ledger,
    async transaction(work) {
      fuse.touch();
      const result = await ledger.transaction(work);
      fuse.touch();
      return result;
    },
  };
}

const WRITES = ['create', 'update', 'meta', 'move', 'remove'] as const;
const isWrite = (event: MemoryEvent): boolean => (WRITES as readonly string[]).includes(event.op);

export interface Story {
  readonly options: WorldOptions;
  /** Changes both systems as people would, and runs the migration in between. */
  tell(world: World, run: () => Promise<unknown>): Promise<void>;
}

/** Everything an account holds, in an order of its own; of renderings (`Habits.renders`) what they render. */
export function contents(account: MemoryAccount): string[] {
  return [...account.folders.values()]
    .flatMap((f) => [...f.messages.values()].map((m) => `${f.path.join('/')} ${text(m.bytes)} ${m.flags}`))
    .sort();
}

function text(bytes: Buffer): string {
  return String(bytes).replace(/^X-Rendering: .*\r\n/im, '');
}

/**
 * Tells the story once without a crash, then once for each write with a crash there. Each time both sides must end up
 * the same as without, and a further run must write nothing. Answers how many writes there were.
 */
export async function crashEverywhere(server: LedgerServer, { options, tell }: Story): Promise<number> {
  const start = (fuse: Fuse): World => {
    const world = createWorld(fused(server.ledger, fuse), options);
    for (const store of [world.source, world.target]) {
      store.fault = (event) => (isWrite(event) ? fuse.touch() : undefined);
    }
    return world;
  };
  const counting = new Fuse();
  const calm = start(counting);
  await tell(calm, () => calm.run());
  const expected = [contents(calm.from), contents(calm.to)];
  await calm.close();

  for (let at = 0; at < counting.writes; at++) {
    await server.clear();
    const fuse = new Fuse();
    fuse.blowAt = at;
    const world = start(fuse);
    let crashes = 0;
    await tell(world, async () => {
      for (let request = 'first'; ; request = 'again') {
        try {
          return await world.run({ request: `${request}-${fuse.writes}` });
        } catch (error) {
          if (!(error instanceof Crash)) throw error;
          crashes++;
        }
      }
    });
    expect(crashes, `write ${at} of ${counting.writes}`).toBe(1);
    expect([contents(world.from), contents(world.to)], `crashed at write ${at}`).toEqual(expected);
    for (const store of [world.source, world.target]) store.resetCounts();
    expect(await world.run(), `crashed at write ${at}`).toMatchObject({
      state: 'done',
      totals: { duplicates: 0, failures: 0, pending: 0 },
    });
    const { from, to } = { from: world.source.counts, to: world.target.counts };
    for (const op of WRITES) expect([op, from[op], to[op]], `crashed at write ${at}`).toEqual([op, 0, 0]);
    await world.close();
  }
  return counting.writes;
}
