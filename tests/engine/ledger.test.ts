/** The ledger as its callers see it: what it throws, and what must not wait behind the work. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { Fault } from '../../connectors/errors.js';
import { ENGINE_DEFAULTS } from '../../engine/deps.js';
import type { Lease } from '../../ledger/leases.js';
import { fenced, fencedStatement, releaseLease, renewLease, takeLease } from '../../ledger/leases.js';
import { openLedger } from '../../ledger/ledger.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());
beforeEach(() => server.clear());

const { leaseMs } = ENGINE_DEFAULTS;
const NOBODY = 'postgresql://nobody@127.0.0.1:1/ledger';

it('reports a server that is not there, whether a query, a lease or a transaction asks', async () => {
  const ledger = openLedger(NOBODY);
  const away = { code: 'unavailable', message: expect.stringContaining('the ledger did not answer') };

  await expect(ledger.pool.query('select 1')).rejects.toMatchObject(away);
  await expect(takeLease(ledger, 1, 'us', leaseMs)).rejects.toMatchObject(away);
  await expect(ledger.transaction(async () => {})).rejects.toMatchObject(away);

  await ledger.close();
});

it('reports a server that ends a connection in the middle of a transaction', async () => {
  const ended = server.ledger.transaction(async (sql) => {
    const { rows } = await sql.query<{ pid: number }>('select pg_backend_pid() as pid');
    await server.ledger.pool.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
    await sql.query('select 1');
  });

  await expect(ended).rejects.toMatchObject({ code: 'unavailable' });
});

it('leaves what PostgreSQL refuses, and what others throw within a transaction, as it is', async () => {
  await expect(server.ledger.pool.query('select from nowhere')).rejects.toMatchObject({ code: '42P01' });

  const name = 'n'.repeat(5_000);
  const failed: unknown = await server.ledger.transaction(() => readFile(name)).catch((error: unknown) => error);

  expect(failed).not.toBeInstanceOf(Fault);
  expect(failed).toMatchObject({ code: 'ENAMETOOLONG' });
});

it('renews a lease while work holds every connection', async () => {
  const ledger = openLedger(server.url, { max: 2 });
  const lease = await leaseOf('us');

  const working = await server.ledger.transaction(async (sql) => {
    await sql.query('select pg_advisory_xact_lock(1)');
    const waiting = [1, 2].map(() => ledger.pool.query('select pg_advisory_xact_lock_shared(1)'));
    expect(await renewLease(ledger, lease, 'm', leaseMs)).toMatchObject({ paused: false });
    return waiting;
  });

  await Promise.all(working);
  await ledger.close();
});

it('does not let another holder of the same fence number renew, write or release', async () => {
  const ours = await leaseOf('us');
  // After a failover to a replica that lagged, the same number is given out again.
  const theirs: Lease = { ...ours, holder: 'them' };
  const { ledger } = server;

  expect(await renewLease(ledger, theirs, 'm', leaseMs)).toBeUndefined();
  await expect(fenced(ledger, theirs, async () => 'written')).rejects.toMatchObject({ code: 'unavailable' });
  await releaseLease(ledger, theirs);
  expect(await takeLease(ledger, ours.place, 'third', leaseMs)).toBeUndefined();

  expect(await renewLease(ledger, ours, 'm', leaseMs)).toBeDefined();
  expect(await fenced(ledger, ours, async () => 'written')).toBe('written');
  await releaseLease(ledger, ours);
  expect(await takeLease(ledger, ours.place, 'third', leaseMs)).toMatchObject({ fence: 2 });
});

it('changes nothing by one statement once another has taken the lease over, not even at that moment', async () => {
  const { ledger } = server;
  const ours = await leaseOf('us');
  const write = (system: string): Promise<void> =>
    fencedStatement(ledger, ours, {
      name: 'write-system',
      text: 'update place set system = $4 where id = $1 and exists (select from held)',
      values: [system],
    });
  const written = async () => (await ledger.pool.query('select system from place')).rows;

  await write('ours');
  expect(await written()).toEqual([{ system: 'ours' }]);
  const late = await ledger.transaction(async (sql) => {
    await sql.query(`update lease set fence = fence + 1, holder = 'them' where place = $1`, [ours.place]);
    const waiting = write('late').then(
      () => 'written',
      (error: Fault) => error.code,
    );
    // It waits for the row that is being taken over.
    await expect
      .poll(async () => (await ledger.renewals.query(`select from pg_locks where not granted`)).rowCount)
      .toBeGreaterThan(0);
    return { waiting };
  });

  expect(await late.waiting).toBe('unavailable');
  expect(await written()).toEqual([{ system: 'ours' }]);
});

async function leaseOf(holder: string): Promise<Lease> {
  const { pool } = server.ledger;
  await pool.query(`insert into spec (hash, name, body) values ('h', 'm', '{}')`);
  await pool.query(`insert into migration (name, spec) values ('m', 'h')`);
  const { rows } = await pool.query<{ id: number }>(`insert into place (proof, system) values ('p', 's') returning id`);
  return (await takeLease(server.ledger, (rows[0] as { id: number }).id, holder, leaseMs)) as Lease;
}
