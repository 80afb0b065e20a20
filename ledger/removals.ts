/** Items that are gone from the source and still stand in the target. */
import type { Sql } from './ledger.js';

export interface Removable {
  readonly key: string;
  readonly ref: string;
  /** The version and the digest of the copy as we know it. */
  readonly version: string | null;
  readonly digest: string | null;
}

export const removable = {
  async count(sql: Sql, pairing: number): Promise<{ readonly gone: number; readonly items: number }> {
    const { rows } = await sql.query<{ gone: number; items: number }>(
      `select count(*) filter (where gone and target_ref is not null and outcome not in ('skipped', 'conflict')) as gone, count(*) as items
       from item i join container c on c.id = i.container where c.pairing = $1`,
      [pairing],
    );
    return rows[0] as { gone: number; items: number };
  },

  async next(sql: Sql, container: number, limit: number): Promise<Removable[]> {
    const { rows } = await sql.query<Removable>(
      `select key, target_ref as ref, target_version as version, encode(digest, 'hex') as digest from item
       where container = $1 and gone and target_ref is not null and outcome not in ('skipped', 'conflict') order by key desc limit $2`,
      [container, limit],
    );
    return rows;
  },
};
