/** Reports of trees of files, of runs that the engine itself made between folders on disk. */
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Selection } from '../schemas/spec.js';
import { put } from '../tests/engine/file-tree.js';
import type { LedgerServer } from '../tests/engine/ledger.js';
import { startLedger } from '../tests/engine/ledger.js';
import type { World } from '../tests/engine/world.js';
import { createWorld } from '../tests/engine/world.js';
import { writeReport } from './write-report.js';

let server: LedgerServer;
let dir: string;
let folder: string;
let world: World;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'drover-files-report-'));
  folder = join(dir, 'report');
  await mkdir(join(dir, 'from'));
});
afterEach(async () => {
  await world.close();
  await rm(dir, { recursive: true, force: true });
});

type Row = Record<string, string>;

async function put3(): Promise<void> {
  await put(join(dir, 'from'), 'plain.txt', 'plain');
  await put(join(dir, 'from'), 'old/what?.txt', 'what');
  await put(join(dir, 'from'), 'old/a:b/c.txt', 'c');
}

function begin(selection: Partial<Selection>): void {
  world = createWorld(server.ledger, {
    selection: { kind: 'files', name: 'share', ...selection },
    systems: {
      old: { type: 'folder', options: { path: join(dir, 'from') } },
      new: { type: 'folder', options: { path: join(dir, 'to') } },
    },
  });
  const { connections } = world.deps;
  const openTarget = async (...args: Parameters<typeof connections.openTarget>) => {
    const held = await connections.openTarget(...args);
    return { ...held, session: { ...held.session, names: { forbidden: '?:' } } };
  };
  Object.assign(world.deps, { connections: { ...connections, openTarget } });
}

async function report() {
  const written = await writeReport(server.ledger, { migration: world.spec.name, folder });
  if (!written) throw new Error('the ledger knows no run');
  const read = (name: string): Promise<string> => readFile(join(folder, name), 'utf8');
  const rows = (text: string) => parse(text, { bom: true, columns: true }) as Row[];
  return {
    ...written,
    files: (await readdir(folder)).sort(),
    rows: rows(await read('items.csv')),
    renamed: async () => rows(await read('renamed.csv')),
    html: await read('report.html'),
    summary: JSON.parse(await read('summary.json')),
  };
}

it('maps each old path to the new one, beside what the spec moves', async () => {
  await put3();
  begin({ names: 'rename', map: { folders: { old: 'archive/old' } } });
  await world.run();

  const { renamed, html, summary, rows, verdict } = await report();

  expect(verdict).toMatchObject({ complete: true, verified: 5 });
  expect((await renamed()).map((row) => [row.account, row.old_path, row.new_path])).toEqual([
    ['anna', 'old/a:b/', 'archive/old/a_b/'],
    ['anna', 'old/a:b/c.txt', 'archive/old/a_b/c.txt'],
    ['anna', 'old/what?.txt', 'archive/old/what_.txt'],
  ]);
  expect((await renamed()).at(-1)?.reason).toContain('the target keeps no ?');
  expect(rows.find((row) => row.key === 'old/what?.txt')?.target_ref).toBe('archive/old/what_.txt');
  expect(html).toContain('<h2>Names that were changed</h2>');
  expect(html).toContain('<td><code>old/what?.txt</code></td><td><code>archive/old/what_.txt</code></td>');
  expect(html).not.toContain('<td><code>old/</code></td>');
  expect(summary.renamed).toBe(3);
});

it('names what the spec skips with one reason for all of them, and counts no failure', async () => {
  await put3();
  begin({ names: 'skip' });
  await world.run();

  const { html, files, summary, verdict } = await report();

  expect(verdict).toMatchObject({ complete: true, verified: 2, skipped: 3 });
  expect(summary.notProven).toMatchObject([
    { outcome: 'skipped', reason: 'the target keeps no : in names; the spec skips such names', count: 2 },
    { outcome: 'skipped', reason: 'the target keeps no ? in names; the spec skips such names', count: 1 },
  ]);
  expect(html).toContain('old/a:b/c.txt');
  expect(html).not.toContain('Names that were changed');
  expect(files).toEqual(['items.csv', 'items.json', 'report.html', 'summary.json']);
});

it('takes the table of names away again when no name is changed any more', async () => {
  await put3();
  begin({ names: 'rename' });
  await world.run();
  await report();
  await server.ledger.pool.query('delete from item where target_ref <> key');

  expect((await report()).files).not.toContain('renamed.csv');
});

it('counts each kind of proof, and says what it is worth and what equality is', async () => {
  await put3();
  begin({ verify: 'size', names: 'rename' });
  await world.run();
  await server.ledger.pool.query(`update item set proof = 'checksum' where key = 'plain.txt'`);
  await server.ledger.pool.query(`update item set proof = 'readback' where key = 'old/'`);

  const { html, summary } = await report();

  expect(summary.totals.proofs).toEqual({ size: 3, checksum: 1, readback: 1 });
  expect(html).toContain('1 by the SHA-256 that the target computed of what it stores');
  expect(html).toContain('3 by size only');
  expect(html).toContain('Two files are equal when they have the same bytes');
  expect(html).toContain('<h2>Folders</h2>');
});
