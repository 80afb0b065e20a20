/** Copies that a target holds beyond those of our items: unclaimed, and an item of the same container has their digest. */
import type { Sql } from './ledger.js';

/**
 * Duplicates (`f`) and where they are (`b`); $1: pairings, $2 and $3: the migration and the
 * number of the unit that covers them. "offset 0" fixes the order: the target's containers, what was
 * found in each, one look into the index of digests for each of those, one into that of copies for the few that are left.
 * Before statistics exist, or where they are of other times, the planner would compare all that was found with all items.
 */
export const DUPLICATES = `from (
    select p.id as pairing, p.target, c.target_key, min(c.target_path) as target_path, array_agg(c.id) as containers,
      array_agg(c.id) filter (where s.container is not null) as covered
    from pairing p join container c on c.pairing = p.id
    left join survey s on s.container = c.id and s.migration = $2 and s.unit = $3
    where p.id = any($1) and c.target_key is not null group by p.id, p.target, c.target_key) b
  cross join lateral (
    select ref, digest, bytes from found
    where place = b.target and target_key = b.target_key and not taken
      and (exists (select from item where container = any(b.covered) and digest = found.digest offset 0)
        or found.earlier is not null
          and exists (select from item where container = any(b.covered) and digest = found.earlier offset 0))
    offset 0) f
  -- What the other direction carried from here is not a copy, but the item itself.
  where not exists (select from item where container = any(b.containers) and target_ref = f.ref offset 0)`;

export async function countDuplicates(
  sql: Sql,
  pairings: readonly number[],
  unit: { readonly migration: string; readonly n: number },
): Promise<number> {
  const { rows } = await sql.query<{ n: number }>(`select count(*) as n ${DUPLICATES}`, [
    pairings,
    unit.migration,
    unit.n,
  ]);
  return rows[0]?.n ?? 0;
}
