/** What runs left is removed for its age, and no evidence with it: the report, the counters and the next run are the same. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { removeFrom, setFlags } from '../../connectors/memory/store.js';
import { writeRunReport } from '../../engine/run/write-report.js';
import { prune, pruneByItself } from '../../engine/upkeep/prune.js';
import { alone } from '../../ledger/upkeep-lock.js';
import type { PruneInput, PruneResult } from '../../words/upkeep.js';
import { failing } from './failing-ledger.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import { reportOf } from './report-of.js';
import type { RunOptions, World } from './world.js';
import { createWorld } from './world.js';

const DAY_MS = 86_400_000;

let server: LedgerServer;
let folder: string;
let world: World;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'drover-reports-'));
  world = createWorld(server.ledger, {
    name: 'acme',
    reportFolder: folder,
    selection: { deletions: 'mirror', maxDeletions: 1 },
  });
  for (let n = 0; n < 20; n++) put(n);
});
afterEach(async () => {
  await world.close();
  await server.clear();
  await rm(folder, { recursive: true, force: true });
});

const put = (n: number): unknown =>
  world.from.put(['INBOX'], { bytes: Buffer.from(`Message-ID: <${n}@x>\r\n\r\n${n}\r\n`) });
const inbox = () => world.from.folder(['INBOX']);

async function ran(options: RunOptions = { reason: 'schedule' }): Promise<void> {
  await world.run(options);
  const { rows } = await server.ledger.pool.query<{ last: number }>('select last_run as last from migration');
  await writeRunReport(world.deps, { name: world.spec.name, run: (rows[0] as { last: number }).last });
}

/** A first run, runs that change something, one by one, and many that change nothing: 12 of them. */
async function history(): Promise<void> {
  await ran({ reason: 'apply' });
  put(20);
  await ran();
  setFlags(inbox(), 1, ['\\Seen']);
  await ran();
  removeFrom(inbox(), 2);
  await ran();
  // Its changes are of items that later runs change again: no item stands by it any more.
  setFlags(inbox(), 3, ['\\Flagged']);
  await ran();
  setFlags(inbox(), 3, ['\\Seen']);
  await ran();
  for (let n = 0; n < 6; n++) await ran();
}

/** Makes everything that stands in the ledger older. */
async function age(days: number): Promise<void> {
  await server.ledger.pool.query(`update event set at = at - $1 * interval '1 day'`, [days]);
  await server.ledger.pool.query(
    `update run set started_at = started_at - $1 * interval '1 day', ended_at = ended_at - $1 * interval '1 day'`,
    [days],
  );
  await server.ledger.pool.query(`update spec set submitted_at = submitted_at - $1 * interval '1 day'`, [days]);
}

const pruned = (input: Partial<PruneInput> = {}): Promise<PruneResult> =>
  prune(world.deps, { olderThanMs: 30 * DAY_MS, dryRun: false, ...input }, new AbortController().signal);

async function rowsOf(table: string): Promise<Record<string, unknown>[]> {
  return (await server.ledger.pool.query(`select * from ${table} order by 1, 2`)).rows;
}

/** The last report but for its hour and its list of runs, and what a person sees of the unit. */
async function evidence(): Promise<unknown> {
  const {
    writtenAt: _,
    runs: __,
    ...report
  } = (await reportOf(world, server.ledger)) as unknown as Record<string, unknown>;
  const tables = await Promise.all(
    ['item', 'container', 'survey', 'pairing', 'place', 'unit', 'migration', 'item_count'].map(rowsOf),
  );
  return { report, tables };
}

describe('pruning everything that is old', () => {
  it('leaves the report of the last run, every item and every counter as they were', async () => {
    await history();
    await age(400);
    const before = await evidence();
    const counted = (await pruned({ dryRun: true })).migrations[0];

    const { migrations } = await pruned();

    expect(await evidence()).toEqual(before);
    expect(migrations).toEqual([counted]);
    const [{ name, ...removed } = { name: '' }] = migrations;
    expect(name).toBe('move-acme');
    for (const [what, n] of Object.entries(removed)) expect([what, n > 0]).toEqual([what, what !== 'gates']);
    expect(await pruned()).toMatchObject({ migrations: [] });
  });

  it('keeps the runs that items stand by, the last one, and that with the last whole report', async () => {
    await history();
    await age(400);

    await pruned();

    // 1: the first items; 2 and 3: a message and a flag; 4: nothing stands by what it removed; 5: run 6 did it again.
    expect((await rowsOf('run')).map(({ number }) => number)).toEqual([1, 2, 3, 6, 12]);
    expect(await readdir(folder)).toEqual(['move-acme-run-6']);
    const { rows } = await reportOf(world, server.ledger, 2);
    expect(new Set(rows.map(({ run }) => run))).toEqual(new Set(['1', '2', '3', '6']));
  });

  it('says so in the report of an older run', async () => {
    await history();
    await age(400);
    await pruned();

    const old = (await reportOf(world, server.ledger, 2)) as unknown as Record<string, unknown>;
    const last = (await reportOf(world, server.ledger)) as unknown as Record<string, unknown>;

    expect(old).toMatchObject({ prunedAt: expect.any(String), changes: [] });
    expect(last).not.toHaveProperty('prunedAt');
  });

  it('changes nothing for the next runs', async () => {
    await history();
    await age(400);
    await pruned();
    world.source.resetCounts();
    world.target.resetCounts();

    expect(await world.run({ reason: 'schedule' })).toMatchObject({
      state: 'done',
      totals: { items: 20, verified: 20, changed: 0 },
    });
    expect(world.target.counts).toMatchObject({ create: 0, meta: 0, remove: 0 });
    put(21);
    removeFrom(inbox(), 4);
    expect(await world.run({ reason: 'schedule' })).toMatchObject({
      state: 'done',
      totals: { items: 20, verified: 20, created: 1, removed: 1, duplicates: 0, failures: 0 },
    });
    expect(await world.run({ reason: 'verify' })).toMatchObject({ state: 'done', totals: { items: 20, verified: 20 } });
  });

  it('leaves what is not old, and what nobody may remove', async () => {
    await history();
    await age(400);
    await ran();
    const before = (await rowsOf('event')).filter(({ run }) => run === 13);
    const others = { olderThanMs: undefined } as never;

    await pruned();

    expect((await rowsOf('event')).filter(({ run }) => run === 13)).toEqual(before);
    expect(await pruned(others)).toMatchObject({ migrations: [], specs: 0 });
  });

  it('keeps what is kept for ever', async () => {
    await history();
    await age(400);
    const before = (await rowsOf('outcome')).length;

    const { migrations } = await prune(
      { ...world.deps, retention: { events: DAY_MS, runs: DAY_MS } },
      { dryRun: false },
      new AbortController().signal,
    );

    expect(migrations).toMatchObject([{ outcomes: 0, reports: 0 }]);
    expect((await rowsOf('outcome')).length).toBe(before);
    // A run goes no sooner than what it changed.
    expect((await rowsOf('run')).map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 12]);
  });

  it('leaves an open run, its gate and its spec alone', async () => {
    await history();
    world.from.locked = 'password expired';
    const parked = await world.run({ reason: 'schedule' });
    await server.ledger.pool.query(
      `insert into gate (migration, unit, run, gate, reason) values ('move-acme', 1, 13, 'credentials', 'password expired')`,
    );
    await age(400);
    const said = (await rowsOf('event')).filter(({ run }) => run === 13);

    await pruned();

    expect(parked).toMatchObject({ state: 'parked' });
    expect((await rowsOf('event')).filter(({ run }) => run === 13)).toEqual(said);
    expect(await rowsOf('gate')).toHaveLength(1);
    world.from.locked = undefined;
    expect(await world.run()).toMatchObject({ state: 'done' });
  });

  it('removes specs that nothing stands by any more', async () => {
    await ran({ reason: 'apply' });
    await ran({ reason: 'apply', selection: { maxDeletions: 0.5 } });
    await ran({ reason: 'apply' });
    await ran();
    await age(400);

    expect(await pruned()).toMatchObject({ specs: 1 });
    expect(await rowsOf('spec')).toHaveLength(1);
    expect(await world.run({ reason: 'schedule' })).toMatchObject({ state: 'done' });
  });
});

describe('prune', () => {
  it('goes on after it was cut off anywhere', async () => {
    await history();
    await age(400);
    const before = await evidence();
    const abort = new AbortController();
    const cutOff = {
      ...world.deps,
      reports: {
        ...(world.deps.reports as NonNullable<typeof world.deps.reports>),
        remove: async () => abort.abort(new Error('killed')),
      },
    };

    await expect(prune(cutOff, { olderThanMs: DAY_MS, dryRun: false }, abort.signal)).rejects.toThrow('killed');
    expect(await evidence()).toEqual(before);
    await pruned();

    expect(await evidence()).toEqual(before);
    expect(await pruned()).toMatchObject({ migrations: [] });
  });

  it.each([1, 2, 3, 4, 5, 6])('goes on after the ledger was away at removal %i', async (nth) => {
    await history();
    await age(400);
    const before = await evidence();
    const cutOff = prune(
      failing(world.deps, nth),
      { olderThanMs: DAY_MS, dryRun: false },
      new AbortController().signal,
    );

    await expect(cutOff).rejects.toThrow('killed');
    expect(await evidence()).toEqual(before);
    await pruned();

    expect(await evidence()).toEqual(before);
    expect((await rowsOf('run')).map(({ number }) => number)).toEqual([1, 2, 3, 6, 12]);
    expect(await pruned()).toMatchObject({ migrations: [] });
  });

  it('is done by one worker at a time', async () => {
    await history();
    await age(400);
    const retention = { events: DAY_MS };

    const meanwhile = await alone(server.ledger, () =>
      pruneByItself({ ...world.deps, retention }, new AbortController().signal),
    );

    expect(meanwhile).toEqual({ done: undefined });
    expect(await pruneByItself({ ...world.deps, retention }, new AbortController().signal)).toMatchObject({
      migrations: [{ name: 'move-acme' }],
    });
  });

  it('leaves what somebody put beside a report', async () => {
    await history();
    await age(400);
    await writeFile(join(folder, 'move-acme-run-2', 'signed.pdf'), 'ours');
    await writeFile(join(folder, 'move-acme-run-x'), 'ours');

    await pruned();

    expect((await readdir(folder)).sort()).toEqual(['move-acme-run-2', 'move-acme-run-6', 'move-acme-run-x']);
    expect(await readdir(join(folder, 'move-acme-run-2'))).toEqual(['signed.pdf']);
  });

  it('is of one migration, and knows no other', async () => {
    await history();
    await age(400);

    await expect(pruned({ name: 'nobody' })).rejects.toThrow('the ledger knows no migration "nobody"');
    expect(await pruned({ name: 'move-acme' })).toMatchObject({ migrations: [{ name: 'move-acme' }] });
  });
});
