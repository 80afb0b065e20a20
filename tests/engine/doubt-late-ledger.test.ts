/** A ledger that was set back, as a replica that lagged behind is: the target knows more than the ledger. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contents, ended, expectQuiet } from './doubt.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';
import { createWorld } from './world.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
}, 60_000);
afterAll(() => server.stop(), 60_000);

async function tables(): Promise<string[]> {
  const { rows } = await server.ledger.pool.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public' and tablename <> 'ledger_version' order by 1`,
  );
  return rows.map(({ name }) => name);
}

/** Keeps everything the ledger holds in committed transactions at this moment. */
async function remember(): Promise<void> {
  const statements = (await tables()).map((name) => `create table behind.${name} as table public.${name}`);
  await server.ledger.pool.query(
    ['begin', 'drop schema if exists behind cascade', 'create schema behind', ...statements, 'commit'].join(';'),
  );
}

/** Sets the ledger back to what was kept. Its leases have lapsed by then. */
async function setBack(): Promise<void> {
  const names = await tables();
  await server.ledger.pool.query(
    [
      'begin',
      `set local session_replication_role = replica`,
      `truncate ${names.join(', ')} cascade`,
      ...names.map((name) => `insert into ${name} overriding system value table behind.${name}`),
      'update lease set until = now()',
      'delete from slot',
      'commit',
    ].join(';'),
  );
}

const BODIES = {
  mail: (n: number): Buffer => Buffer.from(`Message-ID: <${n}@x>\r\nSubject: s${n}\r\n\r\nbody ${n}\r\n`),
  contacts: (n: number): Buffer =>
    Buffer.from(`BEGIN:VCARD\r\nVERSION:3.0\r\nUID:u${n}\r\nFN:Person ${n}\r\nEND:VCARD\r\n`),
} as const;

describe.each(['mail', 'contacts'] as const)('a ledger of %s', (kind) => {
  const FOLDER = ['INBOX'];
  const ITEMS = 30;

  it.each([
    { moment: 'before its target was opened', op: 'ensure', nth: 1 },
    { moment: 'in the first batch', op: 'create', nth: 1 },
    { moment: 'in the second batch', op: 'create', nth: 15 },
  ] as const)(
    'that was set back to a moment $moment doubles nothing',
    async ({ op, nth }) => {
      await server.clear();
      const world = createWorld(server.ledger, { selection: { kind }, settings: { batchItems: 10 } });
      for (let n = 1; n <= ITEMS; n++) world.from.put(FOLDER, { bytes: BODIES[kind](n) });
      let seen = 0;
      world.target.fault = async (event) => {
        if (event.op === op && event.when === 'before' && ++seen === nth) await remember();
      };
      expect(await ended(world)).toMatchObject({ state: 'done', totals: { items: ITEMS, verified: ITEMS } });
      world.target.fault = undefined;
      await setBack();

      const closed = await ended(world);

      expect(contents(world.to, FOLDER)).toEqual(contents(world.from, FOLDER));
      expect(closed).toMatchObject({
        state: 'done',
        totals: { items: ITEMS, verified: ITEMS, failures: 0, duplicates: 0, conflicts: 0 },
      });
      await expectQuiet(world);
      await world.close();
    },
    30_000,
  );
});
