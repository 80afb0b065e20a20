/** Whether a pairing has nothing left to do, after its survey. */
import type { Ledger } from './ledger.js';

/** `removals`: whether items that left the source are to leave the target. */
export async function isSettled(ledger: Ledger, pairing: number, removals: boolean): Promise<boolean> {
  const { rows } = await ledger.pool.query<{ open: boolean }>(
    `select exists (select from container c where c.pairing = $1 and (
       c.target_key is null
       or exists (select from batch b where b.container = c.id)
       or exists (select from item i where i.container = c.id and i.todo is not null)
       or $2 and exists (select from item i where i.container = c.id and i.gone and i.target_ref is not null))) as open`,
    [pairing, removals],
  );
  return rows[0]?.open === false;
}
