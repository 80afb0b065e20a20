/** A page of a listing beside what is known: most of it has not changed, and then nothing needs to be written. */
import type { Described, ItemRef } from '../connectors/contract.js';
import { isLeftOut } from './items.js';
import type { Sql } from './ledger.js';

/** The keys between which a page lists all there is; `to` undefined: to the end. */
export interface Range {
  readonly after: string;
  readonly to: string | undefined;
}

export interface Compared {
  /** New, of another version, or back after they were gone or left out. */
  readonly fresh: readonly ItemRef[];
  /** Something that is known in this range is not listed any more. */
  readonly isUnlisted: boolean;
}

/** Entries with what reading them told before, where their listing tells less and their version is the same. */
export async function withTold(sql: Sql, container: number, page: readonly ItemRef[]): Promise<readonly ItemRef[]> {
  const untold = page.filter(({ bytes, meta }) => bytes === undefined || meta === undefined);
  if (untold.length === 0) return page;
  const { rows } = await sql.query<Described>(
    'select key, version, bytes, meta from item where container = $1 and key = any($2) and not unread',
    [container, untold.map(({ key }) => key)],
  );
  const known = new Map(rows.map((row) => [row.key, row]));
  return page.map((item) => {
    const told = known.get(item.key);
    if (told?.version !== item.version) return item;
    return { ...item, bytes: item.bytes ?? told.bytes, meta: item.meta ?? told.meta };
  });
}

/** Of a listed entry `l` beside its item `i`. */
const FRESH = `(i.key is null or i.gone or i.version <> l.version or ${isLeftOut('i')})`;

/** Of the entries of any page those that are to be written down. */
export async function freshOf(sql: Sql, container: number, page: readonly ItemRef[]): Promise<readonly ItemRef[]> {
  if (page.length === 0) return [];
  const { rows } = await sql.query<{ readonly n: number }>({
    name: 'fresh-of',
    text: `select l.n::int as n from unnest($2::text[], $3::text[]) with ordinality as l (key, version, n)
     left join lateral (select key, version, gone, todo, outcome, target_ref from item where container = $1 and key = l.key offset 0) i on true
     where ${FRESH}`,
    values: [container, page.map(({ key }) => key), page.map(({ version }) => version)],
  });
  return rows.map(({ n }) => page[n - 1] as ItemRef);
}

export async function compareListing(
  sql: Sql,
  container: number,
  range: Range,
  page: readonly ItemRef[],
): Promise<Compared> {
  const { rows } = await sql.query<{ readonly fresh: readonly number[] | null; readonly unlisted: boolean }>({
    name: `compare-listing${suffix(range)}`,
    // "offset 0": each key is looked up by itself, whatever the planner thinks of the lists.
    text: `select array_agg(l.n::int) filter (where ${FRESH}) as fresh,
       (select count(*) from item where container = $1 and not gone and ${within('key', range)})
         > count(*) filter (where not i.gone and ${within('i.key', range)}) as unlisted
     from unnest($3::text[], $4::text[]) with ordinality as l (key, version, n)
     left join lateral (select key, version, gone, todo, outcome, target_ref from item where container = $1 and key = l.key offset 0) i on true`,
    values: [container, range.after, page.map(({ key }) => key), page.map(({ version }) => version), ...bound(range)],
  });
  const { fresh, unlisted } = rows[0] as (typeof rows)[number];
  return { fresh: (fresh ?? []).map((n) => page[n - 1] as ItemRef), isUnlisted: unlisted };
}

/**
 * Marks what a listing no longer shows in its range as gone from the source, but for what stands below `hidden` (keys of
 * folders): what those hold was not looked at.
 */
export async function markUnlisted(
  sql: Sql,
  container: number,
  range: Range,
  listed: readonly string[],
  run: number,
  hidden: readonly string[] = [],
): Promise<void> {
  await sql.query({
    name: `mark-unlisted${suffix(range)}${hidden.length > 0 ? '-hidden' : ''}`,
    text: `update item i set gone = true, run = $4, todo = case when todo in ('create', 'update') then null else todo end
     where container = $1 and not gone and ${within('key', range)}
       and not exists (select from unnest($3::text[]) as l (key) where l.key = i.key)
       ${hidden.length > 0 ? `and not ${below('i.key', `$${range.to === undefined ? 5 : 6}`)}` : ''}`,
    values: [container, range.after, listed, run, ...bound(range), ...(hidden.length > 0 ? [hidden] : [])],
  });
}

/** Keys of a range below folders, of items with which something is to do, or was tried in vain. */
export async function unsettledBelow(
  sql: Sql,
  container: number,
  { after, to }: Range,
  folders: readonly string[],
): Promise<string[]> {
  const { rows } = await sql.query<{ key: string }>(
    `select key from item i where container = $1 and key > $2 and ($3::text is null or key <= $3)
       and (target_ref is null and (todo is not null or outcome is not null) or todo in ('update', 'meta'))
       and ${below('i.key', '$4')}`,
    [container, after, to ?? null, folders],
  );
  return rows.map(({ key }) => key);
}

/** Keys up to `to` that a listing named and did not show (connectors/kinds/files.ts). */
export async function unseenUpTo(
  sql: Sql,
  container: number,
  to: string,
): Promise<{ readonly key: string; readonly leftOut: boolean }[]> {
  const { rows } = await sql.query<{ key: string; leftOut: boolean }>(
    `select key, meta ? 'leftOut' as "leftOut" from item
     where container = $1 and key <= $2 and not gone and version = 'unseen' and meta ? 'unseen'`,
    [container, to],
  );
  return rows;
}

/** Whether a key stands below one of several folders, or is one of them. */
const below = (key: string, folders: string): string =>
  `exists (select from unnest(${folders}::text[]) as f (key) where starts_with(${key}, f.key))`;

/** By `$2` and `$5`. A bound that may be absent would hide the range from the planner: each page would look at all that follows. */
function within(key: string, { to }: Range): string {
  return `${key} > $2${to === undefined ? '' : ` and ${key} <= $5`}`;
}

function bound({ to }: Range): string[] {
  return to === undefined ? [] : [to];
}

function suffix({ to }: Range): string {
  return to === undefined ? '-to-the-end' : '';
}
