/** Files whose names changed in nothing that the target tells apart. */
import type { Sql } from './ledger.js';

/**
 * New files take over the copies of files of the same folder, size and date that left the source, where the target takes
 * both names for one. They are then to be moved; nobody else owns their copies, whatever becomes of that. A proof is
 * kept only where the source says that it is the same file: others are read and compared.
 */
export async function takeOver(sql: Sql, container: number): Promise<void> {
  await sql.query(
    // "offset 0" and "order by": each is looked up by its own index, also before statistics exist, when another seems better.
    `with pair as (
       select distinct on (n.key) n.key as now, g.key as was
       from item g cross join lateral (
         (select * from item where container = g.container and folded = coalesce(g.folded, g.key) offset 0)
         union all
         (select * from item where container = g.container and key = coalesce(g.folded, g.key) offset 0)) n
       where g.container = $1 and (select true from item where container = $1 and folded is not null order by folded limit 1)
         and g.gone and g.target_ref is not null and g.digest is not null
         and g.outcome in ('verified', 'arrived') and g.meta->>'type' = 'file'
         and coalesce(n.folded, n.key) = coalesce(g.folded, g.key)
         and n.todo = 'create' and not n.gone and n.target_ref is null and n.tries = 0 and n.meta->>'type' = 'file'
         and n.bytes = g.bytes and n.meta->>'modified' = g.meta->>'modified'
         -- The id of a removed file may have gone to another. Where none is told the content is compared.
         and (n.meta->>'id' is null or g.meta->>'id' is null
           or n.meta->>'id' = g.meta->>'id' and n.meta->>'created' is not distinct from g.meta->>'created')
         and regexp_replace(n.key, '[^/]*$', '') = regexp_replace(g.key, '[^/]*$', '')
         and not exists (select from upload u where u.container = n.container and u.key = n.key)
       order by n.key, g.key),
     single as (select distinct on (was) was, now from pair order by was, now),
     given as (
       delete from item i using single s where i.container = $1 and i.key = s.was
       returning s.now, i.digest, i.target_ref, i.target_version, i.base, i.outcome, i.proof, i.meta)
     update item n set todo = 'move', digest = g.digest, target_ref = g.target_ref, target_version = g.target_version,
       base = g.base, outcome = g.outcome, proof = case when n.meta->>'id' = g.meta->>'id' then g.proof end
     from given g where n.container = $1 and n.key = g.now`,
    [container],
  );
}
