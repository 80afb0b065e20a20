/** Two folders of the source become one in the target, over several connections: each copy belongs to one item. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Target } from '../../connectors/contract.js';
import { contents, ended, expectQuiet, meeting, report, unnamed, withTarget } from './doubt.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import type { World } from './world.js';
import { createWorld } from './world.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
}, 60_000);
afterAll(() => server.stop(), 60_000);

const TWINS = 300;
const message = (n: number | string): Buffer =>
  Buffer.from(`Message-ID: <${n}@x>\r\nSubject: s${n}\r\n\r\nbody ${n}\r\n`);

/** A and B hold the same messages, and both become X. */
function intoOne(odd: (target: Target<unknown>) => Target<unknown> = (target) => target): World {
  const world = createWorld(server.ledger, {
    selection: { map: { folders: { A: 'X', B: 'X' } } },
    connectors: withTarget('memory', odd, 3),
    settings: { batchItems: 1000 },
  });
  for (let n = 1; n <= 50; n++) world.from.put(['0'], { bytes: message(`first ${n}`) });
  for (let n = 1; n <= TWINS; n++) for (const folder of ['A', 'B']) world.from.put([folder], { bytes: message(n) });
  return world;
}

/** Claims of copies take half a second, so that two connections claim at the same time. */
async function slowClaims(): Promise<void> {
  await server.ledger.pool.query(
    `create function slow_claim() returns trigger language plpgsql as $$ begin perform pg_sleep(0.5); return null; end $$;
     create trigger slow_claim before update on found for each statement execute function slow_claim()`,
  );
}

async function expectAll(world: World): Promise<void> {
  const both = [...contents(world.from, ['A']), ...contents(world.from, ['B'])].sort();
  expect(contents(world.to, ['X'])).toEqual(both);
  const { verdict, exceptions } = await report(server.ledger, world);
  expect(exceptions).toEqual([]);
  expect(verdict).toMatchObject({ complete: true, items: 50 + 2 * TWINS, verified: 50 + 2 * TWINS, duplicates: 0 });
}

describe('two folders into one', () => {
  it('copy what lacks when one of each two copies is there already', async () => {
    const world = intoOne();
    for (let n = 1; n <= TWINS; n++) world.to.put(['X'], { bytes: message(n) });
    const both = meeting(2, 3_000);
    world.target.fault = async ({ op, when, path }) => {
      if (op === 'ensure' && when === 'after' && path[0] === 'X') await both();
    };
    await slowClaims();

    const closed = await ended(world);
    world.target.fault = undefined;
    await server.ledger.pool.query('drop function slow_claim cascade');

    expect(closed).toMatchObject({ state: 'done', totals: { items: 650, verified: 650, failures: 0 } });
    await expectAll(world);
    await expectQuiet(world);
    await world.close();
  }, 60_000);

  it('have a copy for each message in a target that does not name what it wrote', async () => {
    const world = intoOne(unnamed);
    const [opened, written] = [meeting(2, 3_000), meeting(2, 3_000)];
    world.target.fault = async ({ op, when, path }) => {
      if (path[0] !== 'X') return;
      if (op === 'create' && when === 'before') await opened();
      if (op === 'locate' && when === 'before') await written();
    };

    const closed = await ended(world);
    world.target.fault = undefined;

    expect(closed).toMatchObject({ state: 'done', totals: { items: 650, verified: 650, failures: 0 } });
    await expectAll(world);
    await expectQuiet(world);
    await world.close();
  }, 60_000);

  it.each([
    { title: 'names', odd: (target: Target<unknown>) => target },
    { title: 'does not name', odd: unnamed },
  ])(
    'have a copy for each after a crash of all connections, in a target that $title what it wrote',
    async ({ odd }) => {
      const world = intoOne(odd);
      let written = 0;
      world.target.fault = ({ op, when, path }) => {
        if (op === 'create' && when === 'after' && path[0] === 'X' && ++written > TWINS) throw new Error('kill -9');
      };
      await expect(world.run()).rejects.toThrow('kill -9');
      world.target.fault = undefined;

      expect(await ended(world)).toMatchObject({ state: 'done', totals: { items: 650, verified: 650, failures: 0 } });

      await expectAll(world);
      await expectQuiet(world);
      await world.close();
    },
    60_000,
  );
});
