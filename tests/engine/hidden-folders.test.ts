/** What stands below folders that were not looked into is not lacking, however many of both there are. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { lackedBy, stageHidden } from '../../ledger/staged.js';
import type { LedgerServer } from './ledger.js';
import { startLedger } from './ledger.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());

it('is told of 30,000 items and 4,000 folders within seconds, while the lease is held', async () => {
  const lacked = await server.ledger.transaction(async (sql) => {
    await sql.query('set local session_replication_role = replica');
    await sql.query(`set local statement_timeout = '5s'`);
    await sql.query(
      `insert into item (container, key, version, meta, bytes, run)
       select 1, key, '1', '{}', 1, 1 from (
         select 'away/dir' || n % 2000 || '/file' || n as key from generate_series(1, 30000) n
         union all select * from unnest('{away,away/dir1,away/dir1/,away/dir10000/x,away/dir1/a/b}'::text[])) keys`,
    );
    await stageHidden(
      sql,
      1,
      Array.from({ length: 4_000 }, (_, n) => `away/dir${n}/`),
    );
    return lackedBy(sql, 1, 1, 10);
  });
  expect([...lacked].sort()).toEqual(['away', 'away/dir1', 'away/dir10000/x']);
});
