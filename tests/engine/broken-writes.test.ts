/** A write that broke off in its place is ours, and is made whole; what a person has put there is not touched. */
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Fault } from '../../connectors/errors.js';
import type { Selection } from '../../schemas/spec.js';
import type { InPlaceDav } from '../servers/in-place-dav.js';
import { startInPlaceDav } from '../servers/in-place-dav.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import { reportOf } from './report-of.js';
import type { World } from './world.js';
import { createWorld } from './world.js';

let ledger: LedgerServer;
let server: InPlaceDav;
let from: string;
let world: World;

beforeAll(async () => {
  ledger = await startLedger();
});
afterAll(() => ledger?.stop());
beforeEach(async () => {
  from = await mkdtemp(join(tmpdir(), 'from-'));
});
afterEach(async () => {
  await world?.close();
  await server?.stop();
  await rm(from, { recursive: true, force: true });
});

const OLD = new Date('2020-01-01T00:00:00Z');
const CONTENT = 'the whole of it, from its beginning to its end\n'.repeat(500);

async function source(path: string, content: string): Promise<void> {
  await writeFile(join(from, path), content);
  await utimes(join(from, path), OLD, OLD);
}

async function opened(
  habits: Parameters<typeof startInPlaceDav>[0],
  selection: Partial<Selection> = {},
): Promise<void> {
  server = await startInPlaceDav(habits);
  server.put('/t/', '');
  world = createWorld(ledger.ledger, {
    selection: { kind: 'files', onConflict: 'newest', ...selection },
    systems: {
      old: { type: 'folder', options: { path: from } },
      new: { type: 'webdav', options: { url: `${server.url}/t/`, auth: { username: 'a', password: { env: 'X' } } } },
    },
  });
}

/** Goes on after each fault, as Temporal does; `between` looks at what stands there then. */
async function run(between = (): void => {}): Promise<Awaited<ReturnType<World['run']>>> {
  for (let left = 9; ; left--) {
    try {
      return await world.run();
    } catch (error) {
      between();
      if (!(error instanceof Fault) || error.code !== 'unavailable' || left === 0) throw error;
    }
  }
}

const at = (path: string): string | undefined => server.files.get(`/t/${path}`)?.bytes.toString();
const leftovers = (): string[] => [...server.files.keys()].filter((path) => path.includes('.drover'));

/** Cuts the next PUT that carries content of ours, wherever it goes. */
function cutOnce(bytes: number): void {
  server.habits.cut = () => {
    server.habits.cut = undefined;
    return bytes;
  };
}

describe.each([
  ['that honours conditions', { conditions: true }],
  ['that honours none', { conditions: false }],
  // What is found out about it at first says nothing: it comes to write in place later.
  ['that has seemed to write files whole', { conditions: true, whole: true }],
])('on a server %s', (_, habits) => {
  const ready = async (): Promise<void> => {
    await source('first', 'x');
    await run();
    server.habits.whole = false;
  };

  it.each([0, 4_000])('makes a new file whole that was cut after %i bytes', async (bytes) => {
    await opened(habits);
    await ready();
    await source('a', CONTENT);
    cutOnce(bytes);
    const result = await run();
    expect(at('a')).toBe(CONTENT);
    expect(result).toMatchObject({ state: 'done', totals: { verified: 2, failures: 0, conflicts: 0, skipped: 0 } });
    expect((await reportOf(world, ledger.ledger)).rows.filter(({ what }) => what === 'conflict')).toEqual([]);
    expect(leftovers()).toEqual([]);
  });

  it('makes an update whole that was cut', async () => {
    await opened(habits);
    await source('a', 'as it was');
    await ready();
    await source('a', CONTENT);
    cutOnce(4_000);
    const seen: (string | undefined)[] = [];
    const result = await run(() => void seen.push(at('a')));
    expect(at('a')).toBe(CONTENT);
    expect(result).toMatchObject({ state: 'done', totals: { verified: 2, failures: 0, conflicts: 0 } });
    // What a server does in its own time nobody can foresee.
    if (!('whole' in habits)) expect(seen).toEqual(['as it was']);
    expect(leftovers()).toEqual([]);
  });

  it('brings an update to its end whose place was cleared before it came there', async () => {
    await opened(habits);
    await source('a', 'as it was');
    await ready();
    await source('a', CONTENT);
    server.habits.stumbles = true;
    expect(await run()).toMatchObject({ state: 'done', totals: { verified: 2, failures: 0, conflicts: 0 } });
    expect(at('a')).toBe(CONTENT);
    expect(leftovers()).toEqual([]);
  });

  it('leaves what a person has put there meanwhile', async () => {
    await opened(habits);
    await ready();
    await source('a', CONTENT);
    server.habits.cut = () => {
      server.habits.cut = undefined;
      // In the moment between the break and the next try.
      setImmediate(() => server.put('/t/a', 'a person’s own', Date.now() + 60_000));
      return 10;
    };
    await run();
    expect(at('a')).toBe('a person’s own');
  });
});
