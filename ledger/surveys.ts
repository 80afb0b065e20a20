/**
 * What a unit has surveyed of each container that its spec covers. Units of several migrations may share a pairing, and
 * so its containers and items; what they cover, and up to which state, is their own.
 */
import type { Container, Role } from '../connectors/contract.js';
import type { Ledger, Sql } from './ledger.js';

/** One unit in one direction: a slice is one. */
export interface Surveyor {
  readonly pairing: { readonly id: number };
  readonly unit: { readonly migration: string; readonly n: number };
}

/**
 * How far a listing in no order has come: pages are asked for; all were had, and what they lack is looked for; they are
 * asked for a second time; what both lack is being marked as gone.
 */
export type ListingState = 'listing' | 'suspecting' | 'again' | 'marking';

export interface Survey {
  readonly token: string | null;
  readonly filter: string;
  /** The run whose survey has finished the container; 0 before the first. */
  readonly run: number;
  /** Another migration took back what this survey wrote down. */
  readonly voided: boolean;
  /** The run that a listing under way belongs to. */
  readonly listingRun: number | null;
  readonly listingToken: string | null;
  /** The last key that it wrote down, or the cursor behind its last page; null before the first page. */
  readonly listingAfter: string | null;
  /** The number of a listing in no order (unordered.ts). */
  readonly listingId: number | null;
  readonly listingState: ListingState | null;
  /** Another unit has surveyed the container since, under another filter. */
  readonly outdated: boolean;
}

const NONE: Survey = {
  token: null,
  filter: '',
  run: 0,
  voided: false,
  listingRun: null,
  listingToken: null,
  listingAfter: null,
  listingId: null,
  listingState: null,
  outdated: false,
};

/** Whether another unit has surveyed the container of a survey (`s`) since, under another filter than that of the parameter. */
export const isOutdated = (filter: string): string => `exists (
  select from survey o where o.container = s.container and (o.migration, o.unit) <> (s.migration, s.unit)
    and o.filter <> ${filter} and greatest(o.run, o.listing_run) > greatest(s.run, s.listing_run))`;

/** The unit covers the container from now on. Returns what it knows of it, judged by the filter that it has now. */
export async function coverContainer(
  sql: Sql,
  container: number,
  { unit }: Pick<Surveyor, 'unit'>,
  filter: string,
): Promise<Survey> {
  const { rows } = await sql.query<Survey>(
    `select token, filter, run, voided, listing_run as "listingRun", listing_token as "listingToken",
       listing_after as "listingAfter", listing_id as "listingId", listing_state as "listingState", ${isOutdated('$4')} as outdated
     from survey s where container = $1 and migration = $2 and unit = $3`,
    [container, unit.migration, unit.n, filter],
  );
  if (rows[0]) return rows[0];
  await sql.query('insert into survey (container, migration, unit) values ($1, $2, $3)', [
    container,
    unit.migration,
    unit.n,
  ]);
  return NONE;
}

/**
 * Takes the unit's rows of containers that its spec does not cover any more, and gives it rows of those that are not in
 * the source any more and that an earlier unit covered: what they left in the target is this unit's now.
 */
export async function coverOnly(
  sql: Sql,
  { pairing, unit }: Surveyor,
  present: ReadonlyMap<string, Pick<Container, 'key' | 'path' | 'role' | 'leftOut'>>,
  covers: (container: Pick<Container, 'key' | 'path' | 'leftOut'> & { readonly role?: Role | null }) => boolean,
): Promise<void> {
  const { rows } = await sql.query<{ id: number; key: string; path: string[]; role: Role | null; covered: boolean }>(
    `select c.id, c.key, c.path, c.role, s.container is not null as covered from container c
     left join survey s on s.container = c.id and s.migration = $2 and s.unit = $3 where c.pairing = $1`,
    [pairing.id, unit.migration, unit.n],
  );
  const left = rows.filter((row) => row.covered && !covers(present.get(row.key) ?? row));
  const away = rows.filter((row) => !row.covered && !present.has(row.key) && covers(row));
  if (left.length > 0) {
    await sql.query('delete from survey where migration = $2 and unit = $3 and container = any($1)', [
      left.map(({ id }) => id),
      unit.migration,
      unit.n,
    ]);
  }
  if (away.length > 0) {
    await sql.query(
      'insert into survey (container, migration, unit) select id, $2, $3 from unnest($1::bigint[]) as t (id)',
      [away.map(({ id }) => id), unit.migration, unit.n],
    );
  }
}

/** Begins a listing of this run; `token` was taken before it. What an earlier listing knew is dropped. */
export async function startListing(
  sql: Sql,
  container: number,
  { unit }: Pick<Surveyor, 'unit'>,
  listing: { readonly run: number; readonly token: string | undefined; readonly filter: string },
): Promise<void> {
  await sql.query(
    `update survey set listing_run = $4, listing_token = $5, listing_after = null, token = null, filter = $6,
       excluded = 0, voided = false, listing_id = null, listing_state = null
     where container = $1 and migration = $2 and unit = $3`,
    [container, unit.migration, unit.n, listing.run, listing.token ?? null, listing.filter],
  );
}

/** Part of a page's transaction: the last key that it wrote down, and how many of it the filter left out. */
export async function advanceListing(
  sql: Sql,
  container: number,
  { unit }: Pick<Surveyor, 'unit'>,
  page: { readonly after?: string; readonly excluded: number },
): Promise<void> {
  await sql.query(
    `update survey set listing_after = coalesce($4, listing_after), excluded = excluded + $5
     where container = $1 and migration = $2 and unit = $3`,
    [container, unit.migration, unit.n, page.after ?? null, page.excluded],
  );
}

/** Begins a listing in no order, with a number of its own. */
export async function startUnordered(
  sql: Sql,
  container: number,
  surveyor: Pick<Surveyor, 'unit'>,
  listing: Parameters<typeof startListing>[3],
): Promise<number> {
  await startListing(sql, container, surveyor, listing);
  const { unit } = surveyor;
  const { rows } = await sql.query<{ id: number }>(
    `update survey set listing_id = nextval('listing'), listing_state = 'listing'
     where container = $1 and migration = $2 and unit = $3 returning listing_id as id`,
    [container, unit.migration, unit.n],
  );
  return rows[0]?.id as number;
}

/** How far a listing in no order has come. What is absent stays as it is; a cursor of null is none. */
export async function advanceUnordered(
  sql: Sql,
  container: number,
  { unit }: Pick<Surveyor, 'unit'>,
  to: {
    readonly state: ListingState;
    readonly cursor: string | null;
    readonly token?: string;
    readonly excluded?: number;
  },
): Promise<void> {
  await sql.query(
    `update survey set listing_state = $4, listing_after = $5, listing_token = coalesce($6, listing_token),
       excluded = excluded + $7
     where container = $1 and migration = $2 and unit = $3`,
    [container, unit.migration, unit.n, to.state, to.cursor, to.token ?? null, to.excluded ?? 0],
  );
}

/** So many items more are left out by the filter: that was told only when they were read. */
export async function countExcluded(
  sql: Sql,
  container: number,
  { unit }: Pick<Surveyor, 'unit'>,
  items: number,
): Promise<void> {
  await sql.query('update survey set excluded = excluded + $4 where container = $1 and migration = $2 and unit = $3', [
    container,
    unit.migration,
    unit.n,
    items,
  ]);
}

/**
 * What the filter leaves out, where the source tells how many there are of all: a feed of changes does not tell which of
 * them it left out before.
 */
export async function recountExcluded(
  sql: Sql,
  container: number,
  { unit }: Pick<Surveyor, 'unit'>,
  all: number,
): Promise<void> {
  await sql.query(
    `update survey set excluded = greatest(0, $4 - (
       select coalesce(sum(n), 0) from item_count
       where container = $1 and not gone and (copy or todo or outcome is not null)))
     where container = $1 and migration = $2 and unit = $3`,
    [container, unit.migration, unit.n, all],
  );
}

/** Commits the token: from now on it stands for what is written down. Part of the last page's transaction. */
export async function finishSurvey(
  sql: Sql,
  container: number,
  { unit }: Pick<Surveyor, 'unit'>,
  state: { readonly token: string | null; readonly filter: string },
  run: number,
): Promise<void> {
  await sql.query(
    `update survey set token = $4, filter = $5, listing_run = null, listing_token = null, listing_after = null,
       listing_id = null, listing_state = null, run = $6, voided = false
     where container = $1 and migration = $2 and unit = $3`,
    [container, unit.migration, unit.n, state.token, state.filter, run],
  );
}

/** What surveys wrote down of the container does not stand any more: each lists it anew, but for that of one unit. */
export async function voidSurveys(sql: Sql, container: number, but?: Pick<Surveyor, 'unit'>): Promise<void> {
  await sql.query(
    `update survey set token = null, listing_run = null, listing_token = null, listing_after = null,
       listing_id = null, listing_state = null, voided = true
     where container = $1 and (migration, unit) is distinct from ($2::text, $3::int)`,
    [container, but?.unit.migration ?? null, but?.unit.n ?? null],
  );
}

/** Whether what the unit's survey of this run wrote down was taken back since, in any container. */
export async function isVoided(ledger: Ledger, { pairing, unit }: Surveyor, run: number): Promise<boolean> {
  const { rows } = await ledger.pool.query<{ any: boolean }>(
    `select exists (select from survey s join container c on c.id = s.container
     where c.pairing = $1 and s.migration = $2 and s.unit = $3 and s.run = $4 and s.voided) as any`,
    [pairing.id, unit.migration, unit.n, run],
  );
  return rows[0]?.any ?? false;
}

/** By $1 to $3: the containers of one direction that the unit's spec covers. Elsewhere it writes, moves and removes nothing. */
export const COVERED = `(select c.id from container c join survey s on s.container = c.id
  where c.pairing = $1 and s.migration = $2 and s.unit = $3)`;

export const covered = ({ pairing, unit }: Surveyor): unknown[] => [pairing.id, unit.migration, unit.n];
