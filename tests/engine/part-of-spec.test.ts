/** A part of a spec runs, by the names of accounts: the rest keeps its state and its proofs, and is not begun. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { plan } from '../../engine/plan/plan.js';
import { chosenUnits } from '../../engine/run/chosen-units.js';
import type { ClosedRun } from '../../engine/run/close-run.js';
import { specHash } from '../../schemas/hash.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import { reportOf } from './report-of.js';
import type { World } from './world.js';
import { createWorld } from './world.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());

const PEOPLE = ['anna', 'bela', 'carl'];
const pair = (name: string) => ({ from: name, to: `${name}@new` });
const message = (name: string): Buffer => Buffer.from(`Message-ID: <${name}@x>\r\nSubject: s\r\n\r\nbody\r\n`);

function company(): World {
  const world = createWorld(server.ledger, { selection: { accounts: PEOPLE.map(pair) } });
  for (const name of PEOPLE) world.source.account(name).put(['INBOX'], { bytes: message(name) });
  return world;
}

const arrived = ({ target }: World): string[] =>
  PEOPLE.filter((name) => target.accounts.get(`${name}@new`)?.folders.get('["INBOX"]')?.messages.size === 1);
const states = async ({ spec }: World): Promise<unknown[]> => {
  const { rows } = await server.ledger.pool.query(
    `select account_from as of, run, state, (counters->>'verified')::int as verified from unit where migration = $1 order by n`,
    [spec.name],
  );
  return rows;
};
const runs = async ({ spec }: World): Promise<number> =>
  (await server.ledger.pool.query('select from run where migration = $1', [spec.name])).rowCount ?? 0;
const people = async (world: World, run?: number): Promise<unknown> => {
  const report = (await reportOf(world, server.ledger, run)) as unknown as {
    accounts: { from: string }[];
    verdict: { complete: boolean };
  };
  return [report.accounts.map(({ from }) => from), report.verdict.complete];
};

describe('a part of a spec', () => {
  it('moves alone, by the name on either side; report and result are about it', async () => {
    const world = company();

    const closed = (await world.run({ part: { accounts: ['bela@new'] } })) as ClosedRun;

    expect(closed).toMatchObject({ state: 'done', totals: { units: 1, items: 1, verified: 1 } });
    expect(arrived(world)).toEqual(['bela']);
    expect(await states(world)).toEqual([{ of: 'bela', run: 1, state: 'done', verified: 1 }]);
    expect(await people(world)).toEqual([['bela'], true]);
    expect(await reportOf(world, server.ledger)).toMatchObject({ part: 1 });
    await world.close();
  });

  it('leaves the others as they are after a run of the whole, whose report has all again', async () => {
    const world = company();
    world.target.fault = ({ op, when }) => {
      if (op === 'create' && when === 'before') throw new Error('kill -9');
    };
    await expect(world.run()).rejects.toThrow('kill -9');
    world.target.fault = undefined;
    await world.run();
    world.source.account('anna').put(['INBOX'], { bytes: message('more') });
    world.source.account('carl').put(['INBOX'], { bytes: message('more') });

    const closed = (await world.run({ part: { accounts: ['carl'], selections: ['mail'] } })) as ClosedRun;

    expect(closed).toMatchObject({ state: 'done', totals: { units: 1, items: 2, created: 1 } });
    expect(await states(world)).toEqual([
      { of: 'anna', run: 2, state: 'done', verified: 1 },
      { of: 'bela', run: 2, state: 'done', verified: 1 },
      { of: 'carl', run: 3, state: 'done', verified: 2 },
    ]);
    expect(await people(world)).toEqual([['carl'], true]);
    expect(await people(world, 2)).toEqual([PEOPLE, true]);
    expect((await world.run({ reason: 'schedule' })) as ClosedRun).toMatchObject({ totals: { units: 3, items: 5 } });
    expect(await people(world)).toEqual([PEOPLE, true]);
    await world.close();
  });

  it('is what is proven, or tried again, as long as nobody has applied the whole', async () => {
    const world = company();
    await world.run({ part: { accounts: ['anna'] } });
    await world.run({ part: { accounts: ['carl'] } });

    const proven = (await world.run({ reason: 'verify' })) as ClosedRun;
    const again = (await world.run({ reason: 'retry' })) as ClosedRun;

    expect(proven).toMatchObject({ state: 'done', totals: { units: 2, verified: 2 } });
    expect(again).toMatchObject({ state: 'done', totals: { units: 2 } });
    expect(arrived(world)).toEqual(['anna', 'carl']);
    expect(await people(world)).toEqual([['anna', 'carl'], true]);
    await world.close();
  });

  it('is refused for a name that nothing has, with the one that may be meant, before a run is opened', async () => {
    const world = company();

    await expect(world.run({ part: { accounts: ['bella'] } })).rejects.toThrow(
      'there is no account "bella", on either side; did you mean "bela"?',
    );
    await expect(world.run({ part: { selections: ['mial'] } })).rejects.toThrow('did you mean "mail"?');
    expect(await runs(world)).toBe(0);
    await world.close();
  });

  it('is planned alone, under the numbers of the whole', async () => {
    const world = company();
    const input = { spec: world.spec, specHash: specHash(world.spec), dryRun: false, accounts: ['bela', 'carl@new'] };

    const made = await plan(world.deps, input, new AbortController().signal, () => {});

    expect(made.containers.map(({ unit, create }) => [unit, create])).toEqual([
      [2, 1],
      [3, 1],
    ]);
    await world.close();
  });
});

describe('units that somebody names by their accounts', () => {
  it('are those that have begun; others are refused with what to do', async () => {
    const world = company();
    const { name } = world.spec;
    await world.run({ part: { accounts: ['bela', 'carl'] } });

    expect(await chosenUnits(world.deps, { name, accounts: ['carl@new'] })).toEqual([[2, 2]]);
    expect(await chosenUnits(world.deps, { name, selections: ['mail'] })).toEqual([[1, 2]]);
    await expect(chosenUnits(world.deps, { name, accounts: ['anna'] })).rejects.toThrow('there is no account "anna"');
    await expect(chosenUnits(world.deps, { name, accounts: ['karl'] })).rejects.toThrow('did you mean "carl"?');
    await world.close();
  });
});
