/** Many accounts are looked at in one activity: who has nothing to do ends there, everybody else gets a workflow. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Fault } from '../../connectors/errors.js';
import { removeFrom, setFlags } from '../../connectors/memory/store.js';
import { settledUnits } from '../../ledger/idle-units.js';
import { listUnits } from '../../ledger/units.js';
import type { Looking } from './idle.js';
import { message, movedAccounts } from './idle.js';
import { assertCountsKept } from './kept-counts.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import { reportOf } from './report-of.js';
import { listenTo } from './statements.js';
import { createWorld } from './world.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());

it('ends units that have nothing to do as their own workflows would', async () => {
  const world = await movedAccounts(server.ledger, 3, { selection: { exclude: { folders: ['Nowhere'] } } });
  const first = await world.open();
  for (const unit of [1, 2, 3]) await first.byWorkflow(unit);
  const byWorkflows = { closed: await first.finish(), ...(await leftBy(world, first.number)) };

  const second = await world.open();
  const seen = await second.look();
  const together = { closed: await second.finish(), ...(await leftBy(world, second.number)) };

  expect(seen).toMatchObject({ idle: [1, 2, 3], changed: [], left: [] });
  expect(seen.counters).toEqual(together.closed.counters);
  expect(together).toEqual({ ...byWorkflows, closed: { ...byWorkflows.closed, run: second.number } });
  expect(together.closed).toMatchObject({ state: 'done', totals: { units: 3, done: 3, items: 6, verified: 6 } });
  expect(together.events).toContainEqual(
    expect.objectContaining({ unit: 3, message: expect.stringContaining('fits nothing') }),
  );
  await assertCountsKept(server.ledger, world.spec.name);
  await world.close();
});

describe('leaves to its workflow an account', () => {
  it.each<[string, (world: Looking) => unknown]>([
    ['with a new message', ({ source }) => source.account('a2').put(['INBOX'], { bytes: message(3) })],
    ['with a new folder', ({ source }) => source.account('a2').folder(['New'])],
    ['with other flags', ({ source }) => setFlags(source.account('a2').folder(['INBOX']), 1, ['\\Seen'])],
    ['that was renumbered', ({ source }) => source.account('a2').renumber(['INBOX'])],
    ['whose target was emptied', ({ target }) => target.account('a2').folder(['INBOX']).messages.clear()],
    ['whose target folder is gone', ({ target }) => target.account('a2').folders.clear()],
    ['that is locked', ({ source }) => Object.assign(source.account('a2'), { locked: 'the password expired' })],
  ])('%s', async (_, change) => {
    const world = await movedAccounts(server.ledger, 3);
    change(world);
    const run = await world.open();

    expect(await run.look()).toMatchObject({ idle: [1, 3], changed: [2], left: [] });

    await world.close();
  });

  it('that makes the engine fail', async () => {
    const world = await movedAccounts(server.ledger, 3);
    world.source.fault = ({ account }) => {
      if (account === 'a2') throw new TypeError('nobody expected this');
    };
    const run = await world.open();

    expect(await run.look()).toMatchObject({ idle: [1, 3], changed: [2], left: [] });
    await expect(run.byWorkflow(2)).rejects.toThrow('nobody expected this');

    await world.close();
  });

  it('with a folder that is not shown: it fails, and its workflow says so', async () => {
    const world = await movedAccounts(server.ledger, 3);
    const folder = world.source.account('a2').folder(['INBOX']);
    setFlags(folder, 1, ['\\Seen']);
    folder.forgotten = folder.modseq;
    world.source.fault = ({ account, op }) => {
      if (account === 'a2' && op === 'list') throw new Fault('refused', 'it may not be read');
    };
    const run = await world.open();

    expect(await run.look()).toMatchObject({ idle: [1, 3], changed: [2], left: [] });
    await run.byWorkflow(2);
    expect(await run.finish()).toMatchObject({ state: 'failed', totals: { failures: 1, verified: 6 } });

    await world.close();
  });

  it('whose removals are mirrored, and ends it where they are left alone', async () => {
    const world = await movedAccounts(server.ledger, 3);
    removeFrom(world.source.account('a1').folder(['INBOX']), 1);
    world.source.account('a2').folders.clear();

    const left = await world.open();
    expect(await left.look()).toMatchObject({ idle: [1, 2, 3], counters: { items: 6, removed: 0 } });
    const mirrored = await world.open({ deletions: 'mirror' });
    expect(await mirrored.look()).toMatchObject({ idle: [3], changed: [1, 2] });

    await world.close();
  });

  it('that goes both ways, without touching it', async () => {
    const world = await movedAccounts(server.ledger, 2);
    const both = await world.open({ mode: 'two-way' });
    expect(await both.look()).toMatchObject({ idle: [], changed: [1, 2] });
    expect(world.source.counts.containers).toBe(0);

    await world.close();
  });

  it('that is named in two selections, for the second of them', async () => {
    const world = await movedAccounts(server.ledger, 2);
    const run = await world.open({}, [{ name: 'again', accounts: [{ from: 'a1', to: 'a1' }] }]);

    expect(await run.look()).toMatchObject({ idle: [1, 2], changed: [3] });
    // A run of the second selection alone may have proven where it goes.
    await server.ledger.pool.query(
      `update unit set pairing = (select pairing from unit where migration = $1 and n = 1) where migration = $1 and n = 3`,
      [world.spec.name],
    );
    expect(await run.look()).toMatchObject({ idle: [1, 2], changed: [3] });
    await expect(run.byWorkflow(3)).rejects.toThrow(
      'unit 1, a1 (mail) and unit 3, a1 (again) move the same account to the same place',
    );

    await world.close();
  });
});

describe('two migrations over one pairing', () => {
  it('look anew at what the other has surveyed by another filter', async () => {
    const world = await movedAccounts(server.ledger, 2);
    const systems = {
      old: { type: 'memory', options: { name: world.source.name } },
      new: { type: 'memory', options: { name: world.target.name } },
    };
    const accounts = [{ from: 'a1', to: 'a1' }];
    const other = createWorld(server.ledger, { systems, selection: { accounts, exclude: { larger: 1_000_000 } } });
    await other.run();

    const run = await world.open();
    world.source.resetCounts();
    await run.look();

    // It was listed again, and nothing of it was left to do.
    expect(world.source.counts.list).toBe(1);
    expect(await run.look()).toMatchObject({ idle: [1, 2] });
    await other.close();
    await world.close();
  });
});

it('is asked for units of which nothing is known to be left', async () => {
  const world = await movedAccounts(server.ledger, 3);
  const { pool } = server.ledger;
  const { name } = world.spec;
  // An item waits for its proof; a unit failed before anything of it was counted.
  await pool.query(`update unit set counters = counters || '{"pending": 1}' where migration = $1 and n = 2`, [name]);
  await pool.query(`update unit set reason = 'it failed' where migration = $1 and n = 3`, [name]);
  const run = await world.open();

  expect(await settledUnits(pool, name, run.number)).toEqual([1]);

  await run.look();
  expect(await settledUnits(pool, name, run.number)).toEqual([]);
  await world.close();
});

it('forgets what a person had let pass', async () => {
  const world = await movedAccounts(server.ledger, 1);
  const run = await world.open();
  await server.ledger.pool.query(`update unit set approved = '{approval}' where migration = $1`, [world.spec.name]);

  await run.look();

  expect(await listUnits(server.ledger.pool, world.spec.name)).toMatchObject([{ state: 'done', approved: [] }]);
  await world.close();
});

/** Each is a round trip; a clock would tell how busy the machine is. */
it('costs a unit that has nothing to do a dozen statements, its two sessions included', async () => {
  const { ledger, take } = listenTo(server.ledger);
  const world = await movedAccounts(ledger, 3);
  const run = await world.open();
  take();
  await run.look([]);
  const none = take().length;

  await run.look([1]);
  const one = take();

  expect(one.length - none, one.join('\n')).toBeLessThanOrEqual(12);
  await world.close();
});

/** What a run leaves for people: its units, events and report. */
async function leftBy(world: Looking, run: number) {
  const { pool } = server.ledger;
  const units = await pool.query(
    `select n, state, phase, gate, reason, next, approved, counters, idle_slices from unit where migration = $1 order by n`,
    [world.spec.name],
  );
  const events = await pool.query(
    'select unit, level, message from event where migration = $1 and run = $2 order by unit nulls first, message',
    [world.spec.name, run],
  );
  const { verdict, totals, folders, rows } = await reportOf(world, server.ledger, run);
  return { units: units.rows, events: events.rows, report: { verdict, totals, folders, rows } };
}
