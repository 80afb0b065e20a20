/** A process that is stopped in the middle of a transaction, or whose machine lost its power, holds up nobody for ever. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Lease } from '../../ledger/leases.js';
import { fenced, takeLease } from '../../ledger/leases.js';
import { openLedger } from '../../ledger/ledger.js';
import { ensurePairing } from '../../ledger/places.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());

const LEASE_MS = 500;
/** Long enough for any machine, and short enough for people who wait. */
const SOON_MS = 30_000;

it('another takes the lease over, and what the stopped one had begun does not count', async () => {
  const [from, to] = ['from', 'to'].map((name) => ({ proof: `memory://${name}/anna`, system: `memory://${name}` }));
  const { target } = await ensurePairing(server.ledger, from as never, to as never, 'mail');
  const stopped = openLedger(server.url);
  const held = (await takeLease(stopped, target, randomUUID(), LEASE_MS)) as Lease;
  let wake = (): void => {};
  const asleep = new Promise<void>((resolve) => {
    wake = resolve;
  });
  let begun = (): void => {};
  const inTransaction = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const result = fenced(stopped, held, async (sql) => {
    await sql.query(`update place set system = 'written by the stopped one' where id = $1`, [target]);
    begun();
    await asleep;
  });
  const ended = result.then(
    () => 'committed',
    (error: { code?: string }) => error.code,
  );
  await inTransaction;

  const takeOver = () => takeLease(server.ledger, target, randomUUID(), LEASE_MS).catch(() => undefined);
  await expect.poll(takeOver, { timeout: SOON_MS, interval: 250 }).toMatchObject({ place: target });
  wake();

  expect(await ended).toBe('unavailable');
  const { rows } = await server.ledger.pool.query('select system from place where id = $1', [target]);
  expect(rows).toEqual([{ system: 'memory://to' }]);
  await stopped.close();
});
