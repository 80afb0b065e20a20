/** Which item a copy in the target belongs to. */
import type { Settlement } from './items.js';
import type { Sql } from './ledger.js';

/**
 * References in one container of a target place that belong to items, of whichever pairing. Those of another validity are
 * void: their items are bound anew when they are next looked at, and other copies stand under such references now.
 */
export async function knownRefs(
  sql: Sql,
  targetPlace: number,
  { key, validity }: { readonly key: string; readonly validity: string },
): Promise<Set<string>> {
  const { rows } = await sql.query<{ ref: string }>(
    `select i.target_ref as ref from item i
     join container c on c.id = i.container join pairing p on p.id = c.pairing
     where p.target = $1 and c.target_key = $2 and c.target_validity = $3 and i.target_ref is not null`,
    [targetPlace, key, validity],
  );
  return new Set(rows.map((row) => row.ref));
}

/**
 * Of these settlements those whose copy belongs to another item already, in whatever container or pairing: by their keys.
 * A copy has one owner.
 */
export async function claimedByOthers(
  sql: Sql,
  container: number,
  settled: readonly Settlement[],
): Promise<ReadonlySet<string>> {
  const claims = settled.flatMap(({ key, ref }) => (typeof ref === 'string' ? [{ key, ref }] : []));
  if (claims.length === 0) return new Set();
  const { rows } = await sql.query<{ key: string }>({
    name: 'claimed-by-others',
    // "offset 0": each copy is looked up by the index, also before statistics exist.
    text: `with here as (
       select c.target_key, c.target_validity, p.target from container c join pairing p on p.id = c.pairing where c.id = $1),
     folder as materialized (
       select c.id from here join pairing p on p.target = here.target
       join container c on c.pairing = p.id and c.target_key = here.target_key and c.target_validity = here.target_validity)
     select t.key from unnest($2::text[], $3::text[]) as t (key, ref)
     where exists (select from folder cross join lateral (
       select from item i where i.container = folder.id and i.target_ref = t.ref
         and not (i.container = $1 and i.key = t.key) offset 0) other)`,
    values: [container, claims.map(({ key }) => key), claims.map(({ ref }) => ref)],
  });
  const claimed = new Set(rows.map(({ key }) => key));
  const seen = new Set<string>();
  for (const { key, ref } of claims) {
    if (seen.has(ref)) claimed.add(key);
    seen.add(ref);
  }
  return claimed;
}
