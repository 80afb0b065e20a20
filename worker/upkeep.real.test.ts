import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { Log } from '../engine/deps.js';
import { writeEvent } from '../ledger/events.js';
import { alone } from '../ledger/upkeep-lock.js';
import type { LedgerServer } from '../tests/engine/ledger.js';
import { startLedger } from '../tests/engine/ledger.js';
import { startUpkeep } from './upkeep.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());
afterEach(() => server.clear());

const DAY_MS = 86_400_000;

/** A migration with one old event. */
async function old(): Promise<void> {
  await server.ledger.pool.query(`insert into spec (hash, name, body) values ('h', 'acme', '{}')`);
  await server.ledger.pool.query(`insert into migration (name, spec) values ('acme', 'h')`);
  await writeEvent(server.ledger.pool, { migration: 'acme', run: 1 }, 'info', 'long ago');
  await server.ledger.pool.query(`update event set at = now() - interval '91 days'`);
}

const events = async (): Promise<number> => (await server.ledger.pool.query('select from event')).rowCount ?? 0;

function recorded(): { log: Log; said: string[] } {
  const said: string[] = [];
  const say = (_detail: object, message: string): void => void said.push(message);
  return { said, log: { info: say, warn: say, error: say } };
}

it('removes what is old, again and again, while no other worker does', async () => {
  await old();
  const { log, said } = recorded();
  const deps = { ledger: server.ledger, reports: undefined, retention: { events: 90 * DAY_MS }, log };
  const upkeep = startUpkeep(deps, { firstMs: 1, everyMs: 1 });
  try {
    await expect.poll(events).toBe(0);
    await alone(server.ledger, async () => {
      await old().catch(() => {});
      await writeEvent(server.ledger.pool, { migration: 'acme', run: 1 }, 'info', 'long ago');
      await server.ledger.pool.query(`update event set at = now() - interval '91 days'`);
      expect(await events()).toBe(1);
    });
    await expect.poll(events).toBe(0);
  } finally {
    await upkeep.end();
  }
  expect(new Set(said)).toEqual(new Set(['removed what was old']));
});

it('goes on after the ledger was away', async () => {
  const { log, said } = recorded();
  const away = { ...server.ledger, pool: server.ledger.pool };
  const deps = { ledger: away, reports: undefined, retention: { events: 90 * DAY_MS }, log };
  await old();
  await server.ledger.pool.query('alter table event rename to hidden');
  const upkeep = startUpkeep(deps, { firstMs: 1, everyMs: 1 });
  try {
    await expect.poll(() => said).toContain('removing what is old');
    await server.ledger.pool.query('alter table hidden rename to event');
    await expect.poll(events).toBe(0);
  } finally {
    await upkeep.end();
  }
});
