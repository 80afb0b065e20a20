/** Why items of a unit failed, for people who look at it while it runs. */
import { seenFromSpec } from '../words/sides.js';
import type { CountedUnit } from './counts.js';
import type { Sql } from './ledger.js';

export interface Trouble {
  readonly reason: string;
  readonly items: number;
}

/** The most frequent reasons of the unit's failures, as seen from its spec. Found by an index of failures alone. */
export async function readTroubles(sql: Sql, { migration, n, pairings }: CountedUnit, most = 5): Promise<Trouble[]> {
  const { rows } = await sql.query<Trouble & { back: boolean }>(
    `with way as materialized (select back from unit where migration = $1 and n = $2)
     select coalesce(reason, outcome) as reason, count(*)::int as items,
       case when (select back from way) is null then false
         else (select c.pairing from container c where c.id = item.container) = (select back from way) end as back
     from item
     where outcome in ('refused', 'quarantined', 'altered', 'missing', 'unsure', 'conflict') and not gone
       and container in (select c.id from container c join survey s on s.container = c.id
         where c.pairing = any($3) and s.migration = $1 and s.unit = $2)
     group by 1, 3 order by 2 desc, 1 limit $4`,
    [migration, n, pairings, 2 * most],
  );
  const items = new Map<string, number>();
  for (const row of rows) {
    const reason = seenFromSpec(row.reason, row.back);
    items.set(reason, (items.get(reason) ?? 0) + row.items);
  }
  return [...items].map(([reason, items]) => ({ reason, items })).slice(0, most);
}
