/** Reports of kinds whose items have versions, of runs that the engine itself made on memory systems. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { MemoryAccount } from '../connectors/memory/store.js';
import { setBytes } from '../connectors/memory/store.js';
import type { ClosedRun } from '../engine/run/close-run.js';
import type { Selection } from '../schemas/spec.js';
import type { LedgerServer } from '../tests/engine/ledger.js';
import { startLedger } from '../tests/engine/ledger.js';
import type { World } from '../tests/engine/world.js';
import { createWorld } from '../tests/engine/world.js';
import type { WrittenReport } from './write-report.js';
import { writeReport } from './write-report.js';

const BOOK = ['Colleagues'];
let server: LedgerServer;
let folder: string;
let world: World;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'drover-report-'));
});
afterEach(async () => {
  await world.close();
  await rm(folder, { recursive: true, force: true });
});

type Row = Record<string, string>;
interface Written {
  readonly report: WrittenReport;
  readonly rows: readonly Row[];
  readonly html: string;
  readonly summary: {
    readonly conflicts: { readonly count: number; readonly first: readonly Row[] };
    readonly totals: { readonly results: Record<string, number> };
    readonly folders: readonly { readonly direction: string; readonly items: number }[];
  };
}

const card = (uid: string, ...lines: string[]): Buffer =>
  Buffer.from(['BEGIN:VCARD', 'VERSION:3.0', `UID:${uid}`, `FN:${uid}`, ...lines, 'END:VCARD', ''].join('\r\n'));

function edit(account: MemoryAccount, uid: string, ...lines: string[]): void {
  const book = account.folder(BOOK);
  const found = [...book.messages.values()].find((m) => m.bytes.includes(`UID:${uid}\r\n`));
  if (!found) throw new Error(`there is no ${uid}`);
  setBytes(book, found.uid, card(uid, ...lines));
}

function begin(selection: Partial<Selection>): void {
  world = createWorld(server.ledger, { selection: { kind: 'contacts', ...selection } });
  for (const uid of ['anna', 'bert', 'carl']) world.from.put(BOOK, { bytes: card(uid, `EMAIL:${uid}@acme.example`) });
}

async function run(): Promise<ClosedRun> {
  const result = await world.run();
  if (!('totals' in result)) throw new Error(`the run did not end: ${JSON.stringify(result)}`);
  return result;
}

async function report(): Promise<Written> {
  const written = await writeReport(server.ledger, { migration: world.spec.name, folder });
  if (!written) throw new Error('the ledger knows no run');
  const read = (name: string): Promise<string> => readFile(join(folder, name), 'utf8');
  return {
    report: written,
    rows: parse(await read('items.csv'), { bom: true, columns: true }) as Row[],
    html: await read('report.html'),
    summary: JSON.parse(await read('summary.json')) as Written['summary'],
  };
}

const pick = (rows: readonly Row[], ...names: string[]): string[][] =>
  rows.map((row) => names.map((name) => (row[name] ?? '').replace(/^0+(?=\d)/, ''))).sort();

it('says of each contact what became of it, with its reference and version in the target', async () => {
  begin({ withoutEmail: 'skip' });
  world.from.put(BOOK, { bytes: card('nobody') });
  const first = await run();
  const made = await report();
  edit(world.from, 'bert', 'EMAIL:bert@acme.example', 'NOTE:more');
  const second = await run();
  const later = await report();

  expect(pick(made.rows, 'key', 'result', 'outcome')).toEqual([
    ['1', 'created', 'verified'],
    ['2', 'created', 'verified'],
    ['3', 'created', 'verified'],
    ['4', 'skipped', 'skipped'],
  ]);
  expect(made.rows.map((row) => [row.target_ref, row.target_version].filter(Boolean).length)).toEqual([2, 2, 2, 0]);
  expect(made.rows.find((row) => row.result === 'skipped')?.reason).toMatch(/e-mail/);
  expect(made.report).toMatchObject({
    headline: '3 of 4 items verified; 1 skipped',
    verdict: { complete: true, items: first.totals.items, skipped: first.totals.skipped },
  });
  expect(pick(later.rows, 'key', 'result')).toEqual([
    ['1', 'unchanged'],
    ['2', 'updated'],
    ['3', 'unchanged'],
    ['4', 'skipped'],
  ]);
  expect(later.summary.totals.results).toMatchObject({ updated: second.totals.updated, created: 0, skipped: 1 });
  expect(later.html).toContain('<h2>Collections</h2>');
  expect(later.html).toContain('updated in this run');
});

it('tells conflicts, who won, and that nobody did', async () => {
  begin({});
  await run();
  edit(world.from, 'bert', 'NOTE:work');
  edit(world.to, 'bert', 'NOTE:home');
  const { totals } = await run();
  const { report: told, rows, summary, html } = await report();

  expect(totals.conflicts).toBe(1);
  expect(told.verdict).toMatchObject({ complete: false, conflicts: 1, unproven: 1 });
  expect(pick(rows, 'key', 'result').find(([key]) => key === '2')).toEqual(['2', 'conflict']);
  expect(summary.conflicts).toMatchObject({
    count: 1,
    first: [{ what: 'edited on both sides', end: 'both were left as they are', direction: 'forth' }],
  });
  expect(html).toContain('<h2>Conflicts</h2>');
  expect(html).toContain('1 item is open');
});

it('shows both directions of what is kept in step, and counts each item once', async () => {
  begin({ mode: 'two-way', onConflict: 'source' });
  world.to.put(BOOK, { bytes: card('carla') });
  await run();
  world.to.put(BOOK, { bytes: card('dora') });
  edit(world.to, 'anna', 'NOTE:at home');
  edit(world.from, 'bert', 'NOTE:work');
  edit(world.to, 'bert', 'NOTE:home');
  const { totals } = await run();
  const { report: told, rows, summary, html } = await report();

  expect(told.verdict).toMatchObject({ complete: true, items: 5, verified: 5, duplicates: 0 });
  expect(totals).toMatchObject({ items: 5, verified: 5, created: 1, updated: 2 });
  expect(summary.totals.results).toMatchObject({ created: 1, updated: 2, unchanged: 2 });
  expect(rows.map((row) => row.direction).sort()).toEqual(['back', 'back', 'back', 'forth', 'forth']);
  expect(summary.folders.map(({ direction, items }) => [direction, items])).toEqual([
    ['forth', 2],
    ['back', 3],
  ]);
  expect(summary.conflicts.first.map(({ what, end }) => [what, end])).toEqual([
    ['edited on both sides', 'the source won'],
  ]);
  expect(html).toContain('← back');
});

it('speaks of source and target as the spec does, whichever direction met the conflict', async () => {
  begin({ mode: 'two-way', onConflict: 'target' });
  await run();
  edit(world.from, 'bert', 'NOTE:work');
  edit(world.to, 'bert', 'NOTE:home');
  world.to.put(BOOK, { bytes: card('eve', 'NOTE:here') });
  world.from.put(BOOK, { bytes: card('eve', 'NOTE:there') });
  const { totals } = await run();
  const { summary } = await report();

  expect(totals.conflicts).toBe(0);
  expect(summary.conflicts.count).toBe(2);
  expect(summary.conflicts.first.map(({ what, end }) => [what, end]).sort()).toEqual([
    ['edited on both sides', 'the target won'],
    ['the source holds another with the same UID', 'the target won'],
  ]);
});

it('does not take an edit that still has to be carried back for proven', async () => {
  begin({ mode: 'two-way' });
  await run();
  await server.ledger.pool.query(
    `update item set todo = 'update' where outcome = 'linked' and container in (
       select c.id from container c join unit u on u.back = c.pairing where u.migration = $1) and key like '%1'`,
    [world.spec.name],
  );
  const { report: told, summary } = await report();

  expect(told.verdict).toMatchObject({ complete: false, items: 4, unproven: 1 });
  expect(summary.totals.results).toMatchObject({ unchanged: 1 });
});
