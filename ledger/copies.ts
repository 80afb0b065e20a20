/** Which item a copy in the target belongs to. */
import { lockClaims } from './identities.js';
import type { Settlement } from './items.js';
import type { Sql } from './ledger.js';

/**
 * Of these references in one container of a target place those that belong to items, of whichever pairing. References of
 * another validity are void: their items are bound anew when they are next looked at, and other copies stand under them now.
 */
export async function ownedRefs(
  sql: Sql,
  targetPlace: number,
  { key, validity }: { readonly key: string; readonly validity: string },
  refs: readonly string[],
): Promise<Set<string>> {
  const { rows } = await sql.query<{ ref: string }>({
    name: 'owned-refs',
    // "offset 0": found by the index of copies, also before statistics exist; what is asked about lies close together there.
    text: `select i.ref from pairing p join container c on c.pairing = p.id
     cross join lateral (select target_ref as ref from item
       where container = c.id and target_ref = any($4) and target_ref is not null offset 0) i
     where p.target = $1 and c.target_key = $2 and c.target_validity = $3`,
    values: [targetPlace, key, validity, refs],
  });
  return new Set(rows.map((row) => row.ref));
}

/**
 * Of these settlements those whose copy belongs to another item already, in whatever container or pairing: by their keys.
 * A copy has one owner. Where several containers go into one folder of the target, its claims are locked until the
 * transaction ends: two connections must not both find a copy free.
 */
export async function claimedByOthers(
  sql: Sql,
  container: number,
  settled: readonly Settlement[],
): Promise<ReadonlySet<string>> {
  const claims = settled.flatMap(({ key, ref }) => (typeof ref === 'string' ? [{ key, ref }] : []));
  if (claims.length === 0) return new Set();
  const folder = await folderOf(sql, container);
  if (folder.containers.length > 1) await lockClaims(sql, folder.place, folder.targetKey);
  const { rows } = await sql.query<{ key: string }>({
    name: 'claimed-by-others',
    // "offset 0": each copy is looked up by the index, also before statistics exist.
    text: `select t.key from unnest($2::text[], $3::text[]) as t (key, ref)
     where exists (select from unnest($4::bigint[]) as folder (id) cross join lateral (
       select from item i where i.container = folder.id and i.target_ref = t.ref
         and not (i.container = $1 and i.key = t.key) offset 0) other)`,
    values: [container, claims.map(({ key }) => key), claims.map(({ ref }) => ref), folder.containers],
  });
  const claimed = new Set(rows.map(({ key }) => key));
  const seen = new Set<string>();
  for (const { key, ref } of claims) {
    if (seen.has(ref)) claimed.add(key);
    seen.add(ref);
  }
  return claimed;
}

interface Folder {
  readonly place: number;
  readonly targetKey: string;
  /** All that go into it, this one among them. */
  readonly containers: readonly unknown[];
}

/** The target's side of a bound container. */
async function folderOf(sql: Sql, container: number): Promise<Folder> {
  const { rows } = await sql.query<Folder>({
    name: 'folder-of',
    text: `select here.target as place, here.target_key as "targetKey", array_agg(c.id) as containers
     from (select c.target_key, c.target_validity, p.target from container c join pairing p on p.id = c.pairing
       where c.id = $1) here
     join pairing p on p.target = here.target
     join container c on c.pairing = p.id and c.target_key = here.target_key and c.target_validity = here.target_validity
     group by 1, 2`,
    values: [container],
  });
  return rows[0] ?? { place: 0, targetKey: '', containers: [container] };
}
