/** A look at many accounts ends in time and where it is told to, whatever one of them does; what it got done counts. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { control } from '../../engine/run/control.js';
import { endIdleUnits } from '../../ledger/idle-units.js';
import type { Ledger } from '../../ledger/ledger.js';
import { listUnits } from '../../ledger/units.js';
import type { Looking } from './idle.js';
import { movedAccounts } from './idle.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());

const OTHERS = [2, 3, 4, 5, 6, 7, 8, 9, 10];
/** It beats ten times a second. On a busy machine a lease may be lost meanwhile: then the first account is none of the idle. */
const QUICK = { leaseMs: 800, graceMs: 20, lookUnitMs: 60_000 };

it('does not wait for an account that does not answer', async () => {
  const world = await movedAccounts(server.ledger, 3, { settings: { ...QUICK, lookUnitMs: 100 } });
  const silent = hang(world, (account) => account === 'a2');
  const run = await world.open();

  const { idle, changed, left } = await run.look();

  expect([...idle, ...changed].sort()).toEqual([1, 2, 3]);
  expect(changed).toContain(2);
  expect(left).toEqual([]);
  silent.answer();
  await expect.poll(() => run.byWorkflow(2)).toBe('done');
  await world.close();
});

it('leaves what it has not looked at when its time is over', async () => {
  const world = await movedAccounts(server.ledger, 10, { settings: { ...QUICK, lookMs: 400 } });
  const silent = hang(world, (account) => account !== 'a1');
  const run = await world.open();

  expect((await run.look()).left).toEqual(expect.arrayContaining(OTHERS));

  silent.answer();
  await world.close();
});

it.each(['paused', 'stopped'] as const)('leaves what it has not looked at when the migration is %s', async (wish) => {
  const world = await movedAccounts(server.ledger, 10, { settings: QUICK });
  const silent = hang(world, (account) => account !== 'a1');
  const run = await world.open();

  const seen = await run.look(undefined, {
    heartbeat: ({ looked }) => {
      if (looked > 0) void control(world.deps, { name: world.spec.name, [wish]: true });
    },
  });

  expect(seen.left).toEqual(expect.arrayContaining(OTHERS));
  silent.answer();
  await world.close();
});

it('ends when it is cancelled, and when the migration is paused already', async () => {
  const world = await movedAccounts(server.ledger, 3, { settings: QUICK });
  const silent = hang(world, (account) => account !== 'a1');
  const run = await world.open();
  const cancelled = new AbortController();

  const seen = await run.look([1, 2, 3], {
    signal: cancelled.signal,
    heartbeat: ({ looked }) => {
      if (looked > 0) cancelled.abort();
    },
  });

  expect(seen.left).toEqual(expect.arrayContaining([2, 3]));
  silent.answer();
  await control(world.deps, { name: world.spec.name, paused: true });
  expect(await run.look([2, 3])).toMatchObject({ idle: [], changed: [], left: [2, 3] });
  await world.close();
});

it('does not take an account for settled whose target it did not come to look at', async () => {
  const world = await movedAccounts(server.ledger, 1);
  world.target.account('a1').folder(['INBOX']).messages.clear();
  const run = await world.open();
  await control(world.deps, { name: world.spec.name, paused: true });

  const paused = await run.byWorkflow(1);
  await control(world.deps, { name: world.spec.name, paused: false });

  expect(paused).toBe('paused');
  expect(await run.look()).toMatchObject({ changed: [1] });
  await world.close();
});

it('goes on after a crash with those that were not written down as done', async () => {
  const world = await movedAccounts(server.ledger, 14);
  const run = await world.open();

  await expect(run.look(undefined, { deps: { ledger: diesAtSecondEnd(server.ledger) } })).rejects.toThrow('killed');
  const before = (await listUnits(server.ledger.pool, world.spec.name)).filter(({ state }) => state === 'done').length;
  world.source.resetCounts();
  const again = await run.look();

  expect(before).toBe(10);
  expect(again).toMatchObject({ changed: [], left: [], counters: { items: 28, verified: 28 } });
  expect(again.idle).toHaveLength(14);
  expect(world.source.counts.containers).toBe(4);
  expect(await eventsOf(world, run.number, 'unit done')).toBe(14);
  await world.close();
});

it('ends a unit once, however often that is asked for', async () => {
  const world = await movedAccounts(server.ledger, 1);
  const run = await world.open();
  const { counters } = await run.look();

  await endIdleUnits(server.ledger, { migration: world.spec.name, run: run.number }, [{ n: 1, counters }]);

  expect(await eventsOf(world, run.number, 'unit done')).toBe(1);
  await world.close();
});

it('writes nothing down for an account whose lease it has lost', async () => {
  const world = await movedAccounts(server.ledger, 1);
  const run = await world.open();
  const { pool } = server.ledger;
  const place = `(select p.target from unit u join pairing p on p.id = u.pairing where u.migration = $1)`;
  world.source.fault = async ({ op, when }) => {
    if (op !== 'containers' || when !== 'after') return;
    await pool.query(`update lease set fence = fence + 1, holder = 'them' where place = ${place}`, [world.spec.name]);
  };

  expect(await run.look()).toMatchObject({ idle: [], changed: [1] });

  const surveys = await pool.query(
    'select s.run < r.id as before from survey s join run r using (migration) where r.number = $2 and s.migration = $1',
    [world.spec.name, run.number],
  );
  expect(surveys.rows).toEqual([{ before: true }]);
  await world.close();
});

it('beats while it waits', async () => {
  const world = await movedAccounts(server.ledger, 2);
  const silent = hang(world, (account) => account === 'a2');
  const run = await world.open();

  await run.look(undefined, {
    heartbeat: ({ units, looked }) => {
      if (units === 2 && looked === 1) silent.answer();
    },
  });

  expect((await listUnits(server.ledger.pool, world.spec.name)).map(({ state }) => state)).toEqual(['done', 'done']);
  await world.close();
});

async function eventsOf({ spec }: Looking, run: number, said: string): Promise<number | null> {
  const asked = 'select from event where migration = $1 and run = $2 and message = $3';
  return (await server.ledger.pool.query(asked, [spec.name, run, said])).rowCount;
}

/** The source answers nothing about some accounts until `answer`. */
function hang({ source }: Looking, which: (account: string) => boolean): { readonly answer: () => void } {
  let answer = (): void => {};
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  source.fault = async ({ account, op, when }) => {
    if (op === 'containers' && when === 'before' && which(account)) await answered;
  };
  return { answer };
}

/** The worker is killed before the units that it has found idle are written down for the second time. */
function diesAtSecondEnd(ledger: Ledger): Ledger {
  let ends = 0;
  const query = async (...asked: readonly unknown[]): Promise<unknown> => {
    if (typeof asked[0] === 'string' && asked[0].startsWith('with ended') && ++ends > 1) throw new Error('killed');
    return (ledger.pool.query as (...all: readonly unknown[]) => unknown)(...asked);
  };
  return { ...ledger, pool: Object.assign(Object.create(ledger.pool), { query }) };
}
