/** What a target holds that we did not write: adopted by digest, or reported as a duplicate. */
import type { JsonObject, TargetRef } from '../connectors/contract.js';
import type { Sql } from './ledger.js';

export async function writeUnclaimed(
  sql: Sql,
  place: number,
  targetKey: string,
  refs: readonly (TargetRef & { readonly identities?: readonly string[] | undefined; readonly earlier?: string })[],
  run: number,
): Promise<void> {
  if (refs.length === 0) return;
  await sql.query(
    `insert into found (place, target_key, ref, run, digest, bytes, meta, version, identities, earlier)
     select $1, $2, ref, $9, decode(digest, 'hex'), bytes, meta, version,
       case when identities is null then null else string_to_array(identities, ',') end, decode(earlier, 'hex')
     from unnest($3::text[], $4::text[], $5::bigint[], $6::jsonb[], $7::text[], $8::text[], $10::text[])
       as t (ref, digest, bytes, meta, version, identities, earlier)
     on conflict (place, target_key, ref) do update set run = excluded.run, digest = excluded.digest, version = excluded.version,
       earlier = excluded.earlier, identities = excluded.identities, taken = found.taken and found.digest = excluded.digest and exists (
         select from pairing p join container c on c.pairing = p.id and c.target_key = found.target_key
         join item i on i.container = c.id and i.target_ref = found.ref where p.target = found.place)`,
    [
      place,
      targetKey,
      refs.map((r) => r.ref),
      refs.map((r) => r.digest),
      refs.map((r) => r.bytes),
      refs.map((r) => JSON.stringify(r.meta)),
      refs.map((r) => r.version ?? null),
      // Hashes hold no comma.
      refs.map((r) => r.identities?.join(',') || null),
      run,
      refs.map((r) => r.earlier ?? null),
    ],
  );
}

/** Whether items that stand in a container of a target have digests of version 1, by their length. */
export async function holdsOutdated(sql: Sql, place: number, targetKey: string): Promise<boolean> {
  const { rows } = await sql.query<{ any: boolean }>(
    `select exists (select from pairing p join container c on c.pairing = p.id join item i on i.container = c.id
     where p.target = $1 and c.target_key = $2 and octet_length(i.digest) = 32) as any`,
    [place, targetKey],
  );
  return rows[0]?.any ?? false;
}

export async function hasUnclaimed(sql: Sql, place: number, targetKey: string): Promise<boolean> {
  const { rows } = await sql.query<{ any: boolean }>(
    'select exists (select from found where place = $1 and target_key = $2 and not taken) as any',
    [place, targetKey],
  );
  return rows[0]?.any ?? false;
}

export interface UnclaimedCopy {
  readonly ref: string;
  readonly digest: string;
  readonly meta: JsonObject;
  readonly version: string | null;
  /** The run whose scan read it last. */
  readonly run: number;
}

/** Copies nobody has claimed yet, by digest; the caller claims each for one item at most. */
export async function unclaimedByDigest(
  sql: Sql,
  place: number,
  targetKey: string,
  digests: readonly string[],
): Promise<UnclaimedCopy[]> {
  const { rows } = await sql.query<UnclaimedCopy>(
    `select ref, encode(digest, 'hex') as digest, meta, version, run from found
     where place = $1 and target_key = $2 and not taken
       and digest = any (select decode(d, 'hex') from unnest($3::text[]) as d) order by ref`,
    [place, targetKey, digests],
  );
  return rows;
}

export async function claimCopies(sql: Sql, place: number, targetKey: string, refs: readonly string[]): Promise<void> {
  await sql.query('update found set taken = true where place = $1 and target_key = $2 and ref = any($3)', [
    place,
    targetKey,
    refs,
  ]);
}

/** Of these references in one container of a target those that are written down as found. */
export async function unclaimedRefs(
  sql: Sql,
  place: number,
  targetKey: string,
  refs: readonly string[],
): Promise<Set<string>> {
  const { rows } = await sql.query<{ ref: string }>(
    'select ref from found where place = $1 and target_key = $2 and ref = any($3)',
    [place, targetKey, refs],
  );
  return new Set(rows.map((row) => row.ref));
}

/** Forgets copies nobody has claimed that were looked for one by one: they are gone. */
export async function forgetGone(sql: Sql, place: number, targetKey: string, refs: readonly string[]): Promise<void> {
  if (refs.length === 0) return;
  await sql.query('delete from found where place = $1 and target_key = $2 and not taken and ref = any($3)', [
    place,
    targetKey,
    refs,
  ]);
}

/** Forgets copies nobody has claimed that a scan of the whole container did not see: they are gone. */
export async function forgetUnseen(sql: Sql, place: number, targetKey: string, seen: readonly string[]): Promise<void> {
  await sql.query(
    `delete from found f where place = $1 and target_key = $2 and not taken
     and not exists (select from unnest($3::text[]) as s (ref) where s.ref = f.ref)`,
    [place, targetKey, seen],
  );
}

/** Forgets what was found in one container of a target: its references are void. */
export async function forgetUnclaimed(sql: Sql, place: number, targetKey: string): Promise<void> {
  await sql.query('delete from found where place = $1 and target_key = $2', [place, targetKey]);
}
