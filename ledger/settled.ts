/** Whether a unit has nothing left to do in one direction, after its survey. */
import type { Ledger } from './ledger.js';
import type { Surveyor } from './surveys.js';

/**
 * Whether anything is open of a unit in one direction; by $1 to $4: its pairing, its migration, its number, and whether items
 * that left the source are to leave the target. Writes whose answers were lost are looked for whatever the spec covers
 * now, and so are copies that may still appear.
 */
export const IS_OPEN = `(exists (select from container c join batch b on b.container = c.id where c.pairing = $1)
  or exists (select from container c join doubt d on d.container = c.id where c.pairing = $1)
  or exists (select from container c join survey s on s.container = c.id
    where c.pairing = $1 and s.migration = $2 and s.unit = $3 and (
      c.target_key is null
      or exists (select from item i where i.container = c.id and i.todo is not null)
      or $4 and exists (select from item i where i.container = c.id and i.gone and i.target_ref is not null))))`;

export async function isSettled(ledger: Ledger, { pairing, unit }: Surveyor, removals: boolean): Promise<boolean> {
  const { rows } = await ledger.pool.query<{ open: boolean }>(`select ${IS_OPEN} as open`, [
    pairing.id,
    unit.migration,
    unit.n,
    removals,
  ]);
  return rows[0]?.open === false;
}
