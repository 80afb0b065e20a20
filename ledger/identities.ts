/** Which items, and which copies in a target, are the same though their content differs. */
import { createHash } from 'node:crypto';
import type { Sql } from './ledger.js';

/** The ledger keeps no addresses and no names: 128 bits of their hash tell them apart. */
export function hashIdentity(identity: string): string {
  return createHash('sha256').update(identity).digest('hex').slice(0, 32);
}

/** An item, or a copy nobody has claimed, that shares identities with an item that is about to be written. */
export interface Namesake {
  readonly identities: readonly string[];
  /** Set for items of the source. */
  readonly key: string | null;
  readonly container: number | null;
  readonly ref: string | null;
  readonly digest: string | null;
}

/**
 * Others in one container of a target place that have any of these identities: items that stand there or are on their
 * way, and unclaimed copies. Ask under the container's lock (`lockClaims`), so that two connections agree.
 */
export async function namesakes(
  sql: Sql,
  place: number,
  targetKey: string,
  identities: readonly string[],
): Promise<Namesake[]> {
  const { rows } = await sql.query<Namesake>(
    `select i.identities, i.key, i.container, i.target_ref as ref, encode(i.digest, 'hex') as digest
     from item i join container c on c.id = i.container join pairing p on p.id = c.pairing
     where p.target = $1 and c.target_key = $2 and i.identities && $3 and not i.gone
       and coalesce(i.outcome, '') not in ('refused', 'skipped', 'quarantined')
     union all
     select identities, null, null, ref, encode(digest, 'hex') from found
     where place = $1 and target_key = $2 and identities && $3 and not taken`,
    [place, targetKey, identities],
  );
  return rows;
}

/**
 * One transaction at a time claims copies and identities in a container of a target, whichever containers of the source
 * go into it: two must not claim the same.
 */
export async function lockClaims(sql: Sql, place: number, targetKey: string): Promise<void> {
  await sql.query('select pg_advisory_xact_lock(hashtextextended($1, $2))', [targetKey, place]);
}

export async function setIdentities(
  sql: Sql,
  container: number,
  items: readonly { readonly key: string; readonly identities: readonly string[] }[],
): Promise<void> {
  if (items.length === 0) return;
  await sql.query(
    `update item i set identities = nullif(string_to_array(t.identities, ','), '{}')
     from unnest($2::text[], $3::text[]) as t (key, identities) where i.container = $1 and i.key = t.key`,
    [container, items.map((item) => item.key), items.map((item) => item.identities.join(','))],
  );
}
