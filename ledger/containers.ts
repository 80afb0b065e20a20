/** Containers of a pairing: both sides, cursors and tokens. */
import type { Container, ContainerProperties, Role, TargetContainer } from '../connectors/contract.js';
import type { Ledger, Sql } from './ledger.js';

export interface ContainerRow {
  readonly id: number;
  readonly key: string;
  readonly path: readonly string[];
  readonly role: Role | null;
  readonly subscribed: boolean | null;
  readonly properties: ContainerProperties | null;
  readonly validity: string;
  readonly token: string | null;
  readonly listingToken: string | null;
  readonly listingAfter: string | null;
  readonly surveyedRun: number;
  readonly targetKey: string | null;
  readonly targetPath: readonly string[] | null;
  readonly targetValidity: string | null;
  readonly scanned: boolean;
  /** Where the target would have put the next item when the last slice had written all it had. */
  readonly targetAnchor: string | null;
  readonly filter: string;
}

const COLUMNS = `id, key, path, role, subscribed, properties, validity, token, listing_token as "listingToken", listing_after as "listingAfter",
  surveyed_run as "surveyedRun", target_key as "targetKey", target_path as "targetPath", target_validity as "targetValidity", scanned,
  target_anchor as "targetAnchor", filter`;

export async function listContainers(ledger: Ledger, pairing: number): Promise<ContainerRow[]> {
  const { rows } = await ledger.pool.query<ContainerRow>(
    `select ${COLUMNS} from container where pairing = $1 order by id`,
    [pairing],
  );
  return rows;
}

/** Containers that have something to do, with the kinds of work, in the order they were first seen. */
export async function containersToDo(ledger: Ledger, pairing: number): Promise<(ContainerRow & { todo: string[] })[]> {
  const { rows } = await ledger.pool.query<ContainerRow & { todo: string[] }>(
    `select ${COLUMNS}, todo from container c
     cross join lateral (select array_agg(distinct todo) as todo from item where container = c.id and todo is not null) t
     where pairing = $1 and t.todo is not null order by id`,
    [pairing],
  );
  return rows;
}

/** Writes a container down as the source shows it; what is known of the target stays. */
export async function seeContainer(sql: Sql, pairing: number, container: Container): Promise<ContainerRow> {
  const { rows } = await sql.query<ContainerRow>(
    `insert into container (pairing, key, path, role, subscribed, validity, properties) values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (pairing, key) do update
       set path = excluded.path, role = excluded.role, subscribed = excluded.subscribed, properties = excluded.properties
     returning ${COLUMNS}`,
    [
      pairing,
      container.key,
      container.path,
      container.role ?? null,
      container.subscribed ?? null,
      container.validity,
      container.properties ?? null,
    ],
  );
  return rows[0] as ContainerRow;
}

/**
 * The source voided all keys of the container. What we know to be in the target becomes `found`, so that the
 * same messages under new keys are recognised by their digest instead of being copied again. The target is scanned
 * anew too: writes in doubt may have landed.
 */
export async function voidKeys(sql: Sql, container: number, targetPlace: number, validity: string): Promise<void> {
  await sql.query(
    `insert into found (place, target_key, ref, digest, bytes, meta)
     select $2, c.target_key, i.target_ref, i.digest, i.bytes, coalesce(i.base, '{}')
     from item i join container c on c.id = i.container
     where i.container = $1 and i.target_ref is not null and i.digest is not null and c.target_key is not null
     on conflict (place, target_key, ref) do update set taken = false`,
    [container, targetPlace],
  );
  await sql.query('delete from batch where container = $1', [container]);
  await sql.query('delete from item where container = $1', [container]);
  await sql.query(
    'update container set validity = $2, token = null, listing_token = null, listing_after = null, scanned = false where id = $1',
    [container, validity],
  );
}

export async function startListing(
  sql: Sql,
  container: number,
  token: string | undefined,
  filter: string,
): Promise<void> {
  await sql.query(
    'update container set listing_token = $2, listing_after = null, token = null, filter = $3 where id = $1',
    [container, token ?? null, filter],
  );
}

export async function advanceListing(sql: Sql, container: number, after: string): Promise<void> {
  await sql.query('update container set listing_after = $2 where id = $1', [container, after]);
}

/** Commits the token: from now on it stands for what is written down. Part of the last page's transaction. */
export async function finishSurvey(
  sql: Sql,
  container: number,
  state: { readonly token: string | null; readonly filter: string },
  run: number,
): Promise<void> {
  await sql.query(
    `update container set token = $2, filter = $3, listing_token = null, listing_after = null, surveyed_run = $4 where id = $1`,
    [container, state.token, state.filter, run],
  );
}

/** What is gone with its container: marks the items of containers that the source no longer has. */
export async function markVanished(sql: Sql, pairing: number, present: readonly string[], run: number): Promise<void> {
  await sql.query(
    `update item set gone = true, run = $3, todo = case when todo in ('create', 'update') then null else todo end
     where not gone and container in (select id from container where pairing = $1 and key <> all ($2))`,
    [pairing, present, run],
  );
  // Should one come back, it is listed anew: an equal token must not leave its items gone.
  await sql.query('update container set token = null where pairing = $1 and key <> all ($2) and token is not null', [
    pairing,
    present,
  ]);
}

/** Binds the target's side. A new validity voids all references: they are looked for again by digest. */
export async function bindTarget(sql: Sql, container: number, target: TargetContainer): Promise<void> {
  await sql.query(
    `update container set target_key = $2, target_path = $3, target_validity = $4, notes = $5,
       scanned = case when target_key = $2 and target_validity = $4 then scanned else $6 end
     where id = $1`,
    [container, target.key, target.path, target.validity, target.notes ?? [], target.items === 0],
  );
}

/** What the target held is written down in `found`. */
export async function markScanned(sql: Sql, container: number): Promise<void> {
  await sql.query('update container set scanned = true where id = $1', [container]);
}

/** Everything before this anchor was written by us, or looked at. */
export async function rememberAnchor(sql: Sql, container: number, anchor: string): Promise<void> {
  await sql.query('update container set target_anchor = $2 where id = $1 and target_anchor is distinct from $2', [
    container,
    anchor,
  ]);
}

export async function setExcluded(sql: Sql, container: number, excluded: number, fresh: boolean): Promise<void> {
  await sql.query(`update container set excluded = ${fresh ? '' : 'excluded +'} $2 where id = $1`, [
    container,
    excluded,
  ]);
}
