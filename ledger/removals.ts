/** Items that are gone from the source and still stand in the target. A run removes those that it has marked. */
import type { Sql } from './ledger.js';
import type { Surveyor } from './surveys.js';

export interface Removable {
  readonly key: string;
  readonly ref: string;
  /** The version and the digest of the copy as we know it. */
  readonly version: string | null;
  readonly digest: string | null;
}

/** Gone from the source, and its copy may be removed. */
export const GONE = `gone and target_ref is not null and outcome not in ('skipped', 'conflict')`;
const PAGE = 5_000;

export const removable = {
  /** Of what the unit's spec covers: what the run has marked and not removed yet, and all items. */
  async count(
    sql: Sql,
    { pairing, unit }: Surveyor,
    run: number,
  ): Promise<{ readonly marked: number; readonly items: number }> {
    // "offset 0": of all items only those that are gone are looked at; how many there are is kept (counts.ts).
    const { rows } = await sql.query<{ marked: number; items: number }>(
      `select coalesce(sum(marked), 0)::bigint as marked, coalesce(sum(items), 0)::bigint as items
       from container c join survey s on s.container = c.id
       cross join lateral (select count(*) as marked from item where container = c.id and ${GONE} and removal = $4 offset 0) m
       cross join lateral (select sum(n) as items from item_count where container = c.id offset 0) n
       where c.pairing = $1 and s.migration = $2 and s.unit = $3`,
      [pairing.id, unit.migration, unit.n, run],
    );
    return rows[0] as { marked: number; items: number };
  },

  /** Marks what is gone by now from a container, and covered by its key. */
  async mark(sql: Sql, container: number, run: number, covers: (key: string) => boolean): Promise<void> {
    for (let after = ''; ; ) {
      const { rows } = await sql.query<{ key: string }>(
        `select key from item where container = $1 and ${GONE} and removal is distinct from $2 and key > $3
         order by key limit $4`,
        [container, run, after, PAGE],
      );
      const keys = rows.map((row) => row.key).filter(covers);
      if (keys.length > 0)
        await sql.query('update item set removal = $2 where container = $1 and key = any($3)', [container, run, keys]);
      if (rows.length < PAGE) return;
      after = (rows.at(-1) as { key: string }).key;
    }
  },

  /** What the run has marked in a pairing and not removed yet is not marked any more. */
  async unmark(sql: Sql, pairing: number, run: number): Promise<void> {
    await sql.query(
      `update item set removal = null where gone and removal = $2 and container in (select id from container where pairing = $1)`,
      [pairing, run],
    );
  },

  /** Of what the run has marked in a container, the last keys first: what lies in a folder goes before the folder. */
  async next(sql: Sql, container: number, run: number, limit: number): Promise<Removable[]> {
    const { rows } = await sql.query<Removable>(
      `select key, target_ref as ref, target_version as version, encode(digest, 'hex') as digest from item
       where container = $1 and ${GONE} and removal = $2 order by key desc limit $3`,
      [container, run, limit],
    );
    return rows;
  },
};
