/**
 * After isync's own tests: one small migration is crashed at every single write, to the target and to the ledger,
 * before it is applied and after it is applied with its answer lost. Then it is run again.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { MemoryAccount } from '../../connectors/memory/store.js';
import { removeFrom, setFlags } from '../../connectors/memory/store.js';
import type { Ledger } from '../../ledger/ledger.js';
import type { LedgerServer } from '../engine/ledger.js';
import { startLedger } from '../engine/ledger.js';
import type { World } from '../engine/world.js';
import { createWorld } from '../engine/world.js';

class Crash extends Error {}

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());

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

/** A first run, then a later run that meets every kind of change. */
async function story(world: World, fuse: Fuse, run: () => Promise<unknown>): Promise<void> {
  const text = (n: number): Buffer => Buffer.from(`Message-ID: <same@x>\r\n\r\nbody ${n}\r\n`);
  const put = (folder: string, n: number) => world.from.put([folder], { bytes: text(n), flags: ['\\Flagged'] });
  world.to.put(['INBOX'], { bytes: text(2) });
  const messages = [1, 2, 2, 3, 4].map((n) => put('INBOX', n));
  put('Archive', 5);
  await run();
  const inbox = world.from.folder(['INBOX']);
  setFlags(inbox, messages[0]?.uid as number, ['\\Seen']);
  removeFrom(inbox, messages[3]?.uid as number);
  put('Archive', 3);
  removeFrom(inbox, messages[4]?.uid as number);
  put('INBOX', 6);
  await run();
  fuse.blowAt = Number.POSITIVE_INFINITY;
}

const options = { selection: { deletions: 'mirror', maxDeletions: 1 }, settings: { batchItems: 2 } } as const;

function contents(account: MemoryAccount): string[] {
  return [...account.folders.values()]
    .flatMap((f) => [...f.messages.values()].map((m) => `${f.path.join('/')} ${m.bytes} ${m.flags}`))
    .sort();
}

it('survives a crash at every write', { timeout: 120_000 }, async () => {
  const counting = new Fuse();
  const calm = createWorld(fused(server.ledger, counting), options);
  calm.target.fault = (event) =>
    event.op === 'create' || event.op === 'meta' || event.op === 'move' || event.op === 'remove'
      ? counting.touch()
      : undefined;
  await story(calm, counting, () => calm.run());
  const expected = contents(calm.to);
  expect(expected).toEqual(contents(calm.from));
  await calm.close();
  expect(counting.writes).toBeGreaterThan(60);

  for (let at = 0; at < counting.writes; at++) {
    await server.clear();
    const fuse = new Fuse();
    fuse.blowAt = at;
    const world = createWorld(fused(server.ledger, fuse), options);
    world.target.fault = (event) =>
      event.op === 'create' || event.op === 'meta' || event.op === 'move' || event.op === 'remove'
        ? fuse.touch()
        : undefined;
    let crashes = 0;
    await story(world, fuse, async () => {
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
    expect(contents(world.to), `crashed at write ${at}`).toEqual(expected);
    world.target.resetCounts();
    expect(await world.run(), `crashed at write ${at}`).toMatchObject({
      state: 'done',
      totals: { duplicates: 0, failures: 0, pending: 0 },
    });
    expect(world.target.counts, `crashed at write ${at}`).toMatchObject({ create: 0, meta: 0, move: 0, remove: 0 });
    await world.close();
  }
});
