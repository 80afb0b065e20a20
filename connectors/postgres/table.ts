/** The table: the documented one, made where it is missing, or the user's own, checked before anything is written. */
import { Fault } from '../errors.js';
import type { Database } from './database.js';
import type { Column } from './mapping.js';

export interface Table {
  /** Schema and name, as PostgreSQL knows them. */
  readonly schema: string;
  readonly name: string;
  /** Quoted, for statements. */
  readonly sql: string;
  readonly key: { readonly column: string; readonly type: string };
  readonly columns: readonly Column[];
  readonly owner?: { readonly column: string; readonly value: string };
  /** The mapped column by which a row that was just written is told: the UID, or the key where it is mapped. */
  readonly identity: Column;
}

const DOCUMENTED: Readonly<Record<string, string>> = {
  uid: 'uid',
  name: 'full_name',
  given: 'given_name',
  family: 'family_name',
  organization: 'organization',
  email: 'emails',
  phone: 'phones',
  vcard: 'vcard',
};

/** The documented table. `vcard` holds the whole contact; the other columns are there to be asked for. */
function ddl(sql: string): string {
  return `create table ${sql} (
  id bigint generated always as identity primary key,
  owner text not null,
  uid text not null,
  full_name text,
  given_name text,
  family_name text,
  organization text,
  emails text[] not null default '{}',
  phones text[] not null default '{}',
  vcard text not null,
  updated_at timestamptz not null default now(),
  unique (owner, uid)
)`;
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

interface Attribute {
  readonly column: string;
  readonly type: string;
  readonly unique: boolean;
  readonly primary: boolean;
}

/** Undefined where there is no such table. Throws `Fault('spec')` for one that cannot be used, saying why. */
export async function findTable(database: Database, signal: AbortSignal): Promise<Table | undefined> {
  const { table: named = 'contacts', columns: mapped, key: keyed } = database.options;
  const [schemaNamed, name = ''] = named.includes('.') ? named.split('.') : [undefined, named];
  const found = await database.query<{ schema: string; oid: number }>(
    signal,
    `select n.nspname as schema, c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relname = $1 and c.relkind in ('r', 'p') and n.nspname = coalesce($2, current_schema())`,
    [name, schemaNamed ?? null],
  );
  const [there] = found.rows;
  if (!there) return undefined;
  const attributes = await attributesOf(database, there.oid, signal);
  const wrong = (problem: string, next: string): Fault =>
    new Fault('spec', `${database.system}: table ${named}: ${problem}`, { next });
  const words = Object.entries(mapped ?? DOCUMENTED);
  const columns = words.map(([word, column]): Column => {
    const attribute = attributes.get(column);
    if (!attribute) throw wrong(`there is no column ${column}`, 'correct columns, or add it to the table');
    if (!TEXTUAL.test(attribute.type)) {
      throw wrong(
        `column ${column} is of type ${attribute.type}`,
        'map to a column of text, varchar or an array of these',
      );
    }
    return { word, column, type: attribute.type };
  });
  const key = keyed ?? [...attributes.values()].find((one) => one.primary)?.column;
  const keyAttribute = key === undefined ? undefined : attributes.get(key);
  if (!keyAttribute?.unique) {
    throw wrong(
      key === undefined ? 'it has no primary key of one column' : `column ${key} is not unique by itself`,
      'name a unique column with key',
    );
  }
  const identity = columns.find((one) => one.word === 'uid') ?? columns.find((one) => one.column === key);
  if (!identity) throw wrong('neither the uid nor the key is among the columns', 'map uid to a column');
  const owner = ownerOf(database, mapped !== undefined);
  if (owner && !attributes.has(owner.column)) throw wrong(`there is no column ${owner.column}`, 'correct owner');
  return {
    schema: there.schema,
    name,
    sql: `${quoted(there.schema)}.${quoted(name)}`,
    key: { column: keyAttribute.column, type: keyAttribute.type },
    columns,
    identity,
    ...(owner && { owner }),
  };
}

const TEXTUAL = /^(text|character varying(\(\d+\))?|citext|character\(\d+\))(\[\])?$/;

function ownerOf({ options, access }: Database, own: boolean): Table['owner'] {
  return own ? options.owner : { column: 'owner', value: access.account };
}

async function attributesOf(database: Database, oid: number, signal: AbortSignal): Promise<Map<string, Attribute>> {
  const { rows } = await database.query<Attribute>(
    signal,
    `select a.attname as column, format_type(a.atttypid, a.atttypmod) as type,
       exists (select from pg_index i where i.indrelid = a.attrelid and i.indisunique and i.indpred is null
         and i.indnkeyatts = 1 and i.indkey[0] = a.attnum) as unique,
       exists (select from pg_index i where i.indrelid = a.attrelid and i.indisprimary
         and i.indnkeyatts = 1 and i.indkey[0] = a.attnum) as primary
     from pg_attribute a where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped`,
    [oid],
  );
  return new Map(rows.map((row) => [row.column, row]));
}

/** Finds or makes the table. */
export async function ensureTable(
  database: Database,
  signal: AbortSignal,
): Promise<{ readonly table: Table; readonly created: boolean }> {
  const there = await findTable(database, signal);
  if (there) return { table: there, created: false };
  const { table: named = 'contacts', columns, create = true } = database.options;
  if (columns || !create) {
    throw new Fault('spec', `${database.system}: there is no table ${named}`, {
      next: columns ? 'make it, or leave columns out for the documented one' : 'make it, or let create be true',
    });
  }
  try {
    await database.query(signal, ddl(named.split('.').map(quoted).join('.')));
  } catch (error) {
    // Another session may have made it in this very moment.
    if (!(error instanceof Fault) || error.code !== 'spec' || !(await findTable(database, signal))) throw error;
  }
  const made = await findTable(database, signal);
  if (!made) throw new Fault('internal', `${database.system}: the table ${named} was made, but is not found`);
  return { table: made, created: true };
}
