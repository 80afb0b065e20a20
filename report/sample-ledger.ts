/** A ledger as two runs of a small migration leave it, written by SQL: what tests of the report read. */
import { createHash } from 'node:crypto';
import type { Ledger } from '../ledger/ledger.js';

export interface Sample {
  /** In each of two folders of each of two accounts. Default 10. */
  readonly itemsPerFolder?: number;
  /** The second folder's name. */
  readonly folder?: string;
  /** So many of the last items of all are refused, and so many before them not tried. */
  readonly refused?: number;
  readonly pending?: number;
  readonly reason?: string;
}

export async function fillLedger(ledger: Ledger, sample: Sample): Promise<void> {
  const { itemsPerFolder = 10, folder = 'Projekte/Köln', refused = 0, pending = 0 } = sample;
  const { pool } = ledger;
  const hash = createHash('sha256').update('spec').digest('hex');
  await pool.query(`insert into spec (hash, name, body) values ($1, 'acme', '{}')`, [hash]);
  await pool.query(`insert into migration (name, spec, last_run) values ('acme', $1, 2)`, [hash]);
  await pool.query(
    `insert into run (id, migration, number, reason, request, spec, state, started_at, ended_at, totals) values
     (1, 'acme', 1, 'apply', 'a', $1, 'cancelled', '2026-03-01T08:00:00Z', '2026-03-01T08:02:30Z', '{"changed": 12}'),
     (2, 'acme', 2, 'apply', 'b', $1, 'done', '2026-03-01T09:00:00Z', '2026-03-01T09:10:00Z', '{"changed": 28}')`,
    [hash],
  );
  const total = itemsPerFolder * 4;
  let at = 0;
  for (const [n, account] of [
    [1, 'anna@old.example'],
    [2, 'bert@old.example'],
  ] as const) {
    const { rows } = await pool.query<{ id: number }>(
      `with p as (insert into place (proof, system) values ($1, 'imap://old'), ($2, 'imap://new') returning id)
       insert into pairing (source, target, kind) select min(id), max(id), 'mail' from p returning id`,
      [`imap://old/${account}`, `imap://new/${account}`],
    );
    const pairing = rows[0]?.id;
    await pool.query(
      `insert into unit (migration, n, selection, account_from, account_to, pairing, run, state) values ('acme', $1, 'mail', $2, $3, $4, 2, 'done')`,
      [n, account, account.replace('old', 'new'), pairing],
    );
    for (const path of [['INBOX'], folder.split('/')]) {
      const container = await pool.query<{ id: number }>(
        `insert into container (pairing, key, path, validity, target_key, target_path, target_validity)
         values ($1, $2, $3, '1', $2, $3, '1') returning id`,
        [pairing, path.join('/'), path],
      );
      await pool.query(`insert into survey (container, migration, unit, run) values ($1, 'acme', $2, 2)`, [
        container.rows[0]?.id,
        n,
      ]);
      await pool.query(
        `insert into item (container, key, todo, version, meta, bytes, digest, target_ref, base, outcome, proof, reason, run)
         select $1::bigint, lpad(i::text, 8, '0'), case when bad = 'pending' then 'create' end, '1', '{}', 1000 + i,
           case when bad is null then sha256(($1::text || '/' || i)::bytea) end, case when bad is null then i::text end,
           '{}', case when bad is null then 'verified' when bad = 'refused' then 'refused' end,
           case when bad is null then case when i % 5 = 0 then 'scan' else 'readback' end end,
           case when bad = 'refused' then $5 end, 2
         from (select i, case when $2::int + i > $3::int - $4::int then 'refused'
             when $2 + i > $3 - $4 - $6::int then 'pending' end as bad
           from generate_series(1, $7::int) i) t`,
        [
          container.rows[0]?.id,
          at,
          total,
          refused,
          sample.reason ?? 'the target takes no more than 35 MB',
          pending,
          itemsPerFolder,
        ],
      );
      at += itemsPerFolder;
    }
  }
  await pool.query(
    `insert into event (at, migration, run, unit, level, message, detail)
     select '2026-03-01T09:00:00Z'::timestamptz + i * interval '15 s', 'acme', 2, 1 + i % 2, 'info', 'slice',
       jsonb_build_object('phase', (array['survey', 'move', 'verify'])[least(3, 1 + i / 13)], 'items', 1 + i % 3, 'bytes', 1000, 'ms', 15000)
     from generate_series(0, 39) i`,
  );
}
