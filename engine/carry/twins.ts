/** Files of the ledger that the target would take for the same, and which numbers they may not get. */
import type { NameRules } from '../../connectors/contract.js';
import { foldersAbove } from '../../connectors/kinds/files.js';
import type { Sql } from '../../ledger/ledger.js';
import type { Selection } from '../../schemas/spec.js';
import type { Twins } from '../select/names.js';
import { inOrder, NO_TWINS, numberedPath } from '../select/names.js';
import { wantedPath } from '../select/selecting.js';

/**
 * What is known of a container's twins: each group in the order of `inOrder`. With `keys`, of those that tell where these
 * keys go: theirs, and those of the folders above them and above their twins.
 */
export async function twinsIn(
  sql: Sql,
  rules: NameRules,
  selection: Selection,
  container: number,
  keys?: readonly string[],
): Promise<Twins> {
  const { rows: any } = await sql.query(
    'select from item where container = $1 and folded is not null order by folded limit 1',
    [container],
  );
  if (any.length === 0) return NO_TWINS;
  const found = keys ? await groupsAround(sql, selection, container, keys) : await allGroups(sql, container);
  const groups = found.map(({ keys, placed }) => inOrder(rules, keys, new Set(placed)));
  const taken = await takenNumbers(sql, rules, selection, container, groups);
  return { groups, isTaken: (folded) => taken.has(folded) };
}

async function groupsAround(
  sql: Sql,
  selection: Selection,
  container: number,
  keys: readonly string[],
): Promise<Group[]> {
  const byName = new Map<string, Group>();
  const seen = new Set<string>();
  for (let asked = withFolders(selection, keys); asked.length > 0; ) {
    for (const key of asked) seen.add(key);
    const found = await groupsOf(sql, container, asked);
    for (const group of found) byName.set(group.name, group);
    const others = found.flatMap((group) => group.keys);
    asked = withFolders(selection, others).filter((key) => !seen.has(key));
  }
  return [...byName.values()];
}

/** Keys with those of the folders above, in the source and where the spec maps them to. */
function withFolders(selection: Selection, keys: readonly string[]): string[] {
  return [...new Set(keys.flatMap((key) => [key, ...foldersAbove(key), ...foldersAbove(wantedPath(selection, key))]))];
}

interface Group {
  readonly name: string;
  readonly keys: readonly string[];
  /** Those that stand in the target. */
  readonly placed: readonly string[];
}

async function allGroups(sql: Sql, container: number): Promise<Group[]> {
  const { rows } = await sql.query<Group>(
    `select coalesce(folded, rtrim(key, '/')) as name, array_agg(key) as keys,
       coalesce(array_agg(key) filter (where target_ref is not null), '{}') as placed from item
     where container = $1 and (not gone or target_ref is not null)
     group by name having count(*) > 1`,
    [container],
  );
  return rows;
}

/** Those that keys of the container belong to. */
async function groupsOf(sql: Sql, container: number, keys: readonly string[]): Promise<Group[]> {
  const { rows } = await sql.query<Group>({
    name: 'twins-of',
    // "offset 0": each is looked up by its index, also before statistics exist.
    text: `with asked as (
       select distinct coalesce(i.folded, rtrim(i.key, '/')) as name from unnest($2::text[]) as t (key)
       cross join lateral (select key, folded from item where container = $1 and key = t.key offset 0) i)
     select name, array_agg(key) as keys, coalesce(array_agg(key) filter (where target_ref is not null), '{}') as placed
     from asked cross join lateral (
       (select key, gone, target_ref from item where container = $1 and folded = name and folded is not null offset 0)
       union all
       (select key, gone, target_ref from item where container = $1 and key in (name, name || '/') and folded is null offset 0)) i
     where not gone or target_ref is not null group by name having count(*) > 1`,
    values: [container, keys],
  });
  return rows;
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
