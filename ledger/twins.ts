/** Items that were left out because the source holds another of the same identity: until that one is gone, or is called otherwise. */
import type { Sql } from './ledger.js';
import type { Surveyor } from './surveys.js';
import { COVERED, covered } from './surveys.js';

/**
 * Puts those back on the list that no other item stands in the way of any more; `said`: how the reasons begin that name
 * another. Returns how many. Earlier versions did not write down what they are called: they are looked at once more.
 */
export async function releaseTwins(sql: Sql, surveyor: Surveyor, said: string): Promise<number> {
  const { rowCount } = await sql.query(
    `update item i set todo = 'create', outcome = null, reason = null
     from container c join pairing p on p.id = c.pairing
     where c.id = i.container and c.id in ${COVERED} and i.outcome in ('skipped', 'refused') and i.todo is null
       and not i.gone and i.target_ref is null and starts_with(i.reason, $4)
       and (i.identities is null or not exists (
         select from item o join container oc on oc.id = o.container join pairing op on op.id = oc.pairing
         where op.target = p.target and oc.target_key = c.target_key and o.identities && i.identities and not o.gone
           and coalesce(o.outcome, '') not in ('refused', 'skipped', 'quarantined', 'linked')
           and not (o.container = i.container and o.key = i.key)))`,
    [...covered(surveyor), said],
  );
  return rowCount ?? 0;
}
