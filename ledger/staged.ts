/**
 * What listings in no order have named so far (table `listed`), beside what is known: the database tells what they lack,
 * whatever their size. Nothing is marked before a listing is complete, so that one which is given up leaves nothing behind
 * but rows that are swept.
 */
import type { Ledger, Sql } from './ledger.js';

/** Writes keys down as named. Answers those that this listing had not named before: repeats are normal. */
export async function stageKeys(sql: Sql, listing: number, keys: readonly string[]): Promise<ReadonlySet<string>> {
  if (keys.length === 0) return new Set();
  const { rows } = await sql.query<{ key: string }>({
    name: 'stage-keys',
    text: `insert into listed (listing, key) select $1, key from unnest($2::text[]) as t (key)
     on conflict do nothing returning key`,
    values: [listing, keys],
  });
  return new Set(rows.map(({ key }) => key));
}

/** Folders, with "/" at their ends, of which nothing is known but that they are there: what they hold never counts as gone. */
export async function stageHidden(sql: Sql, listing: number, folders: readonly string[]): Promise<void> {
  if (folders.length === 0) return;
  await sql.query(
    `insert into listed (listing, key, hidden) select $1, key, true from unnest($2::text[]) as t (key)
     on conflict (listing, key) do update set hidden = true`,
    [listing, folders],
  );
}

/** What is not there any more. Answers how many of them the listing had named. */
export async function unstageKeys(sql: Sql, listing: number, keys: readonly string[]): Promise<number> {
  if (keys.length === 0) return 0;
  const { rowCount } = await sql.query('delete from listed where listing = $1 and key = any($2)', [listing, keys]);
  return rowCount ?? 0;
}

/** How many keys the listing has named. */
export async function countStaged(sql: Sql, listing: number): Promise<number> {
  const { rows } = await sql.query<{ n: number }>(
    'select count(*) as n from listed where listing = $1 and not hidden',
    [listing],
  );
  return rows[0]?.n ?? 0;
}

/**
 * Keys `i.key` of items of container `$1` that listing `$2` lacks. "offset 0": only of what it lacks the folders above are
 * looked up, each by its key; to compare each with all that are hidden took minutes, and the lease was lost meanwhile.
 */
const LACKED = `select i.key from (
    select key from item where container = $1 and not gone and key <> ''
      and not exists (select from listed l where l.listing = $2 and l.key = item.key) offset 0) i
  where not exists (
    select from generate_series(1, cardinality(string_to_array(i.key, '/')) - 1) depth
      cross join lateral (
        select hidden from listed
        where listing = $2 and key = array_to_string((string_to_array(i.key, '/'))[1:depth], '/') || '/' offset 0) h
    where h.hidden offset 0)`;

/** Keys of items that the listing lacks, at most so many. */
export async function lackedBy(
  sql: Sql,
  container: number,
  listing: number,
  limit: number,
): Promise<readonly string[]> {
  const { rows } = await sql.query<{ key: string }>(`${LACKED} limit $3`, [container, listing, limit]);
  return rows.map(({ key }) => key);
}

/** Marks at most so many of them as gone from the source. Answers how many. */
export async function markLacking(
  sql: Sql,
  container: number,
  listing: number,
  run: number,
  limit: number,
): Promise<number> {
  const { rowCount } = await sql.query(
    `update item set gone = true, run = $3, todo = case when todo in ('create', 'update') then null else todo end
     where container = $1 and key = any (array(${LACKED} limit $4))`,
    [container, listing, run, limit],
  );
  return rowCount ?? 0;
}

/** So many rows are deleted in one transaction. What another is deleting is left to it. */
const SWEPT = 10_000;

/** Deletes the rows of listings that no survey holds any more: complete ones, and those that were given up. */
export async function sweepListings({ pool }: Pick<Ledger, 'pool'>): Promise<void> {
  const { rows } = await pool.query<{ listing: number }>(
    // From one number to the next, however many rows each has.
    `with recursive numbers as (
       (select listing from listed order by listing limit 1)
       union all
       select (select l.listing from listed l where l.listing > n.listing order by l.listing limit 1)
       from numbers n where n.listing is not null)
     select listing from numbers
     where listing is not null and listing not in (select listing_id from survey where listing_id is not null)`,
  );
  for (const { listing } of rows) {
    for (let swept = SWEPT; swept === SWEPT; ) {
      const { rowCount } = await pool.query(
        'delete from listed where ctid = any (array(select ctid from listed where listing = $1 limit $2 for update skip locked))',
        [listing, SWEPT],
      );
      swept = rowCount ?? 0;
    }
  }
}
