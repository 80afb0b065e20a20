/** Writes that were found to be absent after a crash and made again: a first copy that still appears is one too many. */
import type { Intent } from './batches.js';
import type { Sql } from './ledger.js';

/** How long a write of a dead sender is expected at the longest, in milliseconds: TCP gives up sooner. */
export const DOUBT_MS = 20 * 60_000;

/** Remembers writes that were absent, by what they would be recognised by. */
export async function doubt(sql: Sql, container: number, intents: readonly Intent[]): Promise<void> {
  await sql.query(
    `insert into doubt (container, key, digest)
     select $1, key, decode(digest, 'hex') from unnest($2::text[], $3::text[]) as t (key, digest)
     on conflict (container, key) do update set digest = excluded.digest, at = clock_timestamp()`,
    [container, intents.map(({ key }) => key), intents.map(({ digest }) => digest)],
  );
}

/** Containers of a pairing with writes that may still appear. */
export async function doubtedContainers(sql: Sql, pairing: number): Promise<number[]> {
  const { rows } = await sql.query<{ id: number }>(
    `select distinct d.container as id from doubt d join container c on c.id = d.container where c.pairing = $1 order by 1`,
    [pairing],
  );
  return rows.map(({ id }) => id);
}

export interface LateCopy {
  /** The item that has a copy already; it may have moved to another container since. */
  readonly container: number;
  readonly key: string;
  /** The copy that the ledger knows, and the one that appeared beside it. */
  readonly ref: string;
  readonly late: string;
  /** The key under which the write was in doubt. */
  readonly doubt: string;
}

/** Copies that appeared after all where a write had been called absent: nobody has claimed them, and an item has their digest. */
export async function lateCopies(sql: Sql, container: number, place: number, targetKey: string): Promise<LateCopy[]> {
  const { rows } = await sql.query<LateCopy>(
    `select distinct on (f.ref) i.container, i.key, i.target_ref as ref, f.ref as late, d.key as doubt
     from doubt d join container here on here.id = d.container join container c on c.pairing = here.pairing
     join found f on f.place = $2 and f.target_key = $3 and d.digest in (f.digest, f.earlier) and not f.taken
     cross join lateral (values (f.digest), (f.earlier)) said (digest)
     join item i on i.container = c.id and i.digest = said.digest and i.target_ref is not null
       and not (i.container = d.container and f.ref = i.target_ref)
     where d.container = $1
     order by f.ref, i.container <> d.container, i.key <> d.key, i.container, i.key`,
    [container, place, targetKey],
  );
  return rows;
}

/** Ends doubts that are old, but for those of these items: nothing can appear any more. */
export async function endDoubts(sql: Sql, container: number, but: readonly string[]): Promise<void> {
  await sql.query(
    `delete from doubt where container = $1 and at < clock_timestamp() - $2 * interval '1 ms' and key <> all ($3)`,
    [container, DOUBT_MS, but],
  );
}
