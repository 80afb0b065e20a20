/**
 * Taking out what the ledger knows of a migration, or of some of its units. Items belong to pairings, and pairings may be
 * shared: what another unit stands by stays. Each step may be repeated; the units go last, so that a second try finds them.
 */
import type { Account } from '../schemas/spec.js';
import type { Lease } from './leases.js';
import { fenced } from './leases.js';
import type { Ledger, Sql } from './ledger.js';

/** Rows of one statement. */
const BATCH = 5_000;

export interface NamedUnit {
  readonly n: number;
  readonly selection: string;
  readonly from: string;
  readonly to: string;
}

/** What is to be forgotten. */
export interface Forgetting {
  readonly migration: string;
  /** Those of one person; absent: all, and the migration with them. */
  readonly account?: string;
  readonly units: readonly number[];
}

/** Units of a migration, or those in which an account stands on either side. */
export async function unitsNamed(sql: Sql, migration: string, account: string | undefined): Promise<NamedUnit[]> {
  const { rows } = await sql.query<NamedUnit>(
    `select n, selection, account_from as "from", account_to as "to" from unit
     where migration = $1 and ($2::text is null or $2 in (account_from, account_to)) order by n`,
    [migration, account ?? null],
  );
  return rows;
}

/** Names that only these units have in their migration: those of the person, and not of an archive that others go to as well. */
export async function namesOfOnly(sql: Sql, { migration, units }: Forgetting): Promise<string[]> {
  const { rows } = await sql.query<{ name: string }>(
    `select distinct name from unit, unnest(array[account_from, account_to]) as name where migration = $1 and n = any($2)
     except select name from unit, unnest(array[account_from, account_to]) as name where migration = $1 and n <> all($2)
     order by name`,
    [migration, units],
  );
  return rows.map(({ name }) => name);
}

export interface UsedPairing {
  readonly id: number;
  readonly kind: string;
  readonly source: number;
  readonly target: number;
  readonly from: string;
  readonly to: string;
  /** Migrations with a unit beside these that stands by it. */
  readonly sharedWith: readonly string[];
}

/** Pairings that units stand by, or stood by when their accounts were elsewhere. */
export async function pairingsOf(sql: Sql, { migration, units }: Forgetting): Promise<UsedPairing[]> {
  const { rows } = await sql.query<UsedPairing>(
    `with used as materialized (
       select migration, n, pairing from unit where pairing is not null
       union select migration, n, back from unit where back is not null
       union select s.migration, s.unit, c.pairing from survey s join container c on c.id = s.container),
     mine as (select distinct pairing from used where migration = $1 and n = any($2)),
     others as (
       select pairing, array_agg(distinct migration order by migration) as names from used
       where migration <> $1 or n <> all($2) group by pairing)
     select p.id, p.kind, p.source, p.target, a.proof as "from", b.proof as "to", coalesce(names, '{}') as "sharedWith"
     from mine join pairing p on p.id = mine.pairing join place a on a.id = p.source join place b on b.id = p.target
       left join others on others.pairing = p.id
     order by p.id`,
    [migration, units],
  );
  return rows;
}

/** Places of which somebody holds the lease now. */
export async function leasedNow(sql: Sql, places: readonly number[]): Promise<number[]> {
  const { rows } = await sql.query<{ place: number }>(
    'select place from lease where place = any($1) and until > clock_timestamp()',
    [places],
  );
  return rows.map(({ place }) => place);
}

export interface Extent {
  readonly containers: number;
  readonly items: number;
  readonly places: number;
  readonly uploads: number;
  readonly batches: number;
  readonly events: number;
  readonly outcomes: number;
  readonly runs: number;
  readonly specs: number;
}

/** What an event says. Its numbers and the names of its members are ours: an account may be called 12, or "items". */
const SAID = `(message || jsonb_path_query_array(detail, 'strict $.** ? (@.type() == "string")'))`;

/** How much that is. `pairings`: those that go; `names`: what events are searched for beside the units. */
export async function extentOf(
  sql: Sql,
  { migration, account, units }: Forgetting,
  pairings: readonly number[],
  names: readonly string[],
): Promise<Extent> {
  const { rows } = await sql.query<Extent>(
    `with gone as materialized (select id from container where pairing = any($3)),
     place_used as (select source as place, id from pairing union all select target, id from pairing)
     select (select count(*) from gone) as containers,
       (select coalesce(sum(n), 0)::bigint from item_count where container in (select id from gone)) as items,
       (select count(*) from (select place from place_used group by place
         having bool_and(id = any($3)) and count(*) > 0) p) as places,
       (select count(*) from upload where container in (select id from gone)) as uploads,
       (select count(*) from batch where container in (select id from gone)) as batches,
       (select count(*) from event where migration = $1 and ($4 or unit = any($2) or ${SAID} ~* $5)) as events,
       (select count(*) from outcome where migration = $1 and ($4 or unit = any($2) or reason ~* $5)
         or container in (select id from gone)) as outcomes,
       (select count(*) from run where migration = $1 and $4) as runs,
       (select count(*) from spec where name = $1 and $4) as specs`,
    [migration, units, pairings, account === undefined, mention(names)],
  );
  return rows[0] as Extent;
}

/**
 * The accounts go from the lists of every spec that was stored; what else a spec says stays. How many specs had them, and
 * whether one names the person elsewhere: in a filter, a template, a login.
 */
export async function forgetInSpecs(
  ledger: Ledger,
  migration: string,
  gone: readonly Pick<NamedUnit, 'selection' | 'from' | 'to'>[],
  names: readonly string[],
  dryRun: boolean,
): Promise<{ readonly specs: number; readonly stillNamed: boolean }> {
  const accounts = new Set(gone.map(({ selection, from, to }) => JSON.stringify([selection, from, to])));
  const { rows } = await ledger.pool.query<{ hash: string }>('select hash from spec where name = $1', [migration]);
  let specs = 0;
  let stillNamed = false;
  for (const { hash } of rows) {
    await ledger.transaction(async (sql) => {
      const rest: unknown[] = (await sql.query('select body from spec where hash = $1 for update', [hash])).rows;
      const lists = await sql.query<{ selection: string; accounts: readonly Account[] }>(
        'select selection, accounts from spec_accounts where spec = $1',
        [hash],
      );
      let had = false;
      for (const { selection, accounts: all } of lists.rows) {
        const left = all.filter(({ from, to }) => !accounts.has(JSON.stringify([selection, from, to])));
        rest.push(left);
        if (left.length === all.length) continue;
        had = true;
        if (dryRun) continue;
        const written = [hash, selection, JSON.stringify(left)];
        await sql.query('update spec_accounts set accounts = $3 where spec = $1 and selection = $2', written);
      }
      if (had) specs++;
      const named = await sql.query<{ still: boolean }>('select $1::text ~* $2 as still', [
        JSON.stringify(rest),
        mention(names),
      ]);
      stillNamed ||= named.rows[0]?.still ?? false;
    });
  }
  return { specs, stillNamed };
}

/** Other migrations whose specs have any of these names in them. */
export async function othersNaming(sql: Sql, migration: string, names: readonly string[]): Promise<string[]> {
  const { rows } = await sql.query<{ name: string }>(
    `select distinct name from spec where name <> $1 and (body::text ~* $2
       or exists (select from spec_accounts where spec = hash and accounts::text ~* $2)) order by name`,
    [migration, mention(names)],
  );
  return rows.map(({ name }) => name);
}

/** Places of pairings that go which stay, because others are of them as well. */
export async function sharedPlaces(sql: Sql, pairings: readonly number[]): Promise<string[]> {
  const { rows } = await sql.query<{ proof: string }>(
    `select distinct proof from pairing p join place on place.id in (p.source, p.target)
     where p.id = any($1) and exists (
       select from pairing o where o.id <> all($1) and place.id in (o.source, o.target)) order by proof`,
    [pairings],
  );
  return rows.map(({ proof }) => proof);
}

/** What was written down of the units beside their items; of a person also what names them elsewhere in the migration. */
export async function forgetRecords(
  { pool }: Ledger,
  { migration, account, units }: Forgetting,
  names: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const all = account === undefined;
  await inBatches(signal, () =>
    pool.query(
      `delete from event where id in (
         select id from event where migration = $1 and ($4 or unit = any($2) or ${SAID} ~* $3) limit ${BATCH})`,
      [migration, units, mention(names), all],
    ),
  );
  await inBatches(signal, () =>
    pool.query(
      `delete from outcome where id in (
         select id from outcome where migration = $1 and ($4 or unit = any($2) or reason ~* $3) limit ${BATCH})`,
      [migration, units, mention(names), all],
    ),
  );
  await pool.query(
    `delete from gate where migration = $1 and ($4 or unit = any($2) or concat_ws(' ', reason, next) ~* $3)`,
    [migration, units, mention(names), all],
  );
  await pool.query(
    `update unit set reason = null, next = null where migration = $1 and concat_ws(' ', reason, next) ~* $2`,
    [migration, mention(names)],
  );
  await pool.query('delete from slot where until < clock_timestamp()');
}

/**
 * From here on nothing counts of what the units surveyed of a pairing: should a run come before the end of this, it lists the
 * source anew and looks at what the target holds.
 */
export async function voidPairing(sql: Sql, pairing: number): Promise<void> {
  await sql.query(
    `update survey set token = null, listing_run = null, listing_token = null, listing_after = null, listing_id = null,
       listing_state = null, voided = true
     where container in (select id from container where pairing = $1)`,
    [pairing],
  );
  await sql.query('update container set scanned = false, scanned_to = null, target_anchor = null where pairing = $1', [
    pairing,
  ]);
}

/** A pairing with its containers and items, under the lease on its target place. `renew` is called before each batch. */
export async function forgetPairing(
  ledger: Ledger,
  lease: Lease,
  { id: pairing, source, target }: Pick<UsedPairing, 'id' | 'source' | 'target'>,
  renew: () => Promise<void>,
): Promise<void> {
  await renew();
  await fenced(ledger, lease, (sql) => voidPairing(sql, pairing));
  for (let removed = BATCH; removed === BATCH; ) {
    await renew();
    removed = await fenced(ledger, lease, async (sql) => {
      const { rowCount } = await sql.query(
        `delete from item where ctid = any (array(
           select i.ctid from container c join item i on i.container = c.id where c.pairing = $1 limit ${BATCH}))`,
        [pairing],
      );
      return rowCount ?? 0;
    });
  }
  await renew();
  await fenced(ledger, lease, async (sql) => {
    // Uploads, doubts and surveys go with their container.
    for (const table of ['batch', 'outcome', 'item_count'])
      await sql.query(`delete from ${table} where container in (select id from container where pairing = $1)`, [
        pairing,
      ]);
    await sql.query('delete from container where pairing = $1', [pairing]);
    await sql.query('update unit set pairing = null where pairing = $1', [pairing]);
    await sql.query('update unit set back = null where back = $1', [pairing]);
    await sql.query('delete from pairing where id = $1', [pairing]);
    // What was found in folders of the target that nothing goes to any more.
    await sql.query(
      `delete from found f where place = $1 and not exists (
         select from pairing p join container c on c.pairing = p.id
         where p.target = f.place and c.target_key = f.target_key)`,
      [target],
    );
    await forgetPlaces(sql, [source, target], []);
  });
}

/** Places that no pairing is of any more, with their leases and what was found there; of `places`, or named by one of `names`. */
export async function forgetPlaces(sql: Sql, places: readonly number[], names: readonly string[]): Promise<void> {
  const { rows } = await sql.query<{ id: number }>(
    `select id from place where (id = any($1) or proof ~* $2)
       and not exists (select from pairing where source = place.id or target = place.id)`,
    [places, mention(names)],
  );
  const ids = rows.map(({ id }) => id);
  await sql.query('delete from lease where place = any($1)', [ids]);
  await sql.query('delete from found where place = any($1)', [ids]);
  await sql.query('delete from place where id = any($1)', [ids]);
}

/** The units themselves, and without an account the migration: its runs, specs, and what a person wanted of it. */
export async function forgetUnits(sql: Sql, { migration, account, units }: Forgetting): Promise<void> {
  await sql.query('delete from survey where migration = $1 and unit = any($2)', [migration, units]);
  await sql.query('delete from unit where migration = $1 and n = any($2)', [migration, units]);
  // Somebody who comes later may get the number.
  await sql.query(
    'update run set part = array(select n from unnest(part) n where n <> all($2)) where migration = $1 and part && $2',
    [migration, units],
  );
  if (account !== undefined) return;
  await sql.query('delete from run where migration = $1', [migration]);
  await sql.query('delete from migration where name = $1', [migration]);
  await sql.query(
    'delete from spec where name = $1 and not exists (select from run where spec = hash) and not exists (select from migration where spec = hash)',
    [migration],
  );
}

/** The number of the last run; undefined for a migration that is not known. */
export async function lastRun(sql: Sql, migration: string, lock = false): Promise<number | undefined> {
  const { rows } = await sql.query<{ last: number }>(
    `select last_run as last from migration where name = $1${lock ? ' for update' : ''}`,
    [migration],
  );
  return rows[0]?.last;
}

/**
 * A pattern for text that has one of these names in it as a word of its own, in whatever case; without names one that
 * nothing fits. An address ends where its characters do: mary-anna@x and anna@x.org are others than anna@x.
 */
function mention(names: readonly string[]): string {
  if (names.length === 0) return '$.';
  return spelled(names)
    .map((name) => {
      const joint = name.includes('@') || name.includes('%40') ? '[.+_-]?' : '';
      return `(?<![[:alnum:]]${joint})${quoted(name)}(?!${joint}[[:alnum:]])`;
    })
    .join('|');
}

/** As places have them, which are URLs, and as JSON has them. */
function spelled(names: readonly string[]): string[] {
  return [...new Set(names.flatMap((name) => [name, encodeURIComponent(name), JSON.stringify(name).slice(1, -1)]))];
}

const quoted = (text: string): string => text.replace(/[^\p{L}\p{N}]/gu, (sign) => `\\U${hex(sign).padStart(8, '0')}`);

const hex = (sign: string): string => (sign.codePointAt(0) as number).toString(16);

async function inBatches(
  signal: AbortSignal,
  remove: () => Promise<{ readonly rowCount: number | null }>,
): Promise<void> {
  for (let removed = BATCH; removed === BATCH; ) {
    signal.throwIfAborted();
    removed = (await remove()).rowCount ?? 0;
  }
}
