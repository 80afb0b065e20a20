/** A move lands in the target, and its answer is lost: one row, one copy. */
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeFrom } from '../../connectors/memory/store.js';
import type { Selection } from '../../schemas/spec.js';
import { contents, ended, expectQuiet, loseAnswer, report, withTarget } from './doubt.js';
import { put, tree } from './file-tree.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import type { World } from './world.js';
import { createWorld } from './world.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());

const message = (n: number): Buffer => Buffer.from(`Message-ID: <${n}@x>\r\nSubject: s${n}\r\n\r\nbody ${n}\r\n`);

describe('a message that moved to another folder', () => {
  /** Message 1 moved from INBOX to Done on both sides; the ledger knows only that it was asked for. */
  async function movedInDoubt(selection: Partial<Selection> = {}): Promise<{ world: World; uid: number }> {
    const world = createWorld(server.ledger, { selection });
    const { uid } = world.from.put(['INBOX'], { bytes: message(1) });
    world.from.put(['INBOX'], { bytes: message(2) });
    world.from.folder(['Done']);
    await ended(world);
    removeFrom(world.from.folder(['INBOX']), uid);
    const moved = world.from.put(['Done'], { bytes: message(1) });
    await loseAnswer(world, world.target, 'move');
    return { world, uid: moved.uid };
  }

  it('is one item with one copy', async () => {
    const { world } = await movedInDoubt();
    world.target.resetCounts();

    const closed = await ended(world);

    expect(closed).toMatchObject({ state: 'done', totals: { items: 2, verified: 2, failures: 0, duplicates: 0 } });
    expect(world.target.counts).toMatchObject({ create: 0, move: 0, remove: 0 });
    expect(contents(world.to, ['INBOX'])).toEqual(contents(world.from, ['INBOX']));
    expect(contents(world.to, ['Done'])).toEqual(contents(world.from, ['Done']));
    const proven = await ended(world, { reason: 'verify' });
    expect(proven).toMatchObject({ state: 'done', totals: { items: 2, verified: 2, failures: 0 } });
    expect((await report(server.ledger, world)).verdict).toMatchObject({ complete: true, items: 2, verified: 2 });
    await expectQuiet(world);
    await world.close();
  });

  it('does not take a copy along that mirrors its old place', async () => {
    const { world } = await movedInDoubt({ deletions: 'mirror', maxDeletions: 1 });

    const closed = await ended(world);

    expect(closed).toMatchObject({ state: 'done', totals: { items: 2, verified: 2, failures: 0 } });
    expect(contents(world.to, ['INBOX'])).toEqual([message(2).toString()]);
    expect(contents(world.to, ['Done'])).toEqual([message(1).toString()]);
    await world.close();
  });

  it('is removed when the source removed it meanwhile', async () => {
    const { world, uid } = await movedInDoubt({ deletions: 'mirror', maxDeletions: 1 });
    removeFrom(world.from.folder(['Done']), uid);

    const closed = await ended(world);

    expect(closed).toMatchObject({ state: 'done', totals: { items: 1, verified: 1, failures: 0 } });
    expect(contents(world.to, ['INBOX'])).toEqual([message(2).toString()]);
    expect(contents(world.to, ['Done'])).toEqual([]);
    await expectQuiet(world);
    await world.close();
  });

  it('goes back where it went back in the source meanwhile', async () => {
    const { world, uid } = await movedInDoubt();
    removeFrom(world.from.folder(['Done']), uid);
    world.from.put(['INBOX'], { bytes: message(1) });

    expect(await ended(world)).toMatchObject({ state: 'done', totals: { items: 2, verified: 2, failures: 0 } });

    expect(contents(world.to, ['INBOX'])).toEqual(contents(world.from, ['INBOX']));
    expect(contents(world.to, ['Done'])).toEqual([]);
    await world.close();
  });
});

describe.each([
  { size: 'small', bytes: 1_000 },
  { size: 'large', bytes: 9 * 1024 * 1024 },
])('a $size file that was renamed', ({ bytes }) => {
  /** Renamed on both sides; the ledger knows only that it was asked for. */
  async function renamedInDoubt(selection: Partial<Selection>): Promise<{ world: World; from: string; to: string }> {
    const dir = await mkdtemp(join(tmpdir(), 'drover-doubt-'));
    const [from, to] = [join(dir, 'from'), join(dir, 'to')];
    const lost = { next: false };
    const world = createWorld(server.ledger, {
      selection: { kind: 'files', ...selection },
      systems: { old: { type: 'folder', options: { path: from } }, new: { type: 'folder', options: { path: to } } },
      connectors: withTarget('folder', (target) => ({
        ...target,
        async *write(container, writes, signal) {
          for await (const answer of target.write(container, writes, signal)) {
            if (lost.next && writes.some(({ op }) => op === 'move')) throw new Error('kill -9');
            yield answer;
          }
        },
      })),
    });
    await put(from, 'old name', Buffer.alloc(bytes, 'x'));
    expect(await ended(world)).toMatchObject({ state: 'done' });
    await rename(join(from, 'old name'), join(from, 'new name'));
    lost.next = true;
    await expect(world.run()).rejects.toThrow('kill -9');
    lost.next = false;
    expect(Object.keys(await tree(to))).toEqual(['new name']);
    return {
      world: {
        ...world,
        async close() {
          await world.close();
          await rm(dir, { recursive: true, force: true });
        },
      },
      from,
      to,
    };
  }

  it('is one item under its new name', async () => {
    const { world, to } = await renamedInDoubt({ deletions: 'mirror', maxDeletions: 1 });

    const closed = await ended(world);

    expect(closed).toMatchObject({ state: 'done', totals: { items: 1, verified: 1, failures: 0, conflicts: 0 } });
    expect(Object.keys(await tree(to))).toEqual(['new name']);
    const proven = await ended(world, { reason: 'verify' });
    expect(proven).toMatchObject({ state: 'done', totals: { items: 1, verified: 1 } });
    await world.close();
  });

  it.each(['mirror', 'ignore'] as const)(
    'has its old name again where the source gave it back meanwhile (deletions: %s)',
    async (deletions) => {
      const { world, from, to } = await renamedInDoubt({ deletions, maxDeletions: 1 });
      await rename(join(from, 'new name'), join(from, 'old name'));

      const closed = await ended(world);

      expect(Object.keys(await tree(to))).toEqual(['old name']);
      expect(closed).toMatchObject({ state: 'done', totals: { items: 1, verified: 1, failures: 0, conflicts: 0 } });
      await world.close();
    },
  );
});
