/** A target that was emptied, rebuilt or is not mounted: the next run notices, also one that has nothing to do. */
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { removeFrom } from '../../connectors/memory/store.js';
import type { Selection, SystemConfig } from '../../schemas/spec.js';
import { startInPlaceDav } from '../servers/in-place-dav.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import { reportOf } from './report-of.js';
import type { World } from './world.js';
import { createWorld } from './world.js';

let server: LedgerServer;
let dir: string;
let world: World;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server?.stop());
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lost-'));
});
afterEach(async () => {
  await world?.close();
  await rm(dir, { recursive: true, force: true });
});

const message = (n: number): Buffer => Buffer.from(`Message-ID: <${n}@x>\r\nSubject: s${n}\r\n\r\nbody ${n}\r\n`);

function mailWorld(to?: SystemConfig, selection: Partial<Selection> = {}): void {
  world = createWorld(server.ledger, { selection });
  if (to) {
    const { old } = world.spec.sources;
    world = createWorld(server.ledger, {
      name: world.spec.name.slice('move-'.length),
      selection,
      systems: { old: old as SystemConfig, new: to },
    });
  }
  for (const path of [['INBOX'], ['Work']]) for (let n = 1; n <= 4; n++) world.from.put(path, { bytes: message(n) });
}

const missing = async (): Promise<number> =>
  (await reportOf(world, server.ledger)).rows.filter(({ outcome }) => outcome === 'missing').length;

describe('mail', () => {
  it('that is gone from the target with its folders is named, and not written again by itself', async () => {
    mailWorld();
    await world.run();
    world.to.folders.clear();
    const result = await world.run();
    expect(result).toMatchObject({ state: 'failed', totals: { items: 8, verified: 0, failures: 8 } });
    expect(await missing()).toBe(8);
    expect([...world.to.folders.values()].flatMap(({ messages }) => [...messages])).toEqual([]);
    // A person decides.
    expect(await world.run({ reason: 'retry' })).toMatchObject({ state: 'done', totals: { verified: 8, failures: 0 } });
  });

  it('that was taken out of one folder is named; one message that a person has deleted is theirs', async () => {
    mailWorld();
    await world.run();
    world.to.folder(['Work']).messages.clear();
    removeFrom(world.to.folder(['INBOX']), 1);
    expect(await world.run()).toMatchObject({ state: 'failed', totals: { items: 8, verified: 4, failures: 4 } });
  });

  it('costs one question for each folder where nothing is to do', async () => {
    mailWorld();
    await world.run();
    const asked = new Map<string, number>();
    world.target.fault = ({ op, when, path }) => {
      if (when === 'before') asked.set(`${op} ${path}`, (asked.get(`${op} ${path}`) ?? 0) + 1);
    };
    expect(await world.run()).toMatchObject({ state: 'done', totals: { verified: 8 } });
    expect(Object.fromEntries(asked)).toEqual({});
  });
});

describe('a disk', () => {
  const mounted = (): string => join(dir, 'disk');
  /** What is seen where a disk was mounted that is not: an empty folder. */
  const unmount = async (): Promise<void> => {
    await rename(mounted(), join(dir, 'away'));
    await mkdir(mounted());
  };
  const mount = async (): Promise<void> => {
    await rm(mounted(), { recursive: true });
    await rename(join(dir, 'away'), mounted());
  };

  async function filesWorld(): Promise<void> {
    const from = join(dir, 'from');
    for (const folder of [from, mounted()]) await mkdir(folder, { recursive: true });
    for (let n = 0; n < 5; n++) await writeFile(join(from, `f${n}`), `content ${n}`);
    world = createWorld(server.ledger, {
      selection: { kind: 'files' },
      systems: {
        old: { type: 'folder', options: { path: from } },
        new: { type: 'folder', options: { path: mounted() } },
      },
    });
  }

  it.each([false, true])('that is not mounted gets nothing written (something new to move: %s)', async (fresh) => {
    await filesWorld();
    await world.run();
    await unmount();
    if (fresh) await writeFile(join(dir, 'from', 'new'), 'new');
    await expect(world.run()).rejects.toThrow('may not be mounted');
    expect(await readdir(mounted())).toEqual([]);
    await mount();
    expect(await world.run()).toMatchObject({ state: 'done', totals: { failures: 0, verified: fresh ? 6 : 5 } });
  });

  it('that is away altogether is not made anew', async () => {
    await filesWorld();
    await world.run();
    await rename(mounted(), join(dir, 'away'));
    await expect(world.run()).rejects.toThrow('may not be mounted');
    expect(await readdir(dir)).toEqual(['away', 'from']);
  });

  it('that was emptied on purpose is filled again when a person asks for it', async () => {
    await filesWorld();
    await world.run();
    await rm(mounted(), { recursive: true });
    await expect(world.run()).rejects.toThrow('may not be mounted');
    expect(await world.run({ reason: 'verify' })).toMatchObject({ state: 'failed', totals: { failures: 5 } });
    expect(await world.run({ reason: 'retry' })).toMatchObject({ state: 'done', totals: { failures: 0, verified: 5 } });
  });

  it('that is not mounted while a verify begins that is broken off gets nothing written by the next run', async () => {
    await filesWorld();
    await world.run();
    await unmount();
    for await (const _survey of world.slices({ reason: 'verify' })) break;
    expect(await reportOf(world, server.ledger)).toMatchObject({ verdict: { items: 5, verified: 0 } });
    await writeFile(join(dir, 'from', 'new'), 'new');
    await expect(world.run()).rejects.toThrow('may not be mounted');
    expect(await readdir(mounted())).toEqual([]);
    await mount();
    expect(await world.run()).toMatchObject({ state: 'done', totals: { failures: 0, verified: 6 } });
  });

  it('whose folder was emptied in its place is told', async () => {
    await filesWorld();
    await world.run();
    for (const name of await readdir(mounted())) await rm(join(mounted(), name), { recursive: true });
    expect(await world.run()).toMatchObject({ state: 'failed', totals: { items: 5, verified: 0, failures: 5 } });
  });

  it('that moved to another one with all that it holds is still the same', async () => {
    await filesWorld();
    await world.run();
    await rename(mounted(), join(dir, 'away'));
    await mkdir(mounted());
    for (const name of await readdir(join(dir, 'away'))) await rename(join(dir, 'away', name), join(mounted(), name));
    expect(await world.run()).toMatchObject({ state: 'done', totals: { failures: 0, verified: 5 } });
  });

  it.each(['maildir', 'mbox'])('with a %s on it, too', async (type) => {
    mailWorld({ type, options: { path: mounted() } });
    await world.run();
    await unmount();
    world.from.put(['INBOX'], { bytes: message(9) });
    await expect(world.run()).rejects.toThrow('may not be mounted');
    expect(await readdir(mounted())).toEqual([]);
    await mount();
    expect(await world.run()).toMatchObject({ state: 'done', totals: { failures: 0, verified: 9 } });
  });
});

it('a folder on a server that was emptied is told', async () => {
  const dav = await startInPlaceDav();
  try {
    dav.put('/t/', '');
    const from = join(dir, 'from');
    await mkdir(from);
    for (let n = 0; n < 5; n++) await writeFile(join(from, `f${n}`), `content ${n}`);
    world = createWorld(server.ledger, {
      selection: { kind: 'files' },
      systems: {
        old: { type: 'folder', options: { path: from } },
        new: { type: 'webdav', options: { url: `${dav.url}/t/`, auth: { username: 'a', password: { env: 'X' } } } },
      },
    });
    await world.run();
    for (const path of [...dav.files.keys()]) if (path.startsWith('/t/f')) dav.files.delete(path);
    const asked = dav.asked.length;
    expect(await world.run()).toMatchObject({ state: 'failed', totals: { items: 5, failures: 5 } });
    expect(dav.asked.slice(asked).filter((one) => one.startsWith('PUT'))).toEqual([]);
  } finally {
    await dav.stop();
  }
});
