/** What `migrate retry` and `migrate verify` put back on the list. */
import type { Sql } from './ledger.js';

/**
 * Items that stand in the target, with nothing left to do. What the other direction of a two-way unit wrote is proven
 * there: here it is the original.
 */
const STANDS = `todo is null and target_ref is not null and not gone and outcome not in ('skipped', 'linked')`;

/** As much, and what is to be proven again already. */
const LOOKED_FOR = `(todo is null or todo = 'verify' and outcome = 'verified') and target_ref is not null and not gone and outcome not in ('skipped', 'linked')`;

/**
 * `verify`: every item that stands in the target is to be proven again. `retry`: every item that failed is to be
 * made again; the target is scanned anew first, so that a copy that is there after all is adopted, not doubled. Both
 * speak of what the units cover, in both directions of those that go both ways.
 */
export async function requeue(
  sql: Sql,
  migration: string,
  units: readonly number[],
  what: 'retry' | 'verify',
): Promise<void> {
  // Those of both directions.
  const mine = 'container in (select container from survey where migration = $1 and unit = any($2))';
  if (what === 'verify') {
    await sql.query(`update item set todo = 'verify' where ${mine} and ${STANDS}`, [migration, units]);
    return;
  }
  const failed = `outcome in ('refused', 'quarantined', 'unsure', 'altered', 'missing') and key <> ''`;
  await sql.query(
    `update container set scanned = false where id in (select container from item where ${mine} and ${failed})`,
    [migration, units],
  );
  // An edit of a file that was refused: the copy of the version before is ours, and not somebody else's in the way.
  await sql.query(
    `update item set todo = 'update', tries = 0, outcome = 'arrived', proof = null, reason = null
     where ${mine} and outcome in ('refused', 'quarantined') and target_ref is not null and digest is not null
       and meta->>'type' = 'file' and not gone`,
    [migration, units],
  );
  await sql.query(
    `update item set todo = 'create', tries = 0, outcome = null, proof = null, reason = null, target_ref = null
     where ${mine} and ${failed} and not gone`,
    [migration, units],
  );
}

/**
 * Everything of one container is looked for in the target, which does not seem to hold it any more: what was proven counts as
 * arrived until it is found. How many items that are.
 */
export async function verifyAll(sql: Sql, container: number): Promise<number> {
  const { rowCount } = await sql.query(
    `update item set todo = 'verify', outcome = case when outcome = 'verified' then 'arrived' else outcome end
     where container = $1 and ${LOOKED_FOR}`,
    [container],
  );
  return rowCount ?? 0;
}
