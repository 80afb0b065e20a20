/** What should stand in the target, by the ledger. */
import type { Sql } from './ledger.js';

/** Items whose copies were written or found, and are not on the list to be looked at anyway. */
const STANDS = `target_ref is not null and not gone and outcome in ('verified', 'arrived') and todo is distinct from 'verify'`;

/** Some references that should stand in a container, as chance has it: in the order of their digests. */
export async function someStanding(sql: Sql, container: number, most: number): Promise<readonly string[]> {
  const { rows } = await sql.query<{ ref: string }>(
    `select target_ref as ref from item where container = $1 and digest is not null and ${STANDS} order by digest limit $2`,
    [container, most],
  );
  return rows.map(({ ref }) => ref);
}

/** How many items should stand in a container. */
export async function countStanding(sql: Sql, container: number): Promise<number> {
  const { rows } = await sql.query<{ n: number }>(
    `select coalesce(sum(n), 0)::bigint as n from item_count
     where container = $1 and copy and not gone and outcome in ('verified', 'arrived')`,
    [container],
  );
  return rows[0]?.n ?? 0;
}
