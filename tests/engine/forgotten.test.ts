/** A person, or a whole migration, is taken out of the ledger: nothing names them any more, and the others' evidence stays. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { writeRunReport } from '../../engine/run/write-report.js';
import type { Asked, ForgetDeps } from '../../engine/upkeep/forget.js';
import { forget } from '../../engine/upkeep/forget.js';
import { writeEvent } from '../../ledger/events.js';
import { takeLease } from '../../ledger/leases.js';
import type { ForgetInput, ForgetResult } from '../../words/upkeep.js';
import { BOOK, card, twoWay } from '../ledgers/situations.js';
import { failing } from './failing-ledger.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import { reportOf } from './report-of.js';
import type { RunOptions, World, WorldOptions } from './world.js';
import { createWorld } from './world.js';

const ANNA = 'anna@old.example';
const BERT = 'bert@old.example';
/** In a key, a path and a note of Anna's alone. */
const FOLDER = 'Klage-Annas-Anwalt';

let server: LedgerServer;
let folder: string;
const worlds: World[] = [];
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'drover-reports-'));
});
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close();
  await server.clear();
  await rm(folder, { recursive: true, force: true });
});

const SELECTION = {
  accounts: [
    { from: ANNA, to: 'anna@new.example' },
    { from: BERT, to: 'bert@new.example' },
  ],
};

/** Two people, and what each has: one folder that tells of its owner, and mail. */
function twoPeople(options: WorldOptions = {}): World {
  const world = createWorld(server.ledger, { name: 'acme', reportFolder: folder, selection: SELECTION, ...options });
  worlds.push(world);
  for (const [account, path] of [
    [ANNA, FOLDER],
    [BERT, 'Projekt-Bert'],
  ] as const) {
    const put = (path: string, n: number): unknown =>
      world.source
        .account(account)
        .put([path], { bytes: Buffer.from(`Message-ID: <${n}@${account}>\r\n\r\n${n}\r\n`) });
    for (let n = 0; n < 5; n++) put('INBOX', n);
    put(path, 9);
  }
  return world;
}

async function ran(world: World, options?: RunOptions): Promise<unknown> {
  const result = await world.run(options);
  const { rows } = await server.ledger.pool.query<{ last: number }>(
    'select last_run as last from migration where name = $1',
    [world.spec.name],
  );
  await writeRunReport(world.deps, { name: world.spec.name, run: (rows[0] as { last: number }).last });
  return result;
}

const forgotten = (
  world: Pick<World, 'deps' | 'spec'>,
  input: Partial<ForgetInput> = {},
  deps: ForgetDeps = world.deps,
  asked: Asked = { isRunning: async () => false },
): Promise<ForgetResult> =>
  forget(deps, { name: world.spec.name, dryRun: false, ...input }, asked, new AbortController().signal);

/** Every column of text, of a list or of JSON, of every table, in which one of the words stands. */
async function namedIn(...words: string[]): Promise<string[]> {
  const { rows } = await server.ledger.pool.query<{ name: string; column: string }>(
    `select table_name as name, column_name as column from information_schema.columns
     where table_schema = 'public' and data_type in ('text', 'jsonb', 'json', 'ARRAY', 'character varying')`,
  );
  const found: string[] = [];
  for (const { name, column } of rows) {
    const { rowCount } = await server.ledger.pool.query(
      `select from ${name} where exists (select from unnest($1::text[]) w where position(w in ${column}::text) > 0) limit 1`,
      [words],
    );
    if (rowCount) found.push(`${name}.${column}`);
  }
  return found;
}

/** Rows of every table by its name. */
async function rowsPerTable(): Promise<Record<string, number>> {
  const { rows } = await server.ledger.pool.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public' and tablename not in ('ledger_version', 'workflow_cut', 'slot', 'budget')`,
  );
  const counts = await Promise.all(
    rows.map(
      async ({ name }) => [name, (await server.ledger.pool.query(`select from ${name}`)).rowCount ?? 0] as const,
    ),
  );
  return Object.fromEntries(counts.filter(([, n]) => n > 0));
}

async function filesNaming(...words: string[]): Promise<string[]> {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((file) => file.isFile());
  const texts = await Promise.all(
    files.map(async (file) => ({ name: file.name, text: await readFile(join(file.parentPath, file.name), 'utf8') })),
  );
  return texts.filter(({ text }) => words.some((word) => text.includes(word))).map(({ name }) => name);
}

/** What is there while a unit is at work, or after its worker was killed: in the folder of this name. */
async function leaveOpen(key: string): Promise<void> {
  const { pool } = server.ledger;
  const { rows } = await pool.query<{ id: number }>('select id from container where key = $1 or $1 = any(path)', [key]);
  const id = rows[0]?.id;
  await pool.query(
    `insert into upload (container, key, version, bytes, part_bytes, path, meta, token) values ($1, $2, '1', 1, 1, $2, '{}', 't')`,
    [id, key],
  );
  await pool.query(
    `insert into batch (container, fence, op, anchor, keys, digests) values ($1, 1, 'create', '1', array[$2], array['00'])`,
    [id, key],
  );
  await pool.query(`insert into doubt (container, key, digest) values ($1, $2, '')`, [id, key]);
  await pool.query(`insert into listed (listing, key) values (7, $1)`, [key]);
  await pool.query(
    `update survey set listing_id = 7, listing_after = $2, listing_state = $2, listing_token = $2 where container = $1`,
    [id, key],
  );
}

const ANNAS = ['anna', FOLDER, FOLDER.toLowerCase()];

describe('one person', () => {
  it('is named nowhere any more, and the other keeps every proof', async () => {
    const world = twoPeople();
    await ran(world);
    await ran(world, { reason: 'verify' });
    await writeEvent(server.ledger.pool, { migration: world.spec.name, run: 2 }, 'warn', `cannot open ${ANNA}`, {
      of: ANNA,
    });
    const before = await reportOf(world, server.ledger);
    await leaveOpen(FOLDER);
    await world.deps.connections.close();
    expect(await namedIn(...ANNAS)).toEqual(
      expect.arrayContaining(['upload.key', 'batch.keys', 'doubt.key', 'listed.key']),
    );
    expect(await filesNaming(...ANNAS)).not.toEqual([]);

    const result = await forgotten(world, { account: ANNA });

    expect(await namedIn(...ANNAS)).toEqual([]);
    expect(await filesNaming(...ANNAS)).toEqual([]);
    expect(result).toMatchObject({
      units: [{ n: 1, selection: 'mail', from: ANNA, to: 'anna@new.example' }],
      removed: { containers: 2, items: 6, places: 2, specs: 1, reports: 2, runs: 0, uploads: 1, batches: 1 },
      kept: [],
    });
    const after = await reportOf(world, server.ledger);
    expect(after.rows).toEqual(before.rows.filter(({ account_from }) => account_from === BERT));
    expect(after.rows).toHaveLength(6);
    expect(after.verdict).toMatchObject({ complete: true, items: 6, verified: 6 });
    // What the newest report said of everybody else.
    expect(await readdir(folder)).toEqual([`${world.spec.name}-run-2`]);
  });

  it('is found by the name on either side', async () => {
    const world = twoPeople();
    await ran(world);

    await forgotten(world, { account: 'anna@new.example' });

    await world.deps.connections.close();
    expect(await namedIn(...ANNAS)).toEqual([]);
  });

  it('is left out of the next scheduled run, and adopted anew by an apply that names them', async () => {
    const world = twoPeople();
    await ran(world);
    await forgotten(world, { account: ANNA });
    world.target.resetCounts();

    expect(await world.run()).toMatchObject({ state: 'done', totals: { items: 12, verified: 12, duplicates: 0 } });

    expect(world.target.counts.create).toBe(0);
    expect((await reportOf(world, server.ledger)).verdict).toMatchObject({ complete: true, items: 12 });
  });

  it('leaves what they share with another: an archive that both go to', async () => {
    const world = twoPeople({
      selection: { accounts: SELECTION.accounts.map(({ from }) => ({ from, to: 'archive@new.example' })) },
    });
    await ran(world);
    const before = await reportOf(world, server.ledger);

    const result = await forgotten(world, { account: ANNA });

    expect(result.kept).toEqual([
      expect.stringMatching(/archive%40new\.example stays: other accounts or kinds go from it or to it/),
    ]);
    await world.deps.connections.close();
    expect(await namedIn(...ANNAS)).toEqual([]);
    const after = await reportOf(world, server.ledger);
    expect(after.rows).toEqual(before.rows.filter(({ account_from }) => account_from === BERT));
  });

  it('that nobody knows is refused', async () => {
    const world = twoPeople();
    await ran(world);
    const before = await rowsPerTable();

    await expect(forgotten(world, { account: 'carl' })).rejects.toThrow('has the account that was given');
    await expect(forgotten(world, { account: '' })).rejects.toThrow('has the account that was given');
    await expect(forgotten(world, { account: "x' or true --" })).rejects.toThrow('has the account that was given');

    expect(await rowsPerTable()).toEqual(before);
  });

  it.each(['a.b+c(d)|*', 'Jörg Müller', '🙂@new', '\\u0041nna', '100%', 'c/o x'])('may be called %s', async (name) => {
    const world = createWorld(server.ledger, {
      reportFolder: folder,
      selection: {
        accounts: [
          { from: name, to: name },
          { from: BERT, to: BERT },
        ],
      },
    });
    worlds.push(world);
    for (const account of [name, BERT])
      world.source.account(account).put(['INBOX'], { bytes: Buffer.from('Message-ID: <1@x>\r\n\r\nx\r\n') });
    await ran(world);
    await writeEvent(server.ledger.pool, { migration: world.spec.name, run: 1 }, 'warn', `cannot open "${name}"`);
    await writeEvent(server.ledger.pool, { migration: world.spec.name, run: 1 }, 'warn', 'cannot open Anna');

    await forgotten(world, { account: name });

    await world.deps.connections.close();
    expect(await namedIn(name)).toEqual([]);
    expect(await namedIn('cannot open Anna')).toEqual(['event.message']);
    expect((await reportOf(world, server.ledger)).verdict).toMatchObject({ complete: true, items: 1 });
  });
});

describe('a whole migration', () => {
  it('leaves no row behind', async () => {
    const world = twoPeople();
    await ran(world);
    await ran(world, { reason: 'verify' });
    await world.deps.connections.close();

    const result = await forgotten(world);

    expect(await rowsPerTable()).toEqual({});
    expect(await readdir(folder)).toEqual([]);
    expect(result).toMatchObject({ removed: { containers: 4, items: 12, places: 4, runs: 2, specs: 1, reports: 2 } });
  });

  it('that goes both ways leaves neither direction behind', async () => {
    const world = createWorld(server.ledger, { selection: { kind: 'contacts', mode: 'two-way' } });
    worlds.push(world);
    twoWay.build(world);
    world.to.put(BOOK, { bytes: card('dora') });
    expect(await world.run()).toMatchObject({ state: 'done', totals: { items: 4 } });
    await world.deps.connections.close();

    const result = await forgotten(world);

    expect(await rowsPerTable()).toEqual({});
    expect(result).toMatchObject({ units: [{ n: 1 }], removed: { containers: 2, places: 2 } });
  });

  it('says first what would go, and removes nothing', async () => {
    const world = twoPeople();
    await ran(world);
    const before = await rowsPerTable();

    const said = await forgotten(world, { dryRun: true });

    expect(await rowsPerTable()).toEqual(before);
    expect(await readdir(folder)).toHaveLength(1);
    const done = await forgotten(world);
    expect({ ...said, dryRun: false }).toEqual(done);
  });

  it('begins anew when it is applied again: what stands in the target is adopted', async () => {
    const world = twoPeople();
    await ran(world);
    await forgotten(world);
    world.target.resetCounts();

    expect(await world.run()).toMatchObject({
      state: 'done',
      totals: { items: 12, verified: 12, duplicates: 0, failures: 0 },
    });

    expect(world.target.counts.create).toBe(0);
  });

  it('leaves another one what they share, and names it', async () => {
    const world = twoPeople();
    const pilot = { ...world, spec: { ...world.spec, name: 'pilot' } };
    await ran(world);
    const other = createWorld(server.ledger, {
      name: 'acme',
      selection: { accounts: [SELECTION.accounts[0] as (typeof SELECTION.accounts)[0]] },
    });
    worlds.push(other);
    Object.assign(other.spec, { name: 'pilot' });
    await other.run();
    const before = await reportOf(pilot, server.ledger);

    const result = await forgotten(world);

    expect(result.kept).toEqual([expect.stringMatching(/the items of .*anna.* \(mail\) stay: "pilot" moves them too/)]);
    const after = await reportOf(pilot, server.ledger);
    expect({ ...after, writtenAt: 0 }).toEqual({ ...before, writtenAt: 0 });
    expect(await other.run()).toMatchObject({ state: 'done', totals: { items: 6, verified: 6, changed: 0 } });
    await world.deps.connections.close();
    await other.deps.connections.close();
    expect(await namedIn('bert')).toEqual([]);
  });

  it('that nobody knows is refused', async () => {
    const world = twoPeople();

    await expect(forgotten(world)).rejects.toThrow('the ledger knows no migration "move-acme"');
  });
});

describe('nothing is removed', () => {
  it('while the migration runs', async () => {
    const world = twoPeople();
    await ran(world);
    const before = await rowsPerTable();

    const asked = forgotten(world, {}, world.deps, { isRunning: async () => true });

    await expect(asked).rejects.toMatchObject({ code: 'refused', message: 'migration "move-acme" is running' });
    expect(await rowsPerTable()).toEqual(before);
  });

  it('while somebody writes to one of the accounts', async () => {
    const world = twoPeople();
    await ran(world);
    const { rows } = await server.ledger.pool.query<{ target: number }>('select target from pairing order by id');
    await takeLease(server.ledger, (rows[0] as { target: number }).target, 'another', 60_000);
    const before = await rowsPerTable();

    await expect(forgotten(world)).rejects.toMatchObject({
      code: 'refused',
      message: 'a worker writes to one of these accounts just now',
    });
    await expect(forgotten(world, { account: BERT })).resolves.toMatchObject({ units: [{ n: 2 }] });
    await expect(forgotten(world, { account: ANNA })).rejects.toMatchObject({ code: 'refused' });

    expect(await rowsPerTable()).not.toEqual(before);
  });
});

describe('after a crash', () => {
  it.each([1, 3, 5, 8, 11, 14, 17])('at removal %i the rest is forgotten by another try', async (nth) => {
    const world = twoPeople();
    await ran(world);
    const before = await reportOf(world, server.ledger);

    const cutOff = await forgotten(world, { account: ANNA }, failing(world.deps, nth)).then(
      () => 'done',
      (error: Error) => error.message,
    );
    if (cutOff !== 'done') await forgotten(world, { account: ANNA });

    await world.deps.connections.close();
    expect(await namedIn(...ANNAS)).toEqual([]);
    expect((await reportOf(world, server.ledger)).rows).toEqual(
      before.rows.filter(({ account_from }) => account_from === BERT),
    );
  });

  it('of which nobody heard that all was done, another try has nothing left to do', async () => {
    const world = twoPeople();
    await ran(world);
    await forgotten(world);

    const again = await forgotten(world, {}, world.deps, { isRunning: async () => false, isRetry: true });

    expect(again).toMatchObject({ units: [], removed: { items: 0 } });
  });

  it.each([3, 8, 12])('at removal %i a run loses nothing and doubles nothing', async (nth) => {
    const world = twoPeople();
    await ran(world);
    await expect(forgotten(world, {}, failing(world.deps, nth))).rejects.toThrow('killed');
    world.target.resetCounts();

    expect(await world.run()).toMatchObject({
      state: 'done',
      totals: { items: 12, verified: 12, duplicates: 0, failures: 0 },
    });

    expect(world.target.counts.create).toBe(0);
  });
});
