/** A rename of letter case alone, into a target that takes both names for one: in its place, whenever it crashes. */
import { mkdir, mkdtemp, rename, rm, stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { FileSource, FileTarget } from '../../connectors/kinds/files.js';
import { plan } from '../../engine/plan/plan.js';
import type { ClosedRun } from '../../engine/run/close-run.js';
import type { Ledger } from '../../ledger/ledger.js';
import { specHash } from '../../schemas/hash.js';
import type { Selection } from '../../schemas/spec.js';
import { put, tree } from '../engine/file-tree.js';
import type { LedgerServer } from '../engine/ledger.js';
import { startLedger } from '../engine/ledger.js';
import { withOddFolder } from '../engine/odd-folder.js';
import type { World } from '../engine/world.js';
import { createWorld } from '../engine/world.js';

class Crash extends Error {}

/** Crashes at the step it is told: before and after each write and each transaction. */
class Fuse {
  steps = 0;
  writes: string[] = [];
  blowAt = Number.POSITIVE_INFINITY;
  touch(): void {
    if (this.steps++ === this.blowAt) throw new Crash(`at step ${this.blowAt}`);
  }
}

let server: LedgerServer;
let world: World;
let dir: string;
let from: string;
let to: string;
let fuse: Fuse;

beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());
const open = async (): Promise<void> => {
  dir = await mkdtemp(join(tmpdir(), 'drover-recased-'));
  [from, to] = [join(dir, 'from'), join(dir, 'to')];
  await mkdir(from);
};
const close = async (): Promise<void> => {
  await world.close();
  await rm(dir, { recursive: true, force: true });
};
beforeEach(open);
afterEach(close);

/** Both sides tell case apart on this disk, but the target says that it does not: so what it is asked for can be seen. */
function begin(selection: Partial<Selection> = {}, odd: Partial<Odd> = {}): void {
  fuse = new Fuse();
  const ledger: Ledger = {
    ...server.ledger,
    async transaction(work) {
      fuse.touch();
      const result = await server.ledger.transaction(work);
      fuse.touch();
      return result;
    },
  };
  world = createWorld(ledger, {
    selection: { kind: 'files', names: 'rename', ...selection },
    connectors: withOddFolder({
      source: (source) => (odd.withoutIds ? withoutIds(source) : source),
      target: (target) => fused(target, odd),
    }),
    systems: {
      old: { type: 'folder', options: { path: from }, limits: { connectionsPerAccount: 1 } },
      new: { type: 'folder', options: { path: to }, limits: { connectionsPerAccount: 1 } },
    },
  });
}

interface Odd {
  readonly withoutIds: boolean;
  /** Asked for sizes it finds a file under either name, as a disk does that takes them for one. */
  readonly finds: boolean;
}

function withoutIds(source: FileSource): FileSource {
  return {
    ...source,
    async *list(...args) {
      for await (const { entries } of source.list(...args))
        yield { entries: entries.map(({ meta: { id: _, ...meta } = {}, ...entry }) => ({ ...entry, meta })) };
    },
  };
}

function fused(target: FileTarget, odd: Partial<Odd>): FileTarget {
  return {
    ...target,
    names: { caseless: true, formless: true },
    async *sizes(container, refs, signal) {
      const there = Object.keys(await tree(to));
      const plain = (path: string): string => path.normalize('NFC').toLowerCase();
      for (const ref of refs) {
        const stands = there.filter((path) => odd.finds && plain(path) === plain(ref));
        for await (const sized of target.sizes?.(container, [stands[0] ?? ref], signal) ?? []) yield { ...sized, ref };
      }
    },
    async *write(container, writes, signal) {
      for (const one of writes) {
        fuse.touch();
        fuse.writes.push(one.op);
        for await (const answer of target.write(container, [one], signal)) {
          fuse.touch();
          yield answer;
        }
      }
    },
  };
}

async function run(): Promise<ClosedRun> {
  const result = await world.run();
  if (!('totals' in result)) throw new Error(`the run did not end: ${JSON.stringify(result)}`);
  return result;
}

async function planned() {
  const { spec } = world;
  return plan(world.deps, { spec, specHash: specHash(spec), dryRun: false }, new AbortController().signal, () => {});
}

const MIRROR = { deletions: 'mirror', maxDeletions: 1 } as const;
const LARGE = Buffer.alloc(3 * 1024 * 1024, 'l');

for (const [selection, finds] of [
  [MIRROR, false],
  [MIRROR, true],
  [{ deletions: 'ignore' }, true],
] as const) {
  it(`is a rename, foreseen by a plan: deletions ${selection.deletions}, found by both names: ${finds}`, async () => {
    await put(from, 'folder/Report.txt', 'a report');
    await put(from, 'Large.bin', LARGE);
    await put(from, 'Ünlike', 'in NFC');
    begin(selection, { finds });
    await run();
    const inodes = await Promise.all(['folder/Report.txt', 'Large.bin'].map((path) => stat(join(to, path))));
    await rename(join(from, 'folder/Report.txt'), join(from, 'folder/report.TXT'));
    await rename(join(from, 'Large.bin'), join(from, 'large.bin'));
    await rename(join(from, 'Ünlike'), join(from, 'U\u0308nlike'));
    expect((await planned()).totals).toMatchObject({ create: 0, moved: 3, remove: 0, compare: 0, unchanged: 1 });
    fuse.writes = [];
    expect((await run()).totals).toMatchObject({ verified: 4, failures: 0, conflicts: 0, created: 0, removed: 0 });
    expect(fuse.writes).toEqual(['move', 'move', 'move']);
    expect(await tree(to)).toEqual(await tree(from));
    const now = await Promise.all(['folder/report.TXT', 'large.bin'].map((path) => stat(join(to, path))));
    expect(now.map(({ ino }) => ino)).toEqual(inodes.map(({ ino }) => ino));
    expect((await run()).totals).toMatchObject({ changed: 0, verified: 4 });
  });
}

it('is a rename where the source tells no ids, too, and its content is compared', async () => {
  const date = new Date('2020-02-02T02:02:02Z');
  await put(from, 'Report.txt', 'a report');
  await utimes(join(from, 'Report.txt'), date, date);
  begin(MIRROR, { withoutIds: true });
  await run();
  await rename(join(from, 'Report.txt'), join(from, 'report.txt'));
  fuse.writes = [];
  expect((await run()).totals).toMatchObject({ verified: 1, failures: 0 });
  expect(fuse.writes).toEqual(['move']);
  expect(await tree(to)).toEqual({ 'report.txt': 'a report' });
  // Of the same size and date, and yet another.
  await rm(join(from, 'report.txt'));
  await put(from, 'REPORT.txt', 'b report');
  await utimes(join(from, 'REPORT.txt'), date, date);
  expect((await run()).totals).toMatchObject({ verified: 1, failures: 0, updated: 1 });
  expect(await tree(to)).toEqual({ 'REPORT.txt': 'b report' });
});

describe('stays what it is', () => {
  it('when a person edited the copy', async () => {
    await put(from, 'Report.txt', 'a report');
    begin(MIRROR);
    await run();
    await put(to, 'Report.txt', 'edited by a person');
    await rename(join(from, 'Report.txt'), join(from, 'report.txt'));
    await run();
    expect((await run()).totals).toMatchObject({ pending: 0 });
    expect(await tree(to)).toEqual({ 'Report.txt': 'edited by a person' });
  });

  it('when it is another file, which gets a number as before', async () => {
    await put(from, 'Report.txt', 'a report');
    begin({ deletions: 'ignore' });
    await run();
    await rm(join(from, 'Report.txt'));
    await put(from, 'report.txt', 'another altogether');
    await run();
    expect(await tree(to)).toEqual({ 'Report.txt': 'a report', 'report (2).txt': 'another altogether' });
  });

  it('when its new name would be that of another, which has a number', async () => {
    await put(from, 'REport.txt', 'a report');
    await put(from, 'Report.txt', 'another');
    begin(MIRROR);
    await run();
    const before = await tree(to);
    expect(before).toEqual({ 'REport.txt': 'a report', 'Report (2).txt': 'another' });
    // It now sorts behind the other, so that it would be the second.
    await rename(join(from, 'REport.txt'), join(from, 'report.txt'));
    await run();
    expect((await run()).totals).toMatchObject({ changed: 0, verified: 2, failures: 0, pending: 0 });
    expect(await tree(to)).toEqual(before);
  });
});

it('survives a crash at every step', async () => {
  let first = 0;
  const tell = async (): Promise<number> => {
    let crashes = 0;
    const again = async (): Promise<void> => {
      for (;;) {
        try {
          await run();
          return;
        } catch (error) {
          if (!(error instanceof Crash)) throw error;
          crashes++;
        }
      }
    };
    await put(from, 'folder/Report.txt', 'a report');
    await put(from, 'Other', 'another');
    await again();
    first = fuse.steps;
    await rename(join(from, 'folder/Report.txt'), join(from, 'folder/report.txt'));
    await rename(join(from, 'Other'), join(from, 'OTHER'));
    await again();
    return crashes;
  };
  begin(MIRROR);
  await tell();
  const { steps } = fuse;
  expect(steps - first).toBeGreaterThan(20);
  // The first run copies, which is another story.
  for (let at = first; at < steps; at++) {
    await close();
    await server.clear();
    await open();
    begin(MIRROR);
    fuse.blowAt = at;
    expect(await tell(), `step ${at} of ${steps}`).toBe(1);
    expect(await tree(to), `crashed at step ${at}`).toEqual({
      'folder/': '',
      'folder/report.txt': 'a report',
      OTHER: 'another',
    });
    fuse.writes = [];
    expect((await run()).totals, `crashed at step ${at}`).toMatchObject({ verified: 3, failures: 0, pending: 0 });
    expect(fuse.writes, `crashed at step ${at}`).toEqual([]);
  }
});
