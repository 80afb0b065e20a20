/** Why items of a unit failed, for people who look at it while it runs. */
import type { CountedUnit } from './counts.js';
import type { Sql } from './ledger.js';

export interface Trouble {
  readonly reason: string;
  readonly items: number;
}

/** The most frequent reasons of the unit's failures. Found by an index of failures alone. */
export async function readTroubles(sql: Sql, { migration, n, pairings }: CountedUnit, most = 5): Promise<Trouble[]> {
  const { rows } = await sql.query<Trouble>(
    `select coalesce(reason, outcome) as reason, count(*)::int as items from item
     where outcome in ('refused', 'quarantined', 'altered', 'missing', 'unsure', 'conflict') and not gone
       and container in (select c.id from container c join survey s on s.container = c.id
         where c.pairing = any($3) and s.migration = $1 and s.unit = $2)
     group by 1 order by 2 desc, 1 limit $4`,
    [migration, n, pairings, most],
  );
  return rows;
}
