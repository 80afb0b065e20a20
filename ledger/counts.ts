/**
 * The counters of a unit. They are not counted from its items, which may be millions, but read from `item_count`, which
 * triggers keep in the transactions that change items: migrations/0006-counters.sql.
 */

import type { Counters } from '../words/counters.js';
import { DUPLICATES } from './duplicates.js';
import type { Sql } from './ledger.js';

export interface CountedUnit {
  readonly migration: string;
  readonly n: number;
  /** One, or that of each direction. */
  readonly pairings: readonly number[];
}

/**
 * What is the unit's concern, as `standingOf` in the report decides it: not what left the source before it was copied, not
 * what the other direction counts; not what a filter left out after it was written down.
 */
const STANDS = `not (gone and not copy)
  and not (not todo and (outcome is not distinct from 'linked' or outcome is null and not copy))`;

/** The containers whose items a unit counts; $1: its pairings, $2 and $3: its migration and number. */
const COVERED = `select c.id from container c join survey s on s.container = c.id
  where c.pairing = any($1) and s.migration = $2 and s.unit = $3`;

/**
 * Counts a unit's items; `run` is the number of the run whose changes are counted. Of two directions, an item counts in the one that
 * wrote it last; in the other it is `linked`.
 */
export async function countUnit(sql: Sql, unit: CountedUnit, run: number): Promise<Counters> {
  const { rows } = await sql.query<Counters & { crowd: number }>({
    name: 'count-unit',
    // "offset 0": found by the index, also before statistics exist.
    text: `select ${sum('n', 'true')} as items, ${sum('bytes', 'true')} as bytes,
       ${sum('n', `outcome = 'verified' and not todo`)} as verified,
       ${sum('n', `outcome in ('arrived', 'linked') or outcome = 'verified' and todo`)} as arrived,
       ${sum('n', `outcome in ('refused', 'quarantined', 'altered', 'missing', 'unsure', 'conflict')`)} as failures,
       ${sum('n', `outcome is null or outcome = 'skipped' and todo`)} as pending,
       (select count(*) ${DUPLICATES}) as duplicates, ${sum('bytes', 'copy')} as "bytesArrived",
       ${sum('bytes', `outcome = 'verified' and not todo`)} as "bytesVerified",
       ${sum('n', `run = this.id and outcome not in ('skipped', 'conflict', 'refused', 'quarantined') and not scan and not gone and made is distinct from 'adopted'`)} as changed,
       ${sum('n', `run = this.id and made = 'created' and not gone`)} as created,
       ${sum('n', `run = this.id and made = 'updated' and not gone`)} as updated,
       ${sum('n', `run = this.id and made = 'moved' and not gone`)} as moved,
       (select count(*) from outcome o where o.migration = $2 and o.run = $4 and o.unit = $3 and o.what = 'removed') as removed,
       ${sum('n', `outcome = 'skipped' and not todo`)} as skipped, ${sum('n', `outcome = 'conflict'`)} as conflicts,
       count(*) as crowd
     from (${COVERED}) covered
     cross join lateral (
       select *, ${STANDS} as stands from item_count where container = covered.id offset 0) i
     cross join (select id from run where migration = $2 and number = $4) this`,
    values: [unit.pairings, unit.migration, unit.n, run],
  });
  const { crowd, ...counted } = rows[0] as Counters & { crowd: number };
  if (crowd > CROWDED) await foldCounts(sql, unit.pairings);
  return counted;
}

/** Adds up the rows of `item_count` that are alike, in containers that have more than `most` rows. */
export async function foldCounts(sql: Sql, pairings: readonly number[], most = CROWDED): Promise<void> {
  // What another connection is folding is skipped: its sum is the same.
  await sql.query(
    `with crowded as (
       select id from container covered where pairing = any($1)
       and (select count(*) from item_count where container = covered.id offset 0) > $2),
     spent as (
       delete from item_count where ctid = any (array(
         select ctid from item_count where container in (select id from crowded) for update skip locked))
       returning *)
     insert into item_count
     select container, run, outcome, made, todo, gone, copy, scan, sum(n), sum(bytes) from spent
     group by 1, 2, 3, 4, 5, 6, 7, 8 having sum(n) <> 0 or sum(bytes) <> 0`,
    [pairings, most],
  );
}

/** Reading so many rows takes about as long as asking for them. */
const CROWDED = 200;

function sum(what: 'n' | 'bytes', where: string): string {
  return `coalesce(sum(${what}) filter (where stands and (${where})), 0)::bigint`;
}
