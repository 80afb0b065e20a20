/** Counters that are kept as items change, beside what a plain count over all items says. */
import { deepStrictEqual } from 'node:assert';
import type { CountedUnit } from '../../ledger/counts.js';
import { countUnit } from '../../ledger/counts.js';
import type { Ledger, Sql } from '../../ledger/ledger.js';
import type { Counters } from '../../words/counters.js';

/**
 * Throws where the two differ: in the rows of any container, or in the counters of any unit, of its last run. Of one
 * migration, where others may be at work in the same ledger.
 */
export async function assertCountsKept({ pool }: Ledger, migration?: string): Promise<void> {
  const { rows } = await pool.query(
    `select container, run, outcome, made, todo, gone, copy, scan, sum(kept) as kept, sum(kept_bytes) as kept_bytes,
       sum(plain) as plain, sum(plain_bytes) as plain_bytes
     from (
       select container, run, outcome, made, todo, gone, copy, scan, n as kept, bytes as kept_bytes, 0 as plain, 0 as plain_bytes
       from item_count
       union all
       select container, run, outcome, made, is_open(todo, outcome), gone, target_ref is not null, coalesce(proof = 'scan', false),
         0, 0, 1, bytes from item) both_ways
     where $1::text is null or container in (
       select c.id from container c join unit u on c.pairing in (u.pairing, u.back) where u.migration = $1)
     group by 1, 2, 3, 4, 5, 6, 7, 8 having sum(kept) <> sum(plain) or sum(kept_bytes) <> sum(plain_bytes)`,
    [migration ?? null],
  );
  deepStrictEqual(rows, [], 'item_count differs from the items');
  const units = await pool.query<CountedUnit & { run: number }>(
    'select migration, n, array_remove(array[pairing, back], null) as pairings, run from unit where $1::text is null or migration = $1',
    [migration ?? null],
  );
  for (const { run, ...unit } of units.rows) {
    const of = { ...unit, pairings: unit.pairings.map(Number) };
    deepStrictEqual(
      await countUnit(pool, of, run),
      await countPlainly(pool, of, run),
      `unit ${unit.n} is counted wrong`,
    );
  }
}

/** As the counters are defined: by the items. */
export async function countPlainly(sql: Sql, unit: CountedUnit, run: number): Promise<Counters> {
  const { rows } = await sql.query<Counters>(
    `select count(*) as items, coalesce(sum(bytes), 0)::bigint as bytes,
       count(*) filter (where outcome = 'verified' and (todo is null or todo = 'verify')) as verified,
       count(*) filter (where outcome in ('arrived', 'linked') or outcome = 'verified' and todo <> 'verify') as arrived,
       count(*) filter (where outcome in ('refused', 'quarantined', 'altered', 'missing', 'unsure', 'conflict')) as failures,
       count(*) filter (where outcome is null or outcome = 'skipped' and todo is not null) as pending,
       coalesce(sum(bytes) filter (where target_ref is not null), 0)::bigint as "bytesArrived",
       coalesce(sum(bytes) filter (where outcome = 'verified' and (todo is null or todo = 'verify')), 0)::bigint as "bytesVerified",
       count(*) filter (where i.run = r.id and outcome is not null and coalesce(proof, '') <> 'scan'
         and not gone and outcome not in ('skipped', 'conflict', 'refused', 'quarantined') and made is distinct from 'adopted') as changed,
       count(*) filter (where i.run = r.id and made = 'created' and not gone) as created,
       count(*) filter (where i.run = r.id and made = 'updated' and not gone) as updated,
       count(*) filter (where i.run = r.id and made = 'moved' and not gone) as moved,
       count(*) filter (where outcome = 'skipped' and todo is null) as skipped,
       count(*) filter (where outcome = 'conflict') as conflicts,
       (select count(*) from outcome o where o.migration = $3 and o.run = $2 and o.unit = $4 and o.what = 'removed') as removed,
       (select count(*) from found f join pairing p on p.target = f.place
         where p.id = any($1) and not f.taken and exists (
           select from item d join container e on e.id = d.container join survey t on t.container = e.id
           where e.pairing = p.id and e.target_key = f.target_key and d.digest in (f.digest, f.earlier)
             and t.migration = $3 and t.unit = $4)
         -- The other direction may have made it an item since.
         and not exists (
           select from item d join container e on e.id = d.container
           where e.pairing = p.id and e.target_key = f.target_key and d.target_ref = f.ref)) as duplicates
     from item i join container c on c.id = i.container
       join survey s on s.container = c.id and s.migration = $3 and s.unit = $4
       join run r on r.migration = $3 and r.number = $2
     where c.pairing = any($1) and (outcome is distinct from 'linked' or todo is not null)
       and not (todo is null and outcome is null and target_ref is null)
       and not (gone and target_ref is null)`,
    [unit.pairings, run, unit.migration, unit.n],
  );
  return rows[0] as Counters;
}
