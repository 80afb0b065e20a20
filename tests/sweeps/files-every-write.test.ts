/** One small migration of files, crashed at every single change of the target and of the ledger, then run again. */
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { FileTarget } from '../../connectors/kinds/files.js';
import { BLOCK_BYTES } from '../../connectors/kinds/files.js';
import type { Ledger } from '../../ledger/ledger.js';
import type { Selection } from '../../schemas/spec.js';
import { put, tree } from '../engine/file-tree.js';
import type { LedgerServer } from '../engine/ledger.js';
import { startLedger } from '../engine/ledger.js';
import { withOddFolder } from '../engine/odd-folder.js';
import { createWorld } from '../engine/world.js';

class Crash extends Error {}

/** Counts every step that changes something, and crashes at the one it is told. */
class Fuse {
  steps = 0;
  changes = 0;
  blowAt = Number.POSITIVE_INFINITY;
  touch(): void {
    if (this.steps++ === this.blowAt) throw new Crash(`at step ${this.blowAt}`);
  }
}

function fusedLedger(ledger: Ledger, fuse: Fuse): Ledger {
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

/** A target that crashes before and after each change, and in the middle of a part. */
function fusedTarget(target: FileTarget, fuse: Fuse): FileTarget {
  const around = async <T>(change: () => Promise<T>): Promise<T> => {
    fuse.touch();
    const result = await change();
    // A conflict that nobody won is asked for again, and changes nothing.
    if (!(typeof result === 'object' && result !== null && 'conflicted' in result)) fuse.changes++;
    fuse.touch();
    return result;
  };
  const uploads = target.uploads;
  return {
    ...target,
    async *write(container, writes, signal) {
      for (const one of writes) {
        yield await around(async () => {
          for await (const answer of target.write(container, [one], signal)) return answer;
          throw new Error('the target did not answer');
        });
      }
    },
    uploads: {
      ...uploads,
      // Several parts from little content.
      partBytes: async () => BLOCK_BYTES,
      begin: (...args) => around(() => uploads.begin(...args)),
      send: (container, upload, part, content, signal) =>
        around(() => uploads.send(container, upload, part, torn(content, fuse), signal)),
      finish: (...args) => around(() => uploads.finish(...args)),
      abort: (...args) => around(() => uploads.abort(...args)),
    },
  };
}

async function* torn(content: AsyncIterable<Uint8Array>, fuse: Fuse): AsyncGenerator<Uint8Array> {
  let first = true;
  for await (const chunk of content) {
    yield chunk;
    if (first) fuse.touch();
    first = false;
  }
}

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());

const large = (letter: string): Buffer => Buffer.alloc(BLOCK_BYTES + 5, letter);

/** A first run, then a later one that meets every kind of change. */
async function tell(from: string, to: string, withLarge: boolean, run: () => Promise<unknown>): Promise<void> {
  for (const name of ['adopted', 'both', 'edited', 'folder/kept', 'removed', 'renamed']) await put(from, name);
  if (withLarge) await put(from, 'large', large('a'));
  await put(to, 'adopted');
  await put(to, 'both', 'a person was here first');
  await mkdir(join(from, 'empty'));
  await run();
  await put(from, 'edited', 'another content');
  if (withLarge) await put(from, 'large', large('b'));
  await put(from, 'both', 'edited here');
  await put(to, 'folder/kept', 'edited by a person');
  await rename(join(from, 'renamed'), join(from, 'folder/renamed'));
  await rm(join(from, 'removed'));
  await run();
}

const policies: Record<string, Partial<Selection>> = {
  'both are kept': { onConflict: 'both' },
  'nobody wins': {},
};

for (const [name, policy] of Object.entries(policies)) {
  it(`files, ${name}`, async () => {
    const selection = { kind: 'files' as const, deletions: 'mirror' as const, maxDeletions: 1, ...policy };
    const play = async (fuse: Fuse) => {
      const dir = await mkdtemp(join(tmpdir(), 'drover-crash-'));
      const [from, to] = [join(dir, 'from'), join(dir, 'to')];
      await Promise.all([mkdir(from), mkdir(to)]);
      const world = createWorld(fusedLedger(server.ledger, fuse), {
        selection,
        settings: { batchItems: 2 },
        connectors: withOddFolder({ target: (target) => fusedTarget(target, fuse) }),
        systems: {
          old: { type: 'folder', options: { path: from }, limits: { connectionsPerAccount: 1 } },
          new: { type: 'folder', options: { path: to }, limits: { connectionsPerAccount: 1 } },
        },
      });
      let crashes = 0;
      // Parts take their time: they are in one of the stories.
      await tell(from, to, policy.onConflict !== undefined, async () => {
        for (let request = 'first'; ; request = 'again') {
          try {
            return await world.run({ request: `${request}-${fuse.steps}` });
          } catch (error) {
            if (!(error instanceof Crash)) throw error;
            crashes++;
          }
        }
      });
      const end = async () => {
        await world.close();
        await rm(dir, { recursive: true, force: true });
      };
      return { world, to, crashes, end };
    };
    const counting = new Fuse();
    const calm = await play(counting);
    const expected = await tree(calm.to);
    await calm.end();
    expect(counting.steps).toBeGreaterThan(50);

    for (let at = 0; at < counting.steps; at++) {
      await server.clear();
      const fuse = new Fuse();
      fuse.blowAt = at;
      const { world, to, crashes, end } = await play(fuse);
      expect(crashes, `step ${at} of ${counting.steps}`).toBe(1);
      expect(await tree(to), `crashed at step ${at}`).toEqual(expected);
      fuse.changes = 0;
      const again = await world.run();
      expect(again, `crashed at step ${at}`).toMatchObject({
        // A conflict that nobody won is a failure to look at.
        state: policy.onConflict ? 'done' : 'failed',
        totals: { duplicates: 0, pending: 0 },
      });
      expect(fuse.changes, `crashed at step ${at}`).toBe(0);
      expect(await readdir(join(to, '.drover-uploads')), `crashed at step ${at}`).toEqual([]);
      await end();
    }
  });
}
