/** Items that left the source and still stand in the target: what turns up elsewhere may be one of them. */
import type { ItemRow } from './items.js';
import type { Sql } from './ledger.js';
import type { Surveyor } from './surveys.js';
import { COVERED, covered } from './surveys.js';

/** An item that left one container and whose content turned up in another: the target can move it too. */
export interface Departed {
  readonly container: number;
  readonly key: string;
  readonly digest: string;
  readonly targetRef: string;
  readonly targetVersion: string | null;
  readonly targetKey: string;
  readonly targetValidity: string;
}

/** An item that is gone from the source, with what tells whether a new one is the same under another key. */
export interface DepartedNamesake extends Pick<ItemRow, 'digest' | 'targetVersion' | 'base' | 'outcome'> {
  readonly container: number;
  readonly key: string;
  readonly targetRef: string;
  readonly identities: readonly string[] | null;
}

/** Items that the spec covers, are gone from the source and stand in one container of the target, by identity or digest. */
export async function departedNamesakes(
  sql: Sql,
  surveyor: Surveyor,
  targetKey: string,
  { identities, digests }: { readonly identities: readonly string[]; readonly digests: readonly string[] },
): Promise<DepartedNamesake[]> {
  const { rows } = await sql.query<DepartedNamesake>(
    `select i.container, i.key, i.identities, encode(i.digest, 'hex') as digest, i.target_ref as "targetRef",
       i.target_version as "targetVersion", i.base, i.outcome
     from item i join container c on c.id = i.container
     where c.id in ${COVERED} and c.target_key = $4 and i.gone and i.target_ref is not null
       and (i.identities && $5 or i.digest = any (select decode(d, 'hex') from unnest($6::text[]) as d))
     order by i.container, i.key`,
    [...covered(surveyor), targetKey, identities, digests],
  );
  return rows;
}

/** Items that the spec covers, are gone from the source and stand in the target, by digest. */
export async function departedByDigest(sql: Sql, surveyor: Surveyor, digests: readonly string[]): Promise<Departed[]> {
  const { rows } = await sql.query<Departed>(
    `select i.container, i.key, encode(i.digest, 'hex') as digest, i.target_ref as "targetRef", i.target_version as "targetVersion", c.target_key as "targetKey", c.target_validity as "targetValidity"
     from item i join container c on c.id = i.container
     where c.id in ${COVERED} and i.gone and i.target_ref is not null and i.outcome <> 'skipped'
       and i.digest = any (select decode(d, 'hex') from unnest($4::text[]) as d)
     order by i.container, i.key`,
    [...covered(surveyor), digests],
  );
  return rows;
}

/**
 * Of a listed file (`t`): what stays with it under another name is that of a file we know (`i`). When it was made is part
 * of that: file systems give the id of a removed file (its inode) to the next one, and unpacked archives have many files
 * of one size and date.
 */
export const SAME_FILE = `i.meta->>'id' = t.id and i.bytes = t.bytes and i.meta->>'modified' = t.modified
  and i.meta->>'created' is not distinct from t.created`;

/** Listed files as `t`, from the parameters $2 to $6: `listedFileValues`. */
export const LISTED_FILES =
  'unnest($2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[]) as t (key, id, bytes, modified, created)';

export function listedFileValues(files: readonly Pick<ItemRow, 'key' | 'bytes' | 'meta'>[]): unknown[][] {
  return [
    files.map((file) => file.key),
    files.map((file) => file.meta.id ?? null),
    files.map((file) => file.bytes),
    files.map((file) => file.meta.modified ?? null),
    files.map((file) => file.meta.created ?? null),
  ];
}

/**
 * Digests of items that are gone from the source under another key and have what these have: id, size and dates. By the
 * key of the new item.
 */
export async function departedById(
  sql: Sql,
  pairing: number,
  items: readonly Pick<ItemRow, 'key' | 'bytes' | 'meta'>[],
): Promise<Map<string, string>> {
  const { rows } = await sql.query<{ key: string; digest: string }>(
    `select t.key, encode(i.digest, 'hex') as digest
     from ${LISTED_FILES} join item i on ${SAME_FILE}
     join container c on c.id = i.container
     where c.pairing = $1 and i.gone and i.target_ref is not null and i.digest is not null and i.outcome <> 'skipped'`,
    [pairing, ...listedFileValues(items)],
  );
  return new Map(rows.map((row) => [row.key, row.digest]));
}

/** Whether a file of this size left the source, so that a new one may be that. */
export async function hasDepartedOf(sql: Sql, surveyor: Surveyor, bytes: number): Promise<boolean> {
  const { rows } = await sql.query<{ any: boolean }>(
    `select exists (select from item i join container c on c.id = i.container
     where c.id in ${COVERED} and i.gone and i.target_ref is not null and i.bytes = $4) as any`,
    [...covered(surveyor), bytes],
  );
  return rows[0]?.any ?? false;
}

export async function hasDeparted(sql: Sql, surveyor: Surveyor): Promise<boolean> {
  const { rows } = await sql.query<{ any: boolean }>(
    `select exists (select from item i join container c on c.id = i.container
     where c.id in ${COVERED} and i.gone and i.target_ref is not null) as any`,
    covered(surveyor),
  );
  return rows[0]?.any ?? false;
}
