/** What the spec leaves out: containers that are not listed, with the rule that says so. Each survey writes them down. */
import type { LeftOutRule, LeftOutSum } from '../words/left-out.js';
import type { Sql } from './ledger.js';
import type { Surveyor } from './surveys.js';

export interface LeftOut {
  readonly key: string;
  readonly path: readonly string[];
  readonly rule: string;
  /** Null where the source does not tell. */
  readonly items: number | null;
}

/** By $2, $3 and $6: what is written down of a unit in one direction, by key. */
export const LEFT_OUT = `(select coalesce(jsonb_agg(jsonb_build_object('key', key, 'path', path, 'rule', rule, 'items', items) order by key), '[]')
  from left_out where migration = $2 and unit = $3 and back = $6)`;

/** In the place of what an earlier survey wrote down. */
export async function writeLeftOut(
  sql: Sql,
  { unit }: Pick<Surveyor, 'unit'>,
  back: boolean,
  leftOut: readonly LeftOut[],
): Promise<void> {
  await sql.query('delete from left_out where migration = $1 and unit = $2 and back = $3', [
    unit.migration,
    unit.n,
    back,
  ]);
  if (leftOut.length === 0) return;
  await sql.query(
    `insert into left_out (migration, unit, back, key, path, rule, items)
     select $1, $2, $3, key, path, rule, items
     from jsonb_to_recordset($4) as t (key text, path text[], rule text, items bigint) on conflict do nothing`,
    [unit.migration, unit.n, back, JSON.stringify(leftOut)],
  );
}

/** How much the units of a run leave out. */
export async function sumLeftOut(sql: Sql, migration: string, run: number): Promise<LeftOutSum> {
  const { rows } = await sql.query<LeftOutSum>(
    `with sums as (
       select p.kind, count(*) as n, count(l.items) as told, sum(l.items) as items
       from left_out l join unit u on u.migration = l.migration and u.n = l.unit join pairing p on p.id = u.pairing
       where l.migration = $1 and u.run = $2 group by p.kind)
     select coalesce(jsonb_object_agg(kind, n), '{}') as kinds,
       case when sum(n) = sum(told) then sum(items)::bigint end as items from sums`,
    [migration, run],
  );
  return rows[0] as LeftOutSum;
}

/** By rule, for these units: the rule that leaves out the most comes first, and the first paths of each. */
export async function readLeftOut(
  sql: Sql,
  migration: string,
  units: readonly number[],
  shown = 10,
): Promise<LeftOutRule[]> {
  const { rows } = await sql.query<LeftOutRule>(
    `with mine as (
       select l.*, u.selection, row_number() over (partition by u.selection, rule order by l.unit, l.back, l.path) as place
       from left_out l join unit u on u.migration = l.migration and u.n = l.unit
       where l.migration = $1 and unit = any($2))
     select selection, rule, count(*) as containers, count(distinct unit) as units,
       case when count(*) = count(items) then sum(items)::bigint end as items,
       jsonb_agg(jsonb_build_object('unit', unit, 'path', array_to_string(path, '/')) order by place) filter (where place <= $3) as first
     from mine group by selection, rule order by count(*) desc, (selection || rule) collate "C"`,
    [migration, units, shown],
  );
  return rows;
}
