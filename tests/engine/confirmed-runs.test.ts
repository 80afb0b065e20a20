/** A run that changed nothing leaves one line beside the report that it confirms; any other leaves a whole report. */
import { mkdtemp, readdir, readFile, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { addTo, removeFrom, setFlags } from '../../connectors/memory/store.js';
import { writeRunReport } from '../../engine/run/write-report.js';
import { writeEvent } from '../../ledger/events.js';
import { writeReport } from '../../report/write-report.js';
import type { Selection } from '../../schemas/spec.js';
import { BOOK, card, twoWay } from '../ledgers/situations.js';
import { put } from './file-tree.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import { reportOf } from './report-of.js';
import type { RunOptions, World } from './world.js';
import { createWorld } from './world.js';

let server: LedgerServer;
let folder: string;
let disk: string;
let world: World;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'drover-reports-'));
  disk = await mkdtemp(join(tmpdir(), 'drover-trees-'));
  world = createWorld(server.ledger, { name: 'acme', reportFolder: folder });
  for (let n = 0; n < 50; n++)
    world.from.put(['INBOX'], { bytes: Buffer.from(`Message-ID: <${n}@x>\r\n\r\n${n}\r\n`) });
  world.from.put(['Sent'], { bytes: Buffer.from('Message-ID: <sent@x>\r\n\r\nsent\r\n') });
});
afterEach(async () => {
  await world.close();
  await server.clear();
  for (const made of [folder, disk]) await rm(made, { recursive: true, force: true });
});

/** Runs, and leaves the report as the workflow has it left. */
async function ran(options: RunOptions = { reason: 'schedule' }): Promise<void> {
  await world.run(options);
  const { rows } = await server.ledger.pool.query<{ last: number }>('select last_run as last from migration');
  await writeRunReport(world.deps, { name: world.spec.name, run: (rows[0] as { last: number }).last });
}

const report = (run: number, file = ''): string => join(folder, `move-acme-run-${run}`, file);
const lines = async (run: number): Promise<Record<string, unknown>[]> =>
  (await readFile(report(run, 'confirmed.ndjson'), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

async function bytesIn(path: string): Promise<number> {
  const files = await readdir(path, { recursive: true, withFileTypes: true });
  const sizes = files
    .filter((file) => file.isFile())
    .map(async (file) => (await stat(join(file.parentPath, file.name))).size);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

describe('a run that changed nothing', () => {
  it('leaves one line beside the report that it confirms, and nothing else', async () => {
    await ran({ reason: 'apply' });
    const whole = await bytesIn(folder);

    await ran();
    await ran();

    expect(await readdir(folder)).toEqual(['move-acme-run-1']);
    expect(await lines(1)).toEqual([
      expect.objectContaining({ run: 2, confirms: 1, reason: 'schedule', units: 1, items: 51, verified: 51 }),
      expect.objectContaining({ run: 3, confirms: 1 }),
    ]);
    expect((await bytesIn(folder)) - whole).toBeLessThan(2 * 300);
  });

  it('confirms the one before it, also where that has moved items', async () => {
    await ran({ reason: 'apply' });
    addTo(world.from.folder(['Sent']), removeFrom(world.from.folder(['INBOX']), 1));
    await ran();

    await ran();

    expect(await lines(2)).toEqual([expect.objectContaining({ run: 3, confirms: 2, items: 51, verified: 51 })]);
  });

  it.each<[string, () => Promise<World>]>([
    ['of contacts that go both ways', async () => addressBooks()],
    ['of a tree of files', () => trees()],
  ])('is one, too, %s', async (_what, begin) => {
    await world.close();
    world = await begin();
    await ran({ reason: 'apply' });

    await ran();
    await ran();

    expect(await readdir(folder)).toEqual(['move-acme-run-1']);
    expect((await lines(1)).map(({ run }) => run)).toEqual([2, 3]);
  });

  it('is one, too, with an item that the spec skips, and a glob that fits nothing', async () => {
    await world.close();
    world = skipping();
    await ran({ reason: 'apply' });

    await ran();

    expect(await lines(1)).toMatchObject([{ run: 2, items: 2, verified: 1, skipped: 1 }]);
    const said = await server.ledger.pool.query(
      `select from event where run = 2 and level = 'warn' and detail ? 'filter'`,
    );
    expect(said.rowCount).toBe(1);
  });

  function addressBooks(): World {
    const made = createWorld(server.ledger, {
      name: 'acme',
      reportFolder: folder,
      selection: { kind: 'contacts', mode: 'two-way' },
    });
    twoWay.build(made);
    made.to.put(BOOK, { bytes: card('dora') });
    return made;
  }

  async function trees(): Promise<World> {
    const [from, to] = [join(disk, 'from'), join(disk, 'to')];
    for (const name of ['a.txt', 'b/c.txt']) await put(from, name, name);
    return createWorld(server.ledger, {
      name: 'acme',
      reportFolder: folder,
      selection: { kind: 'files' },
      systems: { old: { type: 'folder', options: { path: from } }, new: { type: 'folder', options: { path: to } } },
    });
  }

  function skipping(): World {
    const made = createWorld(server.ledger, {
      name: 'acme',
      reportFolder: folder,
      selection: { kind: 'contacts', withoutEmail: 'skip', exclude: { folders: ['Nowhere'] } } as Partial<Selection>,
    });
    const dora = card('dora').toString();
    made.from.put(BOOK, { bytes: Buffer.from(dora.replace('END:VCARD', 'EMAIL:dora@x.example\r\nEND:VCARD')) });
    made.from.put(BOOK, { bytes: card('emil') });
    return made;
  }

  it('is one by hand, too, with the same spec', async () => {
    await ran({ reason: 'apply' });
    await ran({ reason: 'apply' });

    expect((await lines(1)).map(({ run, reason }) => [run, reason])).toEqual([[2, 'apply']]);
  });

  it('is told of by the report from the ledger, of either run', async () => {
    await ran({ reason: 'apply' });
    await ran();

    expect(await reportOf(world, server.ledger, 1)).toMatchObject({ confirmedBy: [2] });
    expect(await reportOf(world, server.ledger)).toMatchObject({
      run: 2,
      confirms: 1,
      verdict: { items: 51, verified: 51 },
    });
    const page = async (run: number): Promise<string> => {
      await writeReport(server.ledger, { migration: 'move-acme', run, folder: disk });
      return readFile(join(disk, 'report.html'), 'utf8');
    };
    expect(await page(1)).toMatch(/1 later run changed nothing; the last was run 2, /);
    expect(await page(2)).toContain('It changed nothing: all is as the report of run 1 says.');
  });

  it('leaves its line once, also after a crash in the middle of it', async () => {
    await ran({ reason: 'apply' });
    await ran();
    const line = await readFile(report(1, 'confirmed.ndjson'), 'utf8');

    await writeRunReport(world.deps, { name: world.spec.name, run: 2 });
    expect(await readFile(report(1, 'confirmed.ndjson'), 'utf8')).toBe(line);
    await truncate(report(1, 'confirmed.ndjson'), 20);
    await writeRunReport(world.deps, { name: world.spec.name, run: 2 });

    expect((await readFile(report(1, 'confirmed.ndjson'), 'utf8')).endsWith(`\n${line}`)).toBe(true);
  });

  it('leaves a whole report where that of the run before is on another disk', async () => {
    await ran({ reason: 'apply' });
    await rm(report(1), { recursive: true });

    await ran();
    await ran();

    expect(await readdir(folder)).toEqual(['move-acme-run-2']);
    expect((await lines(2)).map(({ run }) => run)).toEqual([3]);
  });
});

describe('a whole report is left by a run', () => {
  const lock = (): void => {
    world.from.locked = 'password expired';
  };
  const inbox = () => world.from.folder(['INBOX']);
  it.each<[string, () => unknown, RunOptions?]>([
    [
      'that created an item',
      () => world.from.put(['INBOX'], { bytes: Buffer.from('Message-ID: <new@x>\r\n\r\nx\r\n') }),
    ],
    ['that changed a flag', () => setFlags(inbox(), 1, ['\\Flagged'])],
    ['that found an item gone', () => removeFrom(inbox(), 1)],
    ['that made a folder', () => world.from.folder(['Empty'])],
    ['that waits for a password', () => lock()],
    ['that was asked to verify', () => {}, { reason: 'verify' }],
    ['that was asked to retry', () => {}, { reason: 'retry' }],
    ['of another spec', () => {}, { reason: 'apply', selection: { deletions: 'mirror' } }],
  ])('%s', async (_what, change, options) => {
    await ran({ reason: 'apply' });
    change();

    await ran(options);

    expect((await readdir(folder)).sort()).toEqual(['move-acme-run-1', 'move-acme-run-2']);
    expect(await readdir(report(1))).not.toContain('confirmed.ndjson');
  });

  it('that found an account of `all` gone', async () => {
    await world.close();
    world = createWorld(server.ledger, { name: 'acme', reportFolder: folder, selection: { accounts: 'all' } });
    for (const name of ['anna', 'bert'])
      world.source.account(name).put(['INBOX'], { bytes: Buffer.from(`Message-ID: <1@${name}>\r\n\r\nx\r\n`) });
    await ran({ reason: 'apply' });
    world.source.accounts.delete('bert');

    await ran({ reason: 'apply' });
    await ran({ reason: 'apply' });

    expect((await readdir(folder)).sort()).toEqual(['move-acme-run-1', 'move-acme-run-2']);
    expect((await lines(2)).map(({ run }) => run)).toEqual([3]);
  });

  it('that had something to warn of', async () => {
    await ran({ reason: 'apply' });
    await world.run({ reason: 'schedule' });
    await writeEvent(server.ledger.pool, { migration: 'move-acme', run: 2, unit: 1 }, 'warn', 'the server was slow');

    await writeRunReport(world.deps, { name: 'move-acme', run: 2 });

    expect((await readdir(folder)).sort()).toEqual(['move-acme-run-1', 'move-acme-run-2']);
  });

  it('after one whose report was never written', async () => {
    await ran({ reason: 'apply' });
    world.from.put(['INBOX'], { bytes: Buffer.from('Message-ID: <new@x>\r\n\r\nx\r\n') });
    await world.run({ reason: 'schedule' });

    await ran();

    expect((await readdir(folder)).sort()).toEqual(['move-acme-run-1', 'move-acme-run-3']);
  });

  it('after one that failed', async () => {
    world.from.put(['INBOX'], { bytes: Buffer.from('Message-ID: <bad@x>\r\n\r\nx\r\n') });
    world.target.fault = ({ op, when }) => {
      if (op === 'create' && when === 'before') throw new Error('away');
    };
    await ran({ reason: 'apply' }).catch(() => {});
    world.target.fault = undefined;
    await ran();
    const first = (await readdir(folder)).sort();

    await ran();

    expect(first.at(-1)).toBe('move-acme-run-2');
    expect((await lines(2)).map(({ run }) => run)).toEqual([3]);
  });
});
