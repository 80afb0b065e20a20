/** Connection slots are given back even when the ledger was away at the wrong moment. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectors } from '../../connectors/registry.js';
import { createConnections } from '../../engine/session/connections.js';
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
