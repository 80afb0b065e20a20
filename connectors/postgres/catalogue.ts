/** What PostgreSQL knows of a table. */
import { Fault } from '../errors.js';
import type { Database } from './database.js';

export interface Attribute {
  readonly column: string;
  /** As PostgreSQL writes it, e.g. `text` or `character varying(60)[]`; of a domain the type below. */
  readonly type: string;
  readonly filled: boolean;
  /** Nobody may write it, or it is filled by itself. */
  readonly generated: boolean;
  readonly preset: boolean;
}

export interface Relation {
  readonly schema: string;
  readonly name: string;
  /** Quoted, for statements. */
  readonly sql: string;
  readonly attributes: ReadonlyMap<string, Attribute>;
  readonly primary: readonly string[];
  /** Sets of columns of which no two rows have the same; those with conditions or expressions are left out. */
  readonly unique: readonly (readonly string[])[];
  /** Whether some of these speak only at the end of a transaction, unless told otherwise. */
  readonly deferrable: boolean;
  readonly parted: boolean;
  /** Rights of the role that logged in: `insert`, `update`, `delete`, `select`. */
  readonly rights: readonly string[];
}

/** A name as it stands in SQL, whatever is in it. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** `schema.name` or `name`, in its parts. */
export function named(table: string): { readonly schema?: string; readonly name: string } {
  const dot = table.indexOf('.');
  return dot === -1 ? { name: table } : { schema: table.slice(0, dot), name: table.slice(dot + 1) };
}

/** The table by this name, in the search path where no schema is named; undefined where there is none. */
export async function relation(database: Database, table: string, signal: AbortSignal): Promise<Relation | undefined> {
  const { schema, name } = named(table);
  const { rows } = await database.query<{
    schema: string;
    oid: number;
    relkind: string;
    deferrable: boolean;
    rights: string[];
  }>(
    signal,
    `select n.nspname as schema, c.oid, c.relkind,
       exists (select from pg_constraint s where s.conrelid = c.oid and s.contype in ('p', 'u', 'x') and s.condeferrable) as deferrable,
       array(select kind from unnest('{select,insert,update,delete}'::text[]) as kind
         where case kind when 'delete' then has_table_privilege(c.oid, kind) else has_any_column_privilege(c.oid, kind) end) as rights
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relname = $1 and c.relkind in ('r', 'p', 'v', 'm', 'f')
       and case when $2::text is null then pg_table_is_visible(c.oid) else n.nspname = $2 end`,
    [name, schema ?? null],
  );
  const [found] = rows;
  if (!found) return undefined;
  if (found.relkind !== 'r' && found.relkind !== 'p') {
    throw new Fault('spec', `${database.system}: ${table} is a view or a foreign table`, { next: 'name a table' });
  }
  const attributes = await attributesOf(database, found.oid, signal);
  const indexes = await indexesOf(database, found.oid, signal);
  return {
    schema: found.schema,
    name,
    sql: `${quoted(found.schema)}.${quoted(name)}`,
    attributes: new Map(attributes.map((one) => [one.column, one])),
    primary: indexes.find((one) => one.main)?.columns ?? [],
    unique: indexes.map((one) => one.columns),
    deferrable: found.deferrable,
    parted: found.relkind === 'p',
    rights: found.rights,
  };
}

async function attributesOf(database: Database, oid: number, signal: AbortSignal): Promise<Attribute[]> {
  const { rows } = await database.query<Attribute & { readonly column: string }>(
    signal,
    `select a.attname as column, a.attnotnull as filled, a.attgenerated <> '' or a.attidentity = 'a' as generated,
       a.atthasdef or a.attidentity <> '' as preset,
       case t.typtype when 'd' then format_type(t.typbasetype, t.typtypmod) else format_type(a.atttypid, a.atttypmod) end as type
     from pg_attribute a join pg_type t on t.oid = a.atttypid
     where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped`,
    [oid],
  );
  return rows;
}

async function indexesOf(
  database: Database,
  oid: number,
  signal: AbortSignal,
): Promise<{ readonly main: boolean; readonly columns: string[] }[]> {
  const { rows } = await database.query<{ main: boolean; columns: string[] }>(
    signal,
    `select i.indisprimary as main, array(select a.attname::text
         from unnest(i.indkey::int2[]) with ordinality as part (number, place)
         join pg_attribute a on a.attrelid = i.indrelid and a.attnum = part.number
         where part.place <= i.indnkeyatts) as columns
     from pg_index i
     where i.indrelid = $1 and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null
     order by i.indexrelid`,
    [oid],
  );
  return rows;
}
