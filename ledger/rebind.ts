/** After a target renumbered a container: finds the references again, by digest. */
import type { Sql } from './ledger.js';

/**
 * Binds each item of the container to a copy in `found` with its digest (in its version), the k-th twin to the k-th copy. Items
 * without a copy become `missing`: they were deleted there, or the folder was made anew. Returns how many.
 */
export async function rebindReferences(
  sql: Sql,
  container: number,
  place: number,
  targetKey: string,
  run: number,
): Promise<number> {
  const { rows } = await sql.query<{ key: string; ref: string | null }>(
    `with mine as (
       select key, digest, row_number() over (partition by digest order by key) as twin
       from item where container = $1 and target_ref is not null),
     theirs as (
       select ref, digest, row_number() over (partition by digest order by ref) as twin
       from (select ref, case when exists (select from mine where mine.digest = found.earlier) then earlier else digest end as digest
         from found where place = $2 and target_key = $3 and not taken) as t)
     select mine.key, theirs.ref from mine left join theirs using (digest, twin)`,
    [container, place, targetKey],
  );
  // A copy has one owner at any time, and the new references may be those that others had before.
  await sql.query('update item set target_ref = null where container = $1 and target_ref is not null', [container]);
  const bound = rows.filter(({ ref }) => ref !== null);
  await sql.query(
    `update item i set target_ref = t.ref from unnest($2::text[], $3::text[]) as t (key, ref)
     where i.container = $1 and i.key = t.key`,
    [container, bound.map(({ key }) => key), bound.map(({ ref }) => ref)],
  );
  await sql.query('update found set taken = true where place = $1 and target_key = $2 and ref = any($3)', [
    place,
    targetKey,
    bound.map(({ ref }) => ref),
  ]);
  const lost = rows.filter(({ ref }) => ref === null).map(({ key }) => key);
  await sql.query(
    `update item set outcome = 'missing', reason = 'not in the target any more: its folder was emptied, made anew or renumbered there',
       todo = null, run = $3, made = null
     where container = $1 and key = any($2)`,
    [container, lost, run],
  );
  return lost.length;
}
