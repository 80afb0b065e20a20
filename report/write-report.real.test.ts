import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LedgerServer } from '../tests/engine/ledger.js';
import { startLedger } from '../tests/engine/ledger.js';
import { fillLedger } from './sample-ledger.js';
import { writeReport } from './write-report.js';

let server: LedgerServer;
let folder: string;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'drover-report-'));
});
afterEach(async () => {
  await server.clear();
  await rm(folder, { recursive: true, force: true });
});

const read = (name: string): Promise<string> => readFile(join(folder, name), 'utf8');

describe('writeReport', () => {
  it('answers for every item, in four files that agree', async () => {
    await fillLedger(server.ledger, { refused: 2, pending: 1 });

    const report = await writeReport(server.ledger, { migration: 'acme', folder });

    expect(report).toMatchObject({
      run: 2,
      headline: '37 of 40 items verified; 2 failed, 1 not tried',
      verdict: { complete: false, items: 40, verified: 37, unproven: 3, duplicates: 0 },
    });
    const rows = parse(await read('items.csv'), { bom: true, columns: true }) as Record<string, string>[];
    const items = JSON.parse(await read('items.json')) as { outcome: string; key: string }[];
    const summary = JSON.parse(await read('summary.json')) as { totals: { outcomes: Record<string, number> } };
    expect(rows).toHaveLength(40);
    expect(items.map((item) => item.outcome)).toEqual(rows.map((row) => row.outcome));
    expect(rows.filter((row) => row.outcome === 'verified')).toHaveLength(37);
    expect(summary.totals.outcomes).toMatchObject({ verified: 37, refused: 2, pending: 1 });
    expect((await readdir(folder)).sort()).toEqual(['items.csv', 'items.json', 'report.html', 'summary.json']);
  });

  it('writes through no link that somebody has laid in its place', async () => {
    await fillLedger(server.ledger, {});
    const elsewhere = join(folder, 'elsewhere.txt');
    await writeFile(elsewhere, 'not ours');
    for (const name of ['items.csv', 'items.json', 'summary.json', 'report.html', 'renamed.csv']) {
      await symlink(elsewhere, join(folder, name));
      await symlink(elsewhere, join(folder, `.${name}.${process.pid}.part`));
    }

    await writeReport(server.ledger, { migration: 'acme', folder });

    expect(await readFile(elsewhere, 'utf8')).toBe('not ours');
    expect(JSON.parse(await read('summary.json')).totals).toBeDefined();
  });

  it('is complete only when every item is verified and every unit is done', async () => {
    await fillLedger(server.ledger, {});
    const whole = await writeReport(server.ledger, { migration: 'acme', folder });
    await server.ledger.pool.query("update unit set state = 'parked', gate = 'credentials' where n = 1");
    const parked = await writeReport(server.ledger, { migration: 'acme', folder });

    expect(whole?.verdict).toMatchObject({ complete: true, unproven: 0 });
    expect(whole?.headline).toBe('all 40 items verified: each arrived once, unchanged');
    expect(parked?.verdict).toMatchObject({ complete: false, unitsOpen: 1 });
    expect(await read('report.html')).toContain('1 of 2 accounts did not finish');
  });

  it.each(['arrived', 'unsure', 'missing', 'altered', 'quarantined'])(
    'does not take %s for proven',
    async (outcome) => {
      await fillLedger(server.ledger, {});
      await server.ledger.pool.query(`update item set outcome = $1 where key = '00000001'`, [outcome]);

      const report = await writeReport(server.ledger, { migration: 'acme', folder });

      expect(report?.verdict.complete).toBe(false);
      expect(JSON.parse(await read('summary.json')).totals.outcomes[outcome]).toBeGreaterThan(0);
    },
  );

  it('takes a proof back when work waits again, and forgets what left the source uncopied', async () => {
    await fillLedger(server.ledger, {});
    await server.ledger.pool.query(`update item set todo = 'meta' where key = '00000001'`);
    await server.ledger.pool.query(`update item set gone = true, target_ref = null where key = '00000002'`);

    const report = await writeReport(server.ledger, { migration: 'acme', folder });

    expect(report?.verdict).toMatchObject({ complete: false, items: 36, verified: 32, unproven: 4 });
  });

  describe('of a run that nobody has closed', () => {
    const later = (...statements: string[]) => server.ledger.pool.query(statements.join(';'));
    const open = "update run set state = 'running', ended_at = null, totals = null where number = 2";

    it.each([
      [
        'goes on',
        [],
        /^Run 2 goes on: these are the numbers of \d{4}-\d\d-\d\d \d\d:\d\d UTC; 1 of 2 accounts is done\.$/,
      ],
      ['is paused', ['update migration set paused = true'], /^Run 2 is paused: /],
      [
        'waits at gates',
        ["update unit set state = 'parked', gate = 'credentials', reason = 'OLD_PASSWORD is not set' where n = 1"],
        /^Run 2 waits at 1 gate: /,
      ],
      [
        'was left by its worker',
        ["update unit set changed_at = '2026-03-01T10:31:00Z'", "update event set at = '2026-03-01T10:31:00Z'"],
        /^Run 2 was never closed, and nothing has been written down of it since 2026-03-01 10:31 UTC: /,
      ],
    ])('says first that it %s, and is not complete', async (_, statements, sentence) => {
      await fillLedger(server.ledger, {});
      await later(open, "update unit set state = 'running' where n = 1", ...statements);

      const report = await writeReport(server.ledger, { migration: 'acme', folder });

      expect(report?.unfinished).toMatch(sentence);
      expect(report?.verdict).toMatchObject({ complete: false, goesOn: true });
      expect(report?.headline).toBe('so far all 40 items verified: each arrived once, unchanged');
      const html = await read('report.html');
      expect(html.indexOf('class="goes-on"')).toBeLessThan(html.indexOf('<h1>'));
    });

    it('takes a lease for work, however long nothing was written down', async () => {
      await fillLedger(server.ledger, {});
      await later(
        open,
        "update unit set state = 'running', changed_at = '2026-03-01T10:31:00Z'",
        `insert into lease select target, 1, 'somebody', now() + interval '8 s' from pairing limit 1`,
      );

      const report = await writeReport(server.ledger, { migration: 'acme', folder });

      expect(report?.unfinished).toMatch(/^Run 2 goes on: /);
    });

    it('says of an earlier run that another goes on, and of a cancelled one that it was', async () => {
      await fillLedger(server.ledger, {});
      const cancelled =
        "update run set state = 'cancelled' where number = 2; update unit set state = 'cancelled' where n = 1";
      await later(cancelled);
      const stopped = await writeReport(server.ledger, { migration: 'acme', folder });
      await later(
        `insert into run (migration, number, reason, request, spec) select migration, 3, 'retry', 'c', spec from run where number = 2`,
      );

      const earlier = await writeReport(server.ledger, { migration: 'acme', run: 2, folder });

      expect(stopped?.unfinished).toBe('Run 2 was cancelled: 1 of 2 accounts is done.');
      expect(earlier?.unfinished).toMatch(/^Run 3 goes on: items and accounts are shown as they stood at /);
      expect(earlier?.verdict.complete).toBe(false);
    });
  });

  it('finds copies that stand in the target twice', async () => {
    await fillLedger(server.ledger, {});
    await server.ledger.pool.query(
      `insert into found (place, target_key, ref, digest, bytes, meta)
       select p.target, c.target_key, 'extra', i.digest, i.bytes, '{}' from item i
       join container c on c.id = i.container join pairing p on p.id = c.pairing limit 1`,
    );

    const report = await writeReport(server.ledger, { migration: 'acme', folder });

    expect(report?.verdict.duplicates).toBe(1);
    expect(report?.headline).toBe('all 40 items verified; 1 duplicate in the target');
    expect(await read('report.html')).toContain('<h2>Duplicates</h2>');
  });

  it('lets no name of others become markup or a formula', async () => {
    await fillLedger(server.ledger, { folder: '<script>alert(1)</script>', refused: 1, reason: '=HYPERLINK("x")' });

    await writeReport(server.ledger, { migration: 'acme', folder });

    expect(await read('report.html')).not.toContain('<script>');
    expect(await read('report.html')).toContain('&lt;script&gt;');
    const rows = parse(await read('items.csv'), { bom: true, columns: true }) as Record<string, string>[];
    expect(rows.find((row) => row.outcome === 'refused')?.reason).toBe(`'=HYPERLINK("x")`);
  });

  it('refers to nothing outside its file', async () => {
    await fillLedger(server.ledger, { refused: 3 });

    await writeReport(server.ledger, { migration: 'acme', folder });

    expect(await read('report.html')).not.toMatch(/\b(src|href)=|@import|url\(|https?:/);
  });

  it('knows what the ledger does not, and leaves nothing behind', async () => {
    const missing = join(folder, 'none');

    expect(await writeReport(server.ledger, { migration: 'acme', folder: missing })).toBeUndefined();
    await fillLedger(server.ledger, {});
    expect(await writeReport(server.ledger, { migration: 'acme', run: 9, folder: missing })).toBeUndefined();
    expect(await readdir(folder)).toEqual([]);
  });

  it('reads a long folder page by page, each item once', async () => {
    await fillLedger(server.ledger, { itemsPerFolder: 6_000 });

    const report = await writeReport(server.ledger, { migration: 'acme', folder });

    const keys = (JSON.parse(await read('items.json')) as { unit: number; folder: string[]; key: string }[]).map(
      (item) => `${item.unit} ${item.folder.join('/')} ${item.key}`,
    );
    expect(report?.verdict.items).toBe(24_000);
    expect(new Set(keys).size).toBe(24_000);
  });
});
