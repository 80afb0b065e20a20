/** Items that were left out because the source holds another of the same identity: until that one is gone, or is called otherwise. */
import type { Sql } from './ledger.js';
import type { Surveyor } from './surveys.js';
import { COVERED, covered } from './surveys.js';

/**
 * Puts those back on the list that no other item stands in the way of any more; `said`: how the reasons begin that name
 * another. Returns how many. Earlier versions did not write down what they are called: they are looked at once more.
 */
export async function releaseTwins(sql: Sql, surveyor: Surveyor, said: string): Promise<number> {
  const { rows } = await sql.query<{ container: number; key: string }>(
    // "offset 0": who was left out is found by the index of these, and who is called so by that of identities.
    `select i.container, i.key from container c join pairing p on p.id = c.pairing
     cross join lateral (select container, key, identities from item
       where container = c.id and outcome in ('skipped', 'refused') and target_ref is null and todo is null and not gone
         and starts_with(reason, $4) offset 0) i
     where c.id in ${COVERED} and (i.identities is null or not exists (
       select from (select * from item where identities && i.identities and identities is not null offset 0) o
         join container oc on oc.id = o.container join pairing op on op.id = oc.pairing
       where op.target = p.target and oc.target_key = c.target_key and not o.gone
         and coalesce(o.outcome, '') not in ('refused', 'skipped', 'quarantined')
         and not (o.container = i.container and o.key = i.key) offset 0))`,
    [...covered(surveyor), said],
  );
  if (rows.length === 0) return 0;
  await sql.query(
    `update item i set todo = 'create', outcome = null, reason = null
     from unnest($1::bigint[], $2::text[]) as t (container, key) where i.container = t.container and i.key = t.key`,
    [rows.map(({ container }) => container), rows.map(({ key }) => key)],
  );
  return rows.length;
}
