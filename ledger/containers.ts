/** Containers of a pairing: both sides. What has been surveyed of them is in surveys.ts. */
import type { Container, ContainerProperties, Role, TargetContainer } from '../connectors/contract.js';
import type { Ledger, Sql } from './ledger.js';
import type { Surveyor } from './surveys.js';
import { voidSurveys } from './surveys.js';

export interface ContainerRow {
  readonly id: number;
  readonly key: string;
  readonly path: readonly string[];
  readonly role: Role | null;
  readonly subscribed: boolean | null;
  readonly properties: ContainerProperties | null;
  readonly validity: string;
  readonly targetKey: string | null;
  readonly targetPath: readonly string[] | null;
  readonly targetValidity: string | null;
  readonly scanned: boolean;
  /** What came to the target before this anchor was looked at; null where all is to be looked at. */
  readonly scannedTo: string | null;
  /** Where the target would have put the next item when the last slice had written all it had. */
  readonly targetAnchor: string | null;
}

export const CONTAINER_COLUMNS = `id, key, path, role, subscribed, properties, validity, target_key as "targetKey", target_path as "targetPath",
  target_validity as "targetValidity", scanned, scanned_to as "scannedTo",
  target_anchor as "targetAnchor"`;

/** All containers of a pairing, whichever of them the spec covers now. */
export async function listContainers(ledger: Ledger, pairing: number): Promise<ContainerRow[]> {
  const { rows } = await ledger.pool.query<ContainerRow>(
    `select ${CONTAINER_COLUMNS} from container where pairing = $1 order by id`,
    [pairing],
  );
  return rows;
}

/** Containers that the unit's spec covers, with the run that has surveyed them last. */
export async function coveredContainers(
  ledger: Ledger,
  { pairing, unit }: Surveyor,
): Promise<(ContainerRow & { readonly surveyedRun: number })[]> {
  const { rows } = await ledger.pool.query<ContainerRow & { surveyedRun: number }>(
    `select ${CONTAINER_COLUMNS}, s.run as "surveyedRun" from container c join survey s on s.container = c.id
     where c.pairing = $1 and s.migration = $2 and s.unit = $3 order by id`,
    [pairing.id, unit.migration, unit.n],
  );
  return rows;
}

/** Each kind of work by one look into the index of what is to do, however many items wait. */
const KINDS_OF_WORK = `
  with recursive work as (
    (select todo from item where container = c.id and todo is not null order by todo limit 1)
    union all
    select (select i.todo from item i where i.container = c.id and i.todo is not null and i.todo > work.todo order by i.todo limit 1)
    from work where work.todo is not null)
  select array_agg(todo) as todo from work where todo is not null`;

/** Containers that the unit's spec covers and that have something to do, with the kinds of work, the first seen first. */
export async function containersToDo(
  ledger: Ledger,
  { pairing, unit }: Surveyor,
): Promise<(ContainerRow & { todo: string[] })[]> {
  const { rows } = await ledger.pool.query<ContainerRow & { todo: string[] }>(
    `select ${CONTAINER_COLUMNS}, todo from container c join survey s on s.container = c.id
     cross join lateral (${KINDS_OF_WORK}) t
     where c.pairing = $1 and s.migration = $2 and s.unit = $3 and t.todo is not null order by id`,
    [pairing.id, unit.migration, unit.n],
  );
  return rows;
}

/** Writes a container down as the source shows it; what is known of the target stays. */
export async function seeContainer(sql: Sql, pairing: number, container: Container): Promise<ContainerRow> {
  const { rows } = await sql.query<ContainerRow>(
    `insert into container (pairing, key, path, role, subscribed, validity, properties) values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (pairing, key) do update
       set path = excluded.path, role = excluded.role, subscribed = excluded.subscribed, properties = excluded.properties
     returning ${CONTAINER_COLUMNS}`,
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
  // Their answers are not waited for: what still lands is recognised by its digest, as any late copy is.
  await sql.query(
    `insert into doubt (container, key, digest)
     select b.container, t.key, decode(t.digest, 'hex') from batch b, unnest(b.keys, b.digests) as t (key, digest)
     where b.container = $1 and b.op = 'create' and b.paths is null
     on conflict (container, key) do update set digest = excluded.digest, at = clock_timestamp()`,
    [container],
  );
  await sql.query('delete from batch where container = $1', [container]);
  await sql.query('delete from item where container = $1', [container]);
  await sql.query('update container set validity = $2, scanned = false where id = $1', [container, validity]);
  await voidSurveys(sql, container);
}

/** What is gone with its container: marks the items of containers that the source no longer has. */
export async function markVanished(sql: Sql, pairing: number, present: readonly string[], run: number): Promise<void> {
  const { rows } = await sql.query<{ id: number; stands: boolean }>(
    `select id, coalesce((select sum(n) from item_count where container = c.id and not gone), 0) > 0 as stands
     from container c where pairing = $1 and key <> all ($2)`,
    [pairing, present],
  );
  if (rows.length === 0) return;
  // Those that went away in earlier runs are not read again.
  const standing = rows.flatMap(({ id, stands }) => (stands ? [id] : []));
  if (standing.length > 0) {
    await sql.query(
      `update item set gone = true, run = $2, todo = case when todo in ('create', 'update') then null else todo end
       where not gone and container = any ($1)`,
      [standing, run],
    );
  }
  // Should one come back, it is listed anew: an equal token must not leave its items gone.
  await sql.query('update survey set token = null where token is not null and container = any ($1)', [
    rows.map(({ id }) => id),
  ]);
}

/** Binds the target's side. A new validity voids all references: they are looked for again by digest. */
export async function bindTarget(sql: Sql, container: number, target: TargetContainer): Promise<void> {
  await sql.query(
    `update container set target_key = $2, target_path = $3, target_validity = $4, notes = $5,
       scanned = case when target_key = $2 and target_validity = $4 then scanned else $6 end,
       scanned_to = null
     where id = $1`,
    [container, target.key, target.path, target.validity, target.notes ?? [], target.items === 0],
  );
}

/** Whether the container is bound to this folder of the target, as it is now. */
export async function isBound(
  sql: Sql,
  container: number,
  { key, validity }: Pick<TargetContainer, 'key' | 'validity'>,
): Promise<boolean> {
  const { rowCount } = await sql.query(
    'select from container where id = $1 and target_key = $2 and target_validity = $3',
    [container, key, validity],
  );
  return rowCount === 1;
}

/** The container, and others of its pairing that are bound to the same folder of the target as it was before. */
export async function outdatedWith(
  sql: Sql,
  container: number,
  { key, validity }: Pick<TargetContainer, 'key' | 'validity'>,
): Promise<readonly number[]> {
  const { rows } = await sql.query<{ id: number }>(
    `select c.id from container here join container c on c.pairing = here.pairing
     where here.id = $1 and (c.id = $1 or c.target_key = $2 and c.target_validity is distinct from $3)
     order by c.id <> $1, c.id`,
    [container, key, validity],
  );
  return rows.map(({ id }) => id);
}

/** What the target held is written down in `found`; `to`: its anchor before it was looked at, where that was asked for. */
export async function markScanned(sql: Sql, container: number, to?: string): Promise<void> {
  await sql.query('update container set scanned = true, scanned_to = coalesce($2, scanned_to) where id = $1', [
    container,
    to ?? null,
  ]);
}

/** Everything before this anchor was written by us, or looked at. */
export async function rememberAnchor(sql: Sql, container: number, anchor: string): Promise<void> {
  await sql.query('update container set target_anchor = $2 where id = $1 and target_anchor is distinct from $2', [
    container,
    anchor,
  ]);
}
