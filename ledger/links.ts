/**
 * Two-way units have a pairing for each direction. What one direction writes, the other must know as its own item, or
 * it would carry it back: both are written down in one transaction.
 */
import type { ItemRef } from '../connectors/contract.js';
import { stageItems } from './items.js';
import type { Sql } from './ledger.js';

/** A container of this direction, bound to its counterpart. */
export interface LinkedContainer {
  readonly id: number;
  readonly key: string;
  readonly path: readonly string[];
  readonly validity: string;
  readonly targetKey: string;
  readonly targetPath: readonly string[] | null;
  readonly targetValidity: string | null;
}

/** One item of this direction and its copy. */
export interface Link {
  readonly key: string;
  readonly version: string;
  readonly ref: string;
  /** Empty where the target did not tell: the other direction then reads the copy once and knows it by its digest. */
  readonly refVersion: string;
  readonly digest: string;
  readonly bytes: number;
  /** The UID of the item, where the copy goes by another. */
  readonly uid: string | undefined;
}

/**
 * The other direction's row for the counterpart of a container; made where it has not been surveyed yet. The units that
 * cover the container in this direction cover its counterpart in the other.
 */
async function counterpart(sql: Sql, other: number, container: LinkedContainer): Promise<number> {
  const { rows } = await sql.query<{ id: number }>(
    `insert into container (pairing, key, path, validity, target_key, target_path, target_validity, scanned)
     values ($1, $2, $3, $4, $5, $6, $7, false)
     on conflict (pairing, key) do update set target_key = coalesce(container.target_key, excluded.target_key),
       target_path = coalesce(container.target_path, excluded.target_path),
       target_validity = coalesce(container.target_validity, excluded.target_validity) returning id`,
    [
      other,
      container.targetKey,
      container.targetPath ?? [],
      container.targetValidity ?? '',
      container.key,
      container.path,
      container.validity,
    ],
  );
  const { id } = rows[0] as { id: number };
  await sql.query(
    `insert into survey (container, migration, unit)
     select $1, s.migration, s.unit from survey s join unit u on u.migration = s.migration and u.n = s.unit
     where s.container = $2 and $3 in (u.pairing, u.back) on conflict do nothing`,
    [id, container.id, other],
  );
  return id;
}

/** The other direction takes these copies for settled items of its own. */
export async function linkReverse(
  sql: Sql,
  other: number,
  container: LinkedContainer,
  links: readonly Link[],
  run: number,
): Promise<void> {
  if (links.length === 0) return;
  const id = await counterpart(sql, other, container);
  await sql.query(`delete from item where container = $1 and target_ref = any($2) and key <> all ($3)`, [
    id,
    links.map((link) => link.key),
    links.map((link) => link.ref),
  ]);
  await sql.query(
    `insert into item (container, key, version, meta, bytes, digest, target_ref, target_version, outcome, run, base,
       identities)
     select $1, ref, ref_version, '{}', bytes, decode(digest, 'hex'), key, version, 'linked', $8,
       case when uid is null then '{}'::jsonb else jsonb_build_object('uid', uid) end,
       (select identities from item where container = $10 and key = t.key)
     from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $9::text[])
       as t (ref, ref_version, key, version, digest, bytes, uid)
     on conflict (container, key) do update set version = excluded.version, digest = excluded.digest,
       bytes = excluded.bytes, target_ref = excluded.target_ref, target_version = excluded.target_version,
       identities = excluded.identities,
       base = excluded.base, outcome = 'linked', todo = null, gone = false, proof = null, reason = null, tries = 0`,
    [
      id,
      links.map((link) => link.ref),
      links.map((link) => link.refVersion),
      links.map((link) => link.key),
      links.map((link) => link.version),
      links.map((link) => link.digest),
      links.map((link) => link.bytes),
      run,
      links.map((link) => link.uid ?? null),
      container.id,
    ],
  );
}

/** Items that this direction made by itself in the target: the other direction is to carry them. */
export async function stageReverse(
  sql: Sql,
  other: number,
  container: LinkedContainer,
  items: readonly ItemRef[],
  run: number,
): Promise<void> {
  await stageItems(sql, await counterpart(sql, other, container), items, run, 'content');
}

/** The copies are gone with their items: the other direction forgets them too. */
export async function unlinkReverse(
  sql: Sql,
  other: number,
  targetKey: string,
  refs: readonly string[],
): Promise<void> {
  if (refs.length === 0) return;
  await sql.query(
    `delete from item where key = any($3) and container in (select id from container where pairing = $1 and key = $2)`,
    [other, targetKey, refs],
  );
}

/** The copies won: the other direction carries them. Without their counterpart they are made anew there. */
export async function requeueReverse(
  sql: Sql,
  other: number,
  targetKey: string,
  refs: readonly string[],
  what: 'update' | 'create',
): Promise<void> {
  if (refs.length === 0) return;
  await sql.query(
    `update item set todo = case when target_ref is null then 'create' else $4 end,
       target_ref = case when $4 = 'create' then null else target_ref end,
       target_version = case when $4 = 'create' then null else target_version end
     where key = any($3) and container in (select id from container where pairing = $1 and key = $2)`,
    [other, targetKey, refs, what],
  );
}

/** Copies that were read anew have another version than the one they were written with. */
export async function renewLinks(
  sql: Sql,
  other: number,
  targetKey: string,
  versions: readonly { readonly ref: string; readonly version: string }[],
): Promise<void> {
  if (versions.length === 0) return;
  await sql.query(
    `update item i set version = t.version from unnest($3::text[], $4::text[]) as t (ref, version)
     where i.key = t.ref and i.todo is null and i.outcome = 'linked'
       and i.container in (select id from container where pairing = $1 and key = $2)`,
    [other, targetKey, versions.map((v) => v.ref), versions.map((v) => v.version)],
  );
}

/** The path that the counterpart of a container has in its own place, when the other direction has seen it. */
export async function counterpartPath(
  sql: Sql,
  other: number,
  targetKey: string,
): Promise<readonly string[] | undefined> {
  const { rows } = await sql.query<{ path: string[] }>(
    'select path from container where pairing = $1 and target_key = $2 order by id limit 1',
    [other, targetKey],
  );
  return rows[0]?.path;
}
