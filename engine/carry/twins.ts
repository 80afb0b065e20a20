/** Files of the ledger that the target would take for the same, and which numbers they may not get. */
import type { NameRules } from '../../connectors/contract.js';
import type { Sql } from '../../ledger/ledger.js';
import type { Selection } from '../../schemas/spec.js';
import type { Twins } from '../select/names.js';
import { inOrder, NO_TWINS, numberedPath } from '../select/names.js';

/** What is known of a container's twins: each group in the order of `inOrder`. */
export async function twinsIn(sql: Sql, rules: NameRules, selection: Selection, container: number): Promise<Twins> {
  const { rows: any } = await sql.query('select from item where container = $1 and folded is not null limit 1', [
    container,
  ]);
  if (any.length === 0) return NO_TWINS;
  const { rows } = await sql.query<{ keys: string[]; placed: string[] }>(
    `select array_agg(key) as keys, coalesce(array_agg(key) filter (where target_ref is not null), '{}') as placed from item
     where container = $1 and (not gone or target_ref is not null)
     group by coalesce(folded, rtrim(key, '/')) having count(*) > 1`,
    [container],
  );
  const groups = rows.map(({ keys, placed }) => inOrder(rules, keys, new Set(placed)));
  const taken = await takenNumbers(sql, rules, selection, container, groups);
  return { groups, isTaken: (folded) => taken.has(folded) };
}

/** Of the numbers that twins may get, the paths that other items go to. */
async function takenNumbers(
  sql: Sql,
  rules: NameRules,
  selection: Selection,
  container: number,
  groups: readonly (readonly string[])[],
): Promise<ReadonlySet<string>> {
  const taken = new Set<string>();
  let open = groups.map((keys) => ({ key: keys[1] as string, from: 2, to: keys.length }));
  while (open.length > 0) {
    const asked = open.map(({ key, from, to }) => {
      return Array.from({ length: to - from + 1 }, (_, at) => numberedPath(rules, selection, key, from + at));
    });
    const paths = asked.flat();
    const { rows } = await sql.query<{ path: string }>(
      `select folded as path from item where container = $1 and folded = any($2) and not gone
       union select rtrim(key, '/') from item where container = $1 and key = any($3) and folded is null and not gone`,
      [container, paths, paths.flatMap((path) => [path, `${path}/`])],
    );
    for (const { path } of rows) taken.add(path);
    // For each that is taken another is tried.
    open = open.flatMap(({ key, to }, at) => {
      const hits = (asked[at] as string[]).filter((path) => taken.has(path)).length;
      return hits === 0 ? [] : [{ key, from: to + 1, to: to + hits }];
    });
  }
  return taken;
}
