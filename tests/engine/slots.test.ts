/** Connection slots are given back even when the ledger was away at the wrong moment. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectors } from '../../connectors/registry.js';
import { createConnections } from '../../engine/session/connections.js';
import { takeSlots } from '../../ledger/budgets.js';
import type { Ledger } from '../../ledger/ledger.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());

it('gives back a slot whose giving back failed', async () => {
  let away = false;
  const pool = new Proxy(server.ledger.pool, {
    get(real, name) {
      if (name === 'query' && away) return () => Promise.reject(new Error('the ledger is away'));
      const value = Reflect.get(real, name) as unknown;
      return typeof value === 'function' ? value.bind(real) : value;
    },
  });
  const ledger: Ledger = { ...server.ledger, pool };
  const connections = createConnections({ ledger, connectors, secret: async () => 'none', log: { warn: () => {} } });
  const config = { type: 'memory', options: { name: 'slots' }, limits: { connectionsPerAccount: 1 } };
  const { signal } = new AbortController();
  // Another connection lives on, so that this process goes on renewing its slots.
  const other = await connections.openTarget({ config, account: 'bert', kind: 'mail' }, signal);
  const first = await connections.openTarget({ config, account: 'anna', kind: 'mail' }, signal);

  away = true;
  await expect(first.done(false)).rejects.toThrow('away');
  away = false;

  const second = await connections.openTarget({ config, account: 'anna', kind: 'mail' }, signal);
  await Promise.all([second.done(false), other.done(false)]);
  expect((await server.ledger.pool.query('select from slot')).rowCount).toBe(0);
  await connections.close();
});

it('never gives out more slots than there are, and of several scopes all or none', async () => {
  const { ledger } = server;
  const wanted = (account: string) => [
    { scope: `system/${account}'s`, limit: 1 },
    { scope: 'system', limit: 3 },
  ];
  const holders = Array.from({ length: 8 }, (_, n) => `us/${n}`);

  const full = await Promise.all(holders.map((holder) => takeSlots(ledger, holder, wanted(holder))));
  const again = await takeSlots(ledger, 'us/again', wanted('us/again'), holders);
  const twice = await takeSlots(ledger, 'us/twice', wanted('us/again'));

  expect(full.filter(({ length }) => length === 0)).toHaveLength(3);
  expect(full.filter(({ length }) => length > 0)).toEqual(Array(5).fill(['system']));
  expect(again).toEqual([]);
  expect(twice).toEqual(["system/us/again's"]);
  const { rows } = await ledger.pool.query('select holder, scope from slot order by scope');
  expect(rows).toEqual([
    { holder: 'us/again', scope: 'system' },
    { holder: 'us/again', scope: "system/us/again's" },
  ]);
});

it('ends what it keeps open for later when somebody else of its system is opened', async () => {
  const { ledger } = server;
  await ledger.pool.query('delete from slot');
  const connections = createConnections({ ledger, connectors, secret: async () => 'none', log: { warn: () => {} } });
  const config = { type: 'memory', options: { name: 'spare' }, limits: { connections: 2 } };
  const { signal } = new AbortController();

  for (const account of ['anna', 'bert', 'carl', 'dora']) {
    const held = await connections.openTarget({ config, account, kind: 'mail' }, signal);
    await held.done(true);
  }

  const { rows } = await ledger.pool.query(`select split_part(scope, '/', 3) as account from slot order by account`);
  expect(rows.map(({ account }) => account)).toEqual(['', '', 'carl', 'dora']);
  await connections.close();
});
