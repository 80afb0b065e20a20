/** Whether a unit has nothing left to do in one direction, after its survey. */
import type { Ledger } from './ledger.js';
import type { Surveyor } from './surveys.js';

/**
 * `removals`: whether items that left the source are to leave the target. Writes whose answers were lost are looked for
 * whatever the spec covers now, and so are copies that may still appear.
 */
export async function isSettled(ledger: Ledger, { pairing, unit }: Surveyor, removals: boolean): Promise<boolean> {
  const { rows } = await ledger.pool.query<{ open: boolean }>(
    `select exists (select from container c join batch b on b.container = c.id where c.pairing = $1)
       or exists (select from container c join doubt d on d.container = c.id where c.pairing = $1)
       or exists (select from container c join survey s on s.container = c.id
         where c.pairing = $1 and s.migration = $3 and s.unit = $4 and (
           c.target_key is null
           or exists (select from item i where i.container = c.id and i.todo is not null)
           or $2 and exists (select from item i where i.container = c.id and i.gone and i.target_ref is not null))) as open`,
    [pairing.id, removals, unit.migration, unit.n],
  );
  return rows[0]?.open === false;
}
