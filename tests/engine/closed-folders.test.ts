/** Folders that the worker may not read cost themselves: what they hold stays, their neighbours move. */
import { chmod, chown, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ClosedRun } from '../../engine/run/close-run.js';
import type { Selection } from '../../schemas/spec.js';
import { asNobody } from '../sample/vdir-folder.js';
import { put, tree } from './file-tree.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import type { Odd } from './odd-folder.js';
import { withOddFolder } from './odd-folder.js';
import { reportOf } from './report-of.js';
import type { World } from './world.js';
import { createWorld } from './world.js';

const NOBODY = 65_534;

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
  dir = await mkdtemp(join(tmpdir(), 'drover-closed-'));
  await chmod(dir, 0o755);
  [from, to] = [join(dir, 'from'), join(dir, 'to')];
  await mkdir(from);
  await mkdir(to);
  if (process.geteuid?.() === 0) await chown(to, NOBODY, NOBODY);
  for (const name of ['closed/sub/y', 'closed/x', 'open/a', 'z']) await put(from, name);
});
afterEach(async () => {
  await chmod(join(from, 'closed'), 0o755);
  await world.close();
  await rm(dir, { recursive: true, force: true });
});

const close = (): Promise<void> => chmod(join(from, 'closed'), 0o700);
const open = (): Promise<void> => chmod(join(from, 'closed'), 0o755);

function begin(selection: Partial<Selection> = {}, odd: Odd = {}): void {
  world = createWorld(server.ledger, {
    selection: { kind: 'files', ...selection },
    systems: { old: { type: 'folder', options: { path: from } }, new: { type: 'folder', options: { path: to } } },
    connectors: withOddFolder(odd),
  });
}

async function run(selection?: Partial<Selection>): Promise<ClosedRun> {
  const result = await asNobody(() => world.run(selection ? { selection } : {}));
  if (!('totals' in result)) throw new Error(`the run did not end: ${JSON.stringify(result)}`);
  return result;
}

async function failures(): Promise<string[]> {
  const { rows } = await reportOf(world, server.ledger);
  return rows.filter(({ result }) => result === 'failed').map(({ reason }) => reason ?? '');
}

describe('a folder that may not be read', () => {
  it('is named, and its neighbours move', async () => {
    await close();
    begin();
    expect((await run()).totals).toMatchObject({ failures: 1, verified: 3 });
    expect(await tree(to)).toEqual({ 'open/': '', 'open/a': 'open/a', z: 'z' });
    expect(await failures()).toEqual([expect.stringContaining('EACCES')]);
    await open();
    expect((await run()).totals).toMatchObject({ failures: 0, verified: 7 });
    expect(await tree(to)).toEqual(await tree(from));
  });

  it('keeps its copies under mirror, also of what its listing is gone on with in pages', async () => {
    begin({ deletions: 'mirror', maxDeletions: 100 });
    await run();
    await close();
    await rm(join(from, 'open/a'));
    const { totals } = await run();
    expect(totals).toMatchObject({ failures: 1 });
    expect(Object.keys(await tree(to)).sort()).toEqual([
      'closed/',
      'closed/sub/',
      'closed/sub/y',
      'closed/x',
      'open/',
      'z',
    ]);
    await open();
    await rm(join(from, 'closed/x'));
    await run();
    expect(await failures()).toEqual([]);
    expect((await run()).totals).toMatchObject({ failures: 0 });
    expect(await tree(to)).toEqual(await tree(from));
  });

  it('is not opened where it is excluded, or not included, and costs nothing then', async () => {
    await close();
    const opened: string[] = [];
    begin(
      { exclude: { folders: ['closed'] } },
      {
        source: (plain) => ({
          ...plain,
          list: (container, after, signal, opens) =>
            plain.list(container, after, signal, (folder) => {
              const answer = opens?.(folder) ?? true;
              if (answer) opened.push(folder);
              return answer;
            }),
        }),
      },
    );
    expect((await run()).totals).toMatchObject({ failures: 0, verified: 3 });
    expect((await run({ exclude: {}, include: { folders: ['o*/**'] } })).totals).toMatchObject({ failures: 0 });
    expect((await run({ exclude: {}, include: { files: ['open/*'] } })).totals).toMatchObject({ failures: 0 });
    expect(new Set(opened)).toEqual(new Set(['open/']));
    expect((await run({ exclude: {}, include: { files: ['**/y'] } })).totals).toMatchObject({ failures: 1 });
  });

  it('leaves what is below an excluded folder as it is, also under mirror', async () => {
    begin({ deletions: 'mirror', maxDeletions: 100 });
    await run();
    await rm(join(from, 'closed/x'));
    await rm(join(from, 'open/a'));
    await run({ exclude: { folders: ['closed/**'] } });
    expect(Object.keys(await tree(to)).sort()).toEqual([
      'closed/',
      'closed/sub/',
      'closed/sub/y',
      'closed/x',
      'open/',
      'z',
    ]);
    await run({ exclude: {} });
    expect(await tree(to)).toEqual(await tree(from));
  });
});
