/** One file that the source does not give costs itself, small or large; a source that is away costs nothing. */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Fault } from '../../connectors/errors.js';
import { LARGE_BYTES } from '../../connectors/kinds/files.js';
import type { ClosedRun } from '../../engine/run/close-run.js';
import { put, tree } from './file-tree.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import type { Odd } from './odd-folder.js';
import { withOddFolder } from './odd-folder.js';
import { reportOf } from './report-of.js';
import type { World } from './world.js';
import { createWorld } from './world.js';

let server: LedgerServer;
let world: World;
let dir: string;
let from: string;
let to: string;

beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'drover-unread-'));
  [from, to] = [join(dir, 'from'), join(dir, 'to')];
  await mkdir(from);
});
afterEach(async () => {
  await world.close();
  await rm(dir, { recursive: true, force: true });
});

function begin(odd: Odd): void {
  world = createWorld(server.ledger, {
    selection: { kind: 'files' },
    settings: { rereadMs: 1 },
    systems: { old: { type: 'folder', options: { path: from } }, new: { type: 'folder', options: { path: to } } },
    connectors: withOddFolder(odd),
  });
}

const LARGE = LARGE_BYTES + 1_000;

describe('a file that the source does not give', () => {
  it('is tried three times while its neighbours move, and moves once it is given', async () => {
    let broken = true;
    const asked = { small: 0, large: 0 };
    begin({
      source: (plain) => ({
        ...plain,
        async *read(container, refs, signal) {
          for await (const answer of plain.read(container, refs, signal)) {
            const key = 'refused' in answer ? answer.refused : answer.key;
            if (!broken || key !== 'b/broken') yield answer;
            else {
              asked.small++;
              yield { refused: key, reason: 'the server answers 500', again: true };
            }
          }
        },
        async *open(container, ref, range, signal) {
          if (broken && ref.key === 'b/broken-large') {
            asked.large++;
            throw new Fault('unavailable', 'the server breaks off');
          }
          yield* plain.open(container, ref, range, signal);
        },
      }),
    });
    await put(from, 'a');
    await put(from, 'b/broken');
    await put(from, 'b/broken-large', randomBytes(LARGE));
    await put(from, 'c/large', randomBytes(LARGE));
    await put(from, 'z');

    const closed = (await world.run()) as ClosedRun;
    const report = await reportOf(world, server.ledger);

    expect(closed).toMatchObject({ state: 'failed', totals: { verified: 5, failures: 2, pending: 0 } });
    expect(asked).toEqual({ small: 3, large: 3 });
    expect(Object.keys(await tree(to)).sort()).toEqual(['a', 'b/', 'c/', 'c/large', 'z']);
    const failed = report.rows.filter(({ outcome }) => outcome === 'quarantined');
    expect(failed.map(({ key, reason }) => [key, reason?.split(': ').at(-1)])).toEqual([
      ['b/broken', 'the server answers 500'],
      ['b/broken-large', 'the server breaks off'],
    ]);
    broken = false;
    expect(await world.run()).toMatchObject({ state: 'done', totals: { verified: 7, failures: 0 } });
    expect(await tree(to)).toEqual(await tree(from));
  });

  it('is not blamed where the source does not answer anything else either', async () => {
    let away = 5;
    begin({
      source: (plain) => ({
        ...plain,
        async *open() {
          away--;
          yield* [];
          throw new Fault('unavailable', 'no connection');
        },
        async *list(...args) {
          if (away < 5 && away > 0) throw new Fault('unavailable', 'no connection');
          yield* plain.list(...args);
        },
      }),
    });
    for (const name of ['a', 'b', 'c', 'd', 'e']) await put(from, name, randomBytes(LARGE));

    await expect(world.run()).rejects.toThrow('no connection');
    const { rows } = await server.ledger.pool.query('select sum(tries)::int as tries from item');

    expect(rows).toEqual([{ tries: 0 }]);
  });
});
