/** A page of a listing beside what is known: most of it has not changed, and then nothing needs to be written. */
import type { ItemRef } from '../connectors/contract.js';
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

export async function compareListing(
  sql: Sql,
  container: number,
  range: Range,
  page: readonly ItemRef[],
): Promise<Compared> {
  const { rows } = await sql.query<{ readonly fresh: readonly number[] | null; readonly unlisted: boolean }>({
    name: `compare-listing${suffix(range)}`,
    // "offset 0": each key is looked up by itself, whatever the planner thinks of the lists.
    text: `select array_agg(l.n::int) filter (where i.key is null or i.gone or i.version <> l.version or ${isLeftOut('i')}) as fresh,
       (select count(*) from item where container = $1 and not gone and ${within('key', range)})
         > count(*) filter (where not i.gone and ${within('i.key', range)}) as unlisted
     from unnest($3::text[], $4::text[]) with ordinality as l (key, version, n)
     left join lateral (select key, version, gone, todo, outcome, target_ref from item where container = $1 and key = l.key offset 0) i on true`,
    values: [container, range.after, page.map(({ key }) => key), page.map(({ version }) => version), ...bound(range)],
  });
  const { fresh, unlisted } = rows[0] as (typeof rows)[number];
  return { fresh: (fresh ?? []).map((n) => page[n - 1] as ItemRef), isUnlisted: unlisted };
}

/** Marks what a listing no longer shows in its range as gone from the source. */
export async function markUnlisted(
  sql: Sql,
  container: number,
  range: Range,
  listed: readonly string[],
  run: number,
): Promise<void> {
  await sql.query({
    name: `mark-unlisted${suffix(range)}`,
    text: `update item i set gone = true, run = $4, todo = case when todo in ('create', 'update') then null else todo end
     where container = $1 and not gone and ${within('key', range)}
       and not exists (select from unnest($3::text[]) as l (key) where l.key = i.key)`,
    values: [container, range.after, listed, run, ...bound(range)],
  });
}

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
