/** Runs of very many accounts: what is written and answered at their opening and close stays small, and comes soon. */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { chosenUnits } from '../../engine/run/chosen-units.js';
import { prepare } from '../../engine/run/open-run.js';
import { overlappingUnit } from '../../ledger/units.js';
import { specHash } from '../../schemas/hash.js';
import type { Spec } from '../../schemas/spec.js';
import { NO_COUNTERS } from '../../words/counters.js';
import type { Prepared } from '../../words/runs.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import type { World } from './world.js';
import { createWorld } from './world.js';

const UNITS = 15_000;
/** Temporal takes 2 MiB, and encryption some of it. */
const SMALL = 1_000_000;
const signal = new AbortController().signal;
let server: LedgerServer;
let world: World;
let spec: Spec;

beforeAll(async () => {
  server = await startLedger();
  world = createWorld(server.ledger);
  const accounts = Array.from({ length: UNITS }, (_, n) => ({ from: `person-${n}@x.example`, to: `p${n}@y.example` }));
  spec = { ...world.spec, selections: world.spec.selections.map((selection) => ({ ...selection, accounts })) };
  await open();
});
afterAll(async () => {
  await world.close();
  await server.stop();
});
beforeEach(async () => {
  const counters = { ...NO_COUNTERS, items: 12_345, verified: 12_345, bytes: 123_456_789, bytesArrived: 123_456_789 };
  await server.ledger.pool.query('update unit set counters = $1, phase = $2', [JSON.stringify(counters), 'move']);
});

const open = (): Promise<Prepared> =>
  prepare(
    world.deps,
    { name: spec.name, request: { id: 'one', reason: 'apply', spec, specHash: specHash(spec) } },
    signal,
  );
const setStates = (states: string): Promise<unknown> =>
  server.ledger.pool.query(
    `update unit set state = ${states}, gate = case when ${states} = 'parked' then 'order' end, reason = repeat('why ', 50)`,
  );

it.each([
  ['waits at a gate', `'parked'`],
  ['has worked and was let go on', `'waiting'`],
  ['stands where its neighbour does not', `(array['done', 'failed', 'waiting', 'parked'])[1 + n % 4]`],
])('fits into one message when each unit %s', async (_, states) => {
  await setStates(states);

  const prepared = await open();

  expect(JSON.stringify(prepared).length).toBeLessThan(SMALL);
});

it('finds another unit of a pairing by an index, as each slice asks for it', async () => {
  const { pool } = server.ledger;
  await pool.query(`insert into place (proof, system) select 'place ' || n, 'x' from generate_series(1, $1) n`, [
    UNITS,
  ]);
  await pool.query(`insert into pairing (source, target, kind) select id, id, 'mail' from place`);
  await pool.query(`update unit set pairing = (select min(id) from pairing) - 1 + case n when 14999 then 7 else n end`);
  await pool.query('analyze unit');
  const { rows } = await pool.query<{ pairing: number }>('select pairing from unit where n = 7');
  const pairing = rows[0]?.pairing ?? 0;

  const query = `explain select n from unit where migration = '${spec.name}' and run = 1 and pairing = ${pairing} and n < 14999 order by n limit 1`;
  const plan = (await pool.query<{ 'QUERY PLAN': string }>(query)).rows;

  expect(plan.map((row) => row['QUERY PLAN']).join('\n')).toContain('unit_by_pairing');
  expect(await overlappingUnit(pool, spec.name, 14_999, 1, pairing)).toBe(7);
});

it('tells who waits for an approval, also behind many who wait for something else', async () => {
  await server.ledger.pool.query(
    `update unit set state = 'parked', reason = 'why', gate = case when n = $1 then 'approval' else 'credentials' end`,
    [UNITS],
  );

  const { parked } = await open();

  expect(parked[0]).toMatchObject({ n: UNITS, gate: 'approval' });
});

it('answers within one message which units a selection has', async () => {
  const chosen = await chosenUnits(world.deps, { name: spec.name, selections: ['mail'] });

  expect(JSON.stringify(chosen).length).toBeLessThan(SMALL);
});
