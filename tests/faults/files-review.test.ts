/** Ways in which files were lost, displaced or called proven though they were not there: each by the story that showed it. */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rename, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ClosedRun } from '../../engine/run/close-run.js';
import type { Selection } from '../../schemas/spec.js';
import { put, tree } from '../engine/file-tree.js';
import type { LedgerServer } from '../engine/ledger.js';
import { startLedger } from '../engine/ledger.js';
import type { World } from '../engine/world.js';
import { createWorld } from '../engine/world.js';
import { startApache } from '../servers/apache.js';
import { reply } from '../servers/dav-behaviours.js';
import type { DavAsked } from '../servers/dav-proxy.js';
import type { DavServer } from '../servers/dav-server.js';
import type { FileWorld } from './file-world.js';
import { contentsOf, createFileWorld, LARGE } from './file-world.js';

let server: LedgerServer;
let apache: DavServer;
let world: World | undefined;
let dir: string;
let from: string;
let to: string;

beforeAll(async () => {
  [server, apache] = await Promise.all([startLedger(), startApache({ users: ['anna'] })]);
});
afterAll(() => Promise.all([server?.stop(), apache?.stop()]));
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'drover-review-'));
  [from, to] = [join(dir, 'from'), join(dir, 'to')];
  for (const folder of [from, to]) await mkdir(folder);
});
afterEach(async () => {
  await world?.close();
  world = undefined;
  await rm(dir, { recursive: true, force: true });
});

function begin(selection: Partial<Selection> = {}): void {
  world = createWorld(server.ledger, {
    selection: { kind: 'files', ...selection },
    systems: { old: { type: 'folder', options: { path: from } }, new: { type: 'folder', options: { path: to } } },
  });
}

async function run(): Promise<ClosedRun> {
  const result = await (world as World).run();
  if (!('totals' in result)) throw new Error(`the run did not end: ${JSON.stringify(result)}`);
  return result;
}

describe('a file that becomes a folder which holds it', () => {
  for (const deletions of ['ignore', 'mirror'] as const) {
    for (const [size, content] of [
      ['small', () => 'content'],
      ['large', () => randomBytes(LARGE)],
    ] as const) {
      it(`(${size}, deletions: ${deletions}) is not called proven by the file in the way`, async () => {
        await put(from, 'a', content());
        await put(from, 'b');
        begin({ deletions, maxDeletions: 1 });
        await run();
        await rename(join(from, 'a'), join(from, 'moved'));
        await mkdir(join(from, 'a'));
        await rename(join(from, 'moved'), join(from, 'a/x'));
        // No id, size and date that tell it: its content alone does.
        await utimes(join(from, 'a/x'), 1, 1);
        expect((await run()).totals).toMatchObject({ verified: deletions === 'mirror' ? 1 : 2, conflicts: 2 });
        // The file has gone by then, where the spec says so.
        const { state, totals } = await run();
        if (deletions === 'ignore') return expect(totals).toMatchObject({ verified: 2, conflicts: 2 });
        expect({ state, verified: totals.verified }).toEqual({ state: 'done', verified: 3 });
        expect(await tree(to)).toEqual(await tree(from));
      });
    }
  }
});

describe('what left the source, and is not what is new', () => {
  it('a folder stays in the target, with all that it and people put there', async () => {
    await put(from, 'archive/old.txt');
    await put(from, 'z');
    begin();
    await run();
    await put(to, 'archive/a person.txt');
    const stood = await tree(to);
    await rm(join(from, 'archive'), { recursive: true });
    await put(from, 'todo/new.txt');
    expect((await run()).totals).toMatchObject({ verified: 5, failures: 0 });
    expect(await tree(to)).toEqual({ ...stood, 'todo/': '', 'todo/new.txt': 'todo/new.txt' });
  });

  it('an empty file stays', async () => {
    await put(from, 'one/__init__', '');
    await put(from, 'z');
    begin();
    await run();
    const stood = await tree(to);
    await rm(join(from, 'one/__init__'));
    await put(from, 'two/__init__', '');
    await run();
    expect(await tree(to)).toEqual({ ...stood, 'two/': '', 'two/__init__': '' });
  });

  it('a folder that was renamed takes its files along, and they are not written again', async () => {
    for (const name of ['a', 'b']) await put(from, `old/${name}.txt`);
    begin({ deletions: 'mirror', maxDeletions: 1 });
    await run();
    await rename(join(from, 'old'), join(from, 'new'));
    expect((await run()).totals).toMatchObject({ verified: 3, failures: 0, created: 1 });
    expect(await tree(to)).toEqual(await tree(from));
  });
});

it('both are kept where the name is as long as names may be, and what comes behind arrives', async () => {
  const stem = 'ü'.repeat(125);
  await put(from, `${stem}.txt`, 'ours');
  await put(from, 'ü-last');
  await put(to, `${stem}.txt`, 'theirs');
  begin({ onConflict: 'both' });
  expect((await run()).totals).toMatchObject({ verified: 2, failures: 0, conflicts: 0 });
  const there = await tree(to);
  expect(Object.values(there).sort()).toEqual(['ours', 'theirs', Buffer.from('ü-last').toString('latin1')].sort());
  expect(there[`${stem}.txt`]).toBe('ours');
  const kept = Object.keys(there).find((path) => there[path] === 'theirs');
  expect(kept).toMatch(/^ü+ \(kept [0-9a-f]{8}\)\.txt$/);
});

describe('one file that a server treats as its own', () => {
  const isPart = ({ method, path, body }: DavAsked): boolean =>
    method === 'PUT' && path.endsWith('.part') && body.length > 1_000;

  async function onApache(tell: (files: FileWorld) => Promise<void>): Promise<void> {
    const files = await createFileWorld(server.ledger, apache);
    try {
      await tell(files);
    } finally {
      await files.close();
    }
  }

  it('and shows nobody, is unsure when it is in doubt, and holds up nothing else', () =>
    onApache(async ({ from: source, to: target, put: add, toTarget, run: move }) => {
      for (const name of ['a', 'b', 'secret', 'z']) await add(source, name);
      toTarget.add({ when: ({ method, path }) => method === 'PUT' && path.endsWith('/b'), times: 1, cut: 'after' });
      toTarget.add({ when: ({ path }) => path.endsWith('/secret'), reply: () => reply(403) });
      const { result, faults } = await move();
      expect(faults).toEqual(['unavailable']);
      expect(result).toMatchObject({ state: 'failed', totals: { verified: 3, failures: 1, pending: 0 } });
      const { rows } = await server.ledger.pool.query<{ key: string; outcome: string }>(
        `select key, outcome from item where reason like '%cannot be seen%'`,
      );
      expect(rows).toEqual([{ key: 'secret', outcome: 'unsure' }]);
      expect(Object.keys(await contentsOf(target)).sort()).toEqual(['a', 'b', 'z']);
    }));

  it('and takes away each time, is quarantined, not sent for ever', () =>
    onApache(async ({ from: source, to: target, put: add, toTarget, run: move }) => {
      await add(source, 'large.bin', randomBytes(LARGE));
      await add(source, 'small');
      const sent = toTarget.add({
        when: isPart,
        afterwards: async () => {
          for (const part of await readdir(target)) if (part.endsWith('.part')) await rm(join(target, part));
        },
      });
      const { result } = await move();
      expect(result).toMatchObject({ state: 'failed', totals: { verified: 1, failures: 1, pending: 0 } });
      expect(sent.used).toBe(3);
      expect(await contentsOf(target)).toEqual({ small: 'small' });
    }));

  it('and lets neither be moved nor removed, is refused alone; what stays of it is told', () =>
    onApache(async ({ from: source, put: add, toTarget, run: move }) => {
      for (const name of ['a.bin', 'z.bin']) await add(source, name, randomBytes(LARGE));
      await add(source, 'small');
      toTarget.add({
        when: ({ method, path }) => ['DELETE', 'MOVE'].includes(method) && path.endsWith('.part'),
        reply: () => reply(403),
      });
      const { result } = await move();
      expect(result).toMatchObject({ state: 'failed', totals: { verified: 1, failures: 2, pending: 0 } });
      const { rows } = await server.ledger.pool.query<{ n: number }>(
        `select count(*) as n from event where message like '%does not let the parts%'`,
      );
      expect(rows).toEqual([{ n: 2 }]);
    }));
});
