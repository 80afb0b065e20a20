/** Servers that take a file and do not show it, hold it locked for a while, or have no room and say something else. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
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

async function opened(
  habits: Parameters<typeof startInPlaceDav>[0],
  selection: Partial<Selection> = {},
): Promise<void> {
  server = await startInPlaceDav(habits);
  server.put('/t/', '');
  world = createWorld(ledger.ledger, {
    selection: { kind: 'files', ...selection },
    systems: {
      old: { type: 'folder', options: { path: from } },
      new: { type: 'webdav', options: { url: `${server.url}/t/`, auth: { username: 'a', password: { env: 'X' } } } },
    },
  });
}

const source = (path: string, content: string | Buffer): Promise<void> => writeFile(join(from, path), content);
const at = (path: string): Buffer | undefined => server.files.get(`/t/${path}`)?.bytes;
const leftovers = (): string[] => [...server.files.keys()].filter((path) => path.includes('.drover'));
const reasons = async (): Promise<string[]> =>
  (await reportOf(world, ledger.ledger)).rows.flatMap(({ outcome, reason }) =>
    outcome === 'verified' ? [] : [`${outcome}: ${reason}`],
  );

describe('what a listing does not show', () => {
  const hides = (name: string): boolean => name === 'desktop.ini';

  it.each(['readback', 'size'] as const)('has not arrived (verify: %s)', async (verify) => {
    await opened({ hides }, { verify });
    for (const name of ['desktop.ini', 'a', 'b', 'c']) await source(name, name);
    expect(await world.run()).toMatchObject({ state: 'failed', totals: { items: 4, verified: 3, failures: 1 } });
    expect(await reasons()).toEqual([expect.stringContaining('does not list it')]);
  });

  it('has not arrived where it stood there before, however often it is asked for', async () => {
    await opened({ hides });
    await source('desktop.ini', 'same');
    server.put('/t/desktop.ini', 'same');
    expect(await world.run()).toMatchObject({ state: 'failed', totals: { verified: 0, failures: 1 } });
    expect(await world.run({ reason: 'retry' })).toMatchObject({
      state: 'failed',
      totals: { verified: 0, failures: 1 },
    });
    server.habits.hides = undefined;
    expect(await world.run({ reason: 'retry' })).toMatchObject({ state: 'done', totals: { verified: 1, failures: 0 } });
  });

  it('has not arrived if it is large, either', async () => {
    await opened({ hides });
    await source('desktop.ini', randomBytes(1_100_000));
    expect(await world.run()).toMatchObject({ state: 'failed', totals: { verified: 0, failures: 1 } });
  });

  it('costs one listing for each folder', async () => {
    await opened({});
    for (let n = 0; n < 70; n++) await source(`f${n}`, `content ${n}`);
    await world.run();
    const { length } = server.asked.filter((one) => one === 'PROPFIND listing /t/');
    expect(length).toBeLessThan(4);
  });
});

it.each([100, 1_100_000])('a file of %i bytes that is locked in one run is carried by the next', async (bytes) => {
  // Small or large, it is moved there: this server writes in place.
  await opened({ reply: (method, _, to) => (method === 'MOVE' && to?.endsWith('/a') ? 423 : undefined) });
  const content = randomBytes(bytes);
  await source('b', 'b');
  await source('a', content);
  const result = await world.run();
  expect(result).toMatchObject({ state: 'failed', totals: { verified: 1, failures: 1 } });
  expect(await reasons()).toEqual([expect.stringMatching(/refused: .*423.*locked/)]);
  expect(leftovers()).toEqual([]);
  server.habits.reply = undefined;
  expect(await world.run()).toMatchObject({ state: 'done', totals: { verified: 2, failures: 0 } });
});

describe.each([507, 500, 405])('a target that is full and says %i', (full) => {
  it.each([
    ['small files', 20, 9_000],
    ['a large file', 1, 1_200_000],
  ])('waits for room: %s', async (_, files, bytes) => {
    await opened({ full, room: 100_000 });
    for (let n = 0; n < files; n++) await source(`f${n}`, randomBytes(bytes));
    const parked = await world.run();
    expect(parked).toMatchObject({ state: 'parked', gate: 'quota', reason: expect.stringContaining(String(full)) });
    expect(leftovers()).toEqual([]);
    server.habits.room = Number.POSITIVE_INFINITY;
    expect(await world.run()).toMatchObject({ state: 'done', totals: { verified: files, failures: 0 } });
    expect(leftovers()).toEqual([]);
  });
});

it('a server that fails on one file alone is not taken for full', async () => {
  await opened({ conditions: true, whole: true });
  await source('a', 'a');
  await source('b', 'b');
  server.habits.reply = (method, path) => (method === 'PUT' && path.endsWith('/a') ? 500 : undefined);
  for (let left = 20; left > 0; left--) {
    try {
      expect(await world.run()).toMatchObject({ state: 'failed', totals: { verified: 1, failures: 1 } });
      break;
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'unavailable') throw error;
    }
  }
  expect(await reasons()).toEqual([expect.stringMatching(/quarantined: .*answered 500/)]);
});
