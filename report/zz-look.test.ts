import { it } from 'vitest';
import { startLedger } from '../tests/engine/ledger.js';
import { fillLedger } from './sample-ledger.js';
import { writeReport } from './write-report.js';

it('look', async () => {
  const server = await startLedger();
  const { pool } = server.ledger;
  await fillLedger(server.ledger, {
    itemsPerFolder: 500,
    refused: 7,
    pending: 12,
    reason: 'NO [LIMIT] Message too large (36700160 > 26214400 octets)',
  });
  await pool.query(
    `update item set outcome = 'altered', proof='readback', reason = 'the target holds 2313 bytes with another digest' where key in ('00000010','00000020') and container = 1`,
  );
  await pool.query(
    `update item set outcome = 'unsure', todo=null, reason = 'two copies with this digest were made since the write began' where key in ('00000013') and container = 2`,
  );
  await pool.query(
    `update item set reason = 'flags not kept: $Forwarded, $Phishing' where key < '00000009' and container = 1`,
  );
  await pool.query(
    `update container set target_path = array['Projekte','Koeln'], excluded = 21, notes = array['the server refuses "ö" in a name: it is "Koeln" there'] where id = 2`,
  );
  await pool.query(
    `insert into unit (migration, n, selection, account_from, account_to, run, state, gate, reason, next) values ('acme', 3, 'mail', 'carla@old.example', 'carla@new.example', 2, 'parked', 'credentials', 'NO [AUTHENTICATIONFAILED] Authentication failed.', 'renew OLD_PASSWORD, then: migrate credentials acme --unit 3')`,
  );
  await pool.query(
    `insert into gate (migration, unit, run, gate, reason, next, opened_at, closed_at, closed_by) values ('acme', 3, 2, 'credentials', 'NO [AUTHENTICATIONFAILED] Authentication failed.', 'renew OLD_PASSWORD', '2026-03-01T09:01:00Z', null, null), ('acme', 1, 2, 'quota', 'NO [OVERQUOTA] Quota exceeded', null, '2026-03-01T09:02:00Z', '2026-03-01T09:07:13Z', 'time')`,
  );
  await pool.query(
    `insert into found (place, target_key, ref, digest, bytes, meta) select p.target, c.target_key, 'x' || i.key, i.digest, i.bytes, '{}' from item i join container c on c.id = i.container join pairing p on p.id = c.pairing where i.digest is not null limit 3`,
  );
  await pool.query(
    `insert into outcome (migration, run, unit, container, key, what) select 'acme', 2, 1, 1, key, 'refused' from item where outcome='refused'`,
  );
  console.log(await writeReport(server.ledger, { migration: 'acme', folder: '/tmp/h5-look/bad' }));
  await server.clear();
  await fillLedger(server.ledger, { itemsPerFolder: 500 });
  console.log(await writeReport(server.ledger, { migration: 'acme', folder: '/tmp/h5-look/good' }));
  await server.stop();
}, 60000);
