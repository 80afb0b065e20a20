/** A ledger with whatever stretches a page: names without an end, other scripts, long reasons, thousands of accounts. */
import type { Ledger } from '../ledger/ledger.js';
import { fillLedger } from './sample-ledger.js';

const LONG_WORD = 'Donaudampfschifffahrtsgesellschaft'.repeat(6).slice(0, 200);
const LONG_REASON = `the server said NO: ${'quota-of-a-very-long-word-without-any-blank/'.repeat(7)}`.slice(0, 300);

export interface Crowd {
  /** Accounts that wait for one and the same secret, beside the sample's two. Default 20. */
  readonly waiting?: number;
  /** Accounts that are done, with nothing in them. Default 0. */
  readonly done?: number;
}

/** `fillLedger`'s two accounts with names that hurt, then a crowd with one cause, and one account for each other end. */
export async function fillHostileLedger(ledger: Ledger, { waiting = 20, done = 0 }: Crowd = {}): Promise<void> {
  await fillLedger(ledger, {
    refused: 3,
    pending: 2,
    folder: `${LONG_WORD}/受信トレイの中の非常に長い名前のフォルダ`,
    reason: LONG_REASON,
  });
  const { pool } = ledger;
  await pool.query(
    `update container set target_path = array[repeat('نص_طويل_', 30), '<b>"&''\u202e'], notes = array[$1::text, repeat('w', 300)]
     where path[1] <> 'INBOX'`,
    [LONG_REASON],
  );
  await pool.query(
    `insert into left_out (migration, unit, back, key, path, rule, items) values ('acme', 1, false, $1, array[$1], 'exclude.roles junk', 77)`,
    [LONG_WORD],
  );
  await pool.query(`update spec set body = $1`, [
    {
      selections: [{ name: 'mail', kind: 'mail', from: 'old', to: 'new' }],
      sources: { old: { type: 'imap', options: { host: 'imap.old.example' } } },
      targets: { new: { type: 'imap', options: { host: `${LONG_WORD}.example` } } },
    },
  ]);
  await pool.query(
    `update survey set excluded = 1203 where unit = 1 and container = (select min(container) from survey)`,
  );
  await pool.query(
    `update item set key = repeat('k', 500), target_ref = repeat('r', 500) where key = '00000001' and outcome = 'verified'`,
  );
  await pool.query(
    `insert into unit (migration, n, selection, account_from, account_to, run, state, gate, reason, next)
     select 'acme', 10 + i, 'mail', 'person' || i || '@old.example', 'person' || i || '@new.example', 2, 'parked', 'credentials',
       'OLD_PASSWORD is not set', 'set OLD_PASSWORD in the environment of the worker, start it again, and run \`migrate credentials\`'
     from generate_series(1, $1::int) i`,
    [waiting],
  );
  await pool.query(
    `insert into unit (migration, n, selection, account_from, account_to, run, state)
     select 'acme', 100000 + i, 'mail', 'settled' || i || '@old.example', 'settled' || i || '@new.example', 2, 'done'
     from generate_series(1, $1::int) i`,
    [done],
  );
  await pool.query(
    `insert into unit (migration, n, selection, account_from, account_to, run, state, gate, reason, next) values
       ('acme', 3, $1, $1 || '@old.example', 'x@new.example', 2, 'failed', null, $2, $2),
       ('acme', 4, 'mail', '山田太郎の非常に長い名前のアカウント@例え.jp', 'مستخدم@مثال.إختبار', 2, 'parked', 'quota', $2, null),
       ('acme', 5, 'mail', 'carla@old.example', 'carla@old.example', 2, 'cancelled', null, null, null)`,
    [LONG_WORD, LONG_REASON],
  );
  await pool.query(
    `update unit set state = 'parked', gate = 'approval', reason = '1 of 20 items would be deleted', next = 'look at them, then approve' where n = 2`,
  );
  await pool.query(
    `update item set todo = 'remove', gone = true, removal = 2, target_ref = repeat('d', 300) where key = '00000002' and container = (select max(id) from container)`,
  );
  await pool.query(
    `insert into gate (migration, unit, run, gate, reason, next) select migration, n, run, gate, reason, next from unit where gate is not null`,
  );
  await pool.query(
    `insert into outcome (migration, run, unit, container, key, what, reason)
     select 'acme', 2, 1, container, key, 'conflict', 'edited on both sides; the source won' from item where key like 'k%' limit 2`,
  );
  await pool.query(
    `insert into found (place, target_key, ref, digest, bytes, meta)
     select p.target, c.target_key, repeat('e', 300), i.digest, i.bytes, '{}' from item i
     join container c on c.id = i.container join pairing p on p.id = c.pairing where i.digest is not null limit 1`,
  );
  await pool.query(
    `insert into event (migration, run, unit, level, message, detail) values ('acme', 2, 1, 'warn', $1, '{"filter": true}')`,
    [`exclude names "${LONG_WORD}", and no folder fits it`],
  );
}
