/** Writes any number of settled items into a ledger, as runs would have left them: by SQL, so that millions take minutes. */

import { TWIN } from '../../engine/decide/twins.js';
import type { Ledger, Sql } from '../../ledger/ledger.js';
import type { VastKind } from './vast-system.js';

/** Its UID as the ledger keeps identities (ledger/identities.ts). */
const called = (key: string): string => `left(encode(sha256(convert_to('uid:' || ${key}, 'UTF8')), 'hex'), 32)`;

/** Keys and contents as vast-system.ts makes them; `i` is the number of the item in its container. */
const COLUMNS: Readonly<Record<VastKind, { readonly key: string; readonly others: string }>> = {
  mail: {
    key: `lpad(i::text, 10, '0')`,
    others: `'{"flags": ["\\\\Seen"], "date": "2020-01-01T00:00:00+00:00"}'::jsonb,
      sha256(convert_to('Message-ID: <' || k.key || E'@vast>\\r\\n\\r\\n', 'UTF8')), null, null::text[]`,
  },
  contacts: {
    key: `'c' || lpad(i::text, 10, '0') || '.vcf'`,
    others: `'{}'::jsonb, '\\x02'::bytea || sha256(convert_to(k.key, 'UTF8')), 'v1', array[${called('k.key')}]`,
  },
  files: {
    key: `'d' || lpad((i / 1000)::text, 10, '0') || '/' || case when i % 10 = 0 then 'F' else 'f' end || lpad(i::text, 10, '0')`,
    others: `'{"type": "file", "modified": "2020-01-01T00:00:02.000Z"}'::jsonb, sha256(convert_to('file ' || k.key, 'UTF8')), 'v1', null::text[]`,
  },
};

/**
 * Fills each container that the migration's first run has bound with `items` items, verified in that run. Statistics
 * and counters are as they would be.
 */
export async function writeSettledItems(
  ledger: Ledger,
  { migration, kind, items }: { readonly migration: string; readonly kind: VastKind; readonly items: number },
): Promise<void> {
  const { key, others } = COLUMNS[kind];
  await ledger.transaction(async (sql) => {
    // The counters are written as one sum below; indexes are made faster afterwards than row by row.
    await sql.query('alter table item disable trigger user');
    const indexes = items > 100_000 ? await dropIndexes(sql) : [];
    await sql.query(
      `insert into item (container, key, version, run, outcome, proof, made, bytes, target_ref, meta, digest,
         target_version, identities, base, folded)
       select container, key, 'v1', run, 'verified', 'readback', 'created', 1000 + i % 5000, key, meta, digest,
         target_version, identities, meta, case when $3 and i % 10 = 0 then lower(key) end
       from (
         select c.id as container, r.id as run, i, k.key, ${others}
         from container c join survey s on s.container = c.id and s.migration = $1
           join run r on r.migration = $1 and r.number = 1
           cross join generate_series(1, $2::int) i cross join lateral (select ${key} as key) k)
         as made (container, run, i, key, meta, digest, target_version, identities)`,
      [migration, items, kind === 'files'],
    );
    // Some were left out because others have their identities, or refused; they are as few in any ledger.
    await sql.query(
      `insert into item (container, key, version, run, outcome, reason, bytes, meta, identities)
       select c.id, 'left-' || i, 'v1', r.id, 'skipped', $2 || ' left', 1000, '{}', case when $3 then array[${called('k.key')}] end
       from container c join survey s on s.container = c.id and s.migration = $1
         join run r on r.migration = $1 and r.number = 1
         cross join generate_series(11, 20) i cross join lateral (select ${key} as key) k`,
      [migration, TWIN, kind === 'contacts'],
    );
    // What stood in the target before: a tenth of the items are such copies, and some belong to nobody.
    await sql.query(
      `insert into found (place, target_key, ref, digest, bytes, meta, taken, run)
       select p.target, c.target_key, case when i > 10 then k.key else 'stray-' || i end, sha256(convert_to('found ' || i, 'UTF8')), 1000, '{}', i > 10, 1
       from container c join pairing p on p.id = c.pairing
         cross join generate_series(1, 10 + $1::int / 10) i cross join lateral (select ${key} as key) k`,
      [items],
    );
    for (const index of indexes) await sql.query(index);
    await sql.query('alter table item enable trigger user');
    await sql.query(
      `insert into item_count select container, run, outcome, made, false, gone, target_ref is not null, false,
       count(*), sum(bytes) from item group by 1, 2, 3, 4, 6, 7`,
    );
    await sql.query(
      `update container set scanned = true, target_anchor = case when $1 = 'mail' then $2 else '' end,
      scanned_to = case when $1 = 'mail' then $2 else '' end`,
      [kind, String(items + 1).padStart(10, '0')],
    );
    // The containers that do not change have this token from now on.
    await sql.query(`update survey set token = 'settled' where token = 'empty'`);
  });
  await ledger.pool.query('vacuum (analyze) item');
  await ledger.pool.query('analyze');
}

/** Returns the statements that make them again. */
async function dropIndexes(sql: Sql): Promise<readonly string[]> {
  const { rows } = await sql.query<{ name: string; definition: string }>(
    `select indexname as name, indexdef as definition from pg_indexes where tablename = 'item' and indexname <> 'item_pkey'`,
  );
  for (const { name } of rows) await sql.query(`drop index ${name}`);
  return rows.map(({ definition }) => definition);
}
