/** After a target renumbered a container: finds the references again, by digest. */
import type { Sql } from './ledger.js';

/**
 * Binds each item of the container to a copy in `found` with its digest, the k-th twin to the k-th copy. Items
 * without a copy become `missing`: they were deleted there, or the folder was made anew. Returns how many.
 */
export async function rebindReferences(
  sql: Sql,
  container: number,
  place: number,
  targetKey: string,
  run: number,
): Promise<number> {
  const { rows } = await sql.query<{ lost: number }>(
    `with mine as (
       select key, digest, row_number() over (partition by digest order by key) as twin
       from item where container = $1 and target_ref is not null),
     theirs as (
       select ref, digest, row_number() over (partition by digest order by ref) as twin
       from found where place = $2 and target_key = $3 and not taken),
     pairs as (select mine.key, theirs.ref from mine left join theirs using (digest, twin)),
     bound as (
       update item i set target_ref = p.ref,
         outcome = case when p.ref is null then 'missing' else i.outcome end,
         reason = case when p.ref is null then 'no longer in the target after it renumbered the folder' else i.reason end,
         todo = case when p.ref is null then null else i.todo end,
         run = case when p.ref is null then $4 else i.run end
       from pairs p where i.container = $1 and i.key = p.key returning p.ref),
     taken as (
       update found f set taken = true from pairs p
       where f.place = $2 and f.target_key = $3 and f.ref = p.ref)
     select count(*) filter (where ref is null) as lost from bound`,
    [container, place, targetKey, run],
  );
  return rows[0]?.lost ?? 0;
}
