/** The table: the documented one, made where it is missing, or the user's own, checked before anything is read or written. */
import { Fault } from '../errors.js';
import type { Relation } from './catalogue.js';
import { named, quoted, relation } from './catalogue.js';
import type { Column } from './column-types.js';
import { columnOf, contradiction } from './column-types.js';
import type { Database } from './database.js';
import { DOCUMENTED, makeDocumented } from './documented.js';

export interface Table {
  /** Schema and name, as PostgreSQL knows them. */
  readonly schema: string;
  readonly name: string;
  /** Quoted, for statements. */
  readonly sql: string;
  readonly key: { readonly column: string; readonly type: string };
  readonly columns: readonly Column[];
  readonly owner?: { readonly column: string; readonly type: string; readonly value: string };
  /** Without it the version is that of PostgreSQL itself. */
  readonly version?: string;
  /** The mapped column by which a row that was just written is told: the UID, or the key where it is mapped. */
  readonly identity: Column;
  /** See catalogue.ts. */
  readonly unique: readonly (readonly string[])[];
  readonly deferrable: boolean;
  /** Whether it is the documented table. */
  readonly documented: boolean;
  /** What stands in the way of writing to it, for people; undefined when nothing does. */
  readonly unwritable?: { readonly code: 'spec' | 'credentials'; readonly problem: string; readonly next: string };
}

const TABLE = 'contacts';
const NOT_DOCUMENTED = 'name another table for the documented one, or say with columns what stands where in this one';

/** Undefined where there is no such table. Throws `Fault('spec')` for one that cannot be used, saying why. */
export async function findTable(database: Database, signal: AbortSignal): Promise<Table | undefined> {
  const { table: asked = TABLE, columns: mapped, key: keyed, version } = database.options;
  const found = await relation(database, asked, signal);
  if (!found) return undefined;
  const wrong = (problem: string, next: string): Fault =>
    new Fault('spec', `${database.system}: table ${asked}: ${problem}`, { next });
  const attribute = (column: string, next: string) => {
    const there = found.attributes.get(column);
    if (!there) throw wrong(`there is no column ${column}`, next);
    return there;
  };
  const columns = Object.entries(mapped ?? DOCUMENTED).map(([word, name]): Column => {
    const { type } = attribute(name, mapped ? 'correct columns, or add it to the table' : NOT_DOCUMENTED);
    const column = columnOf(word, name, type);
    if ('problem' in column) throw wrong(column.problem, column.next);
    return column;
  });
  const used = [
    ...columns.map(({ column }) => column),
    ...(mapped && database.options.owner ? [database.options.owner.column] : []),
  ];
  const twice = used.find((column, at) => used.indexOf(column) !== at);
  if (twice !== undefined) throw wrong(`column ${twice} is mapped twice`, 'give each word a column of its own');
  const against = contradiction(columns);
  if (against) throw wrong(against.problem, against.next);
  const key = keyed ?? (found.primary.length === 1 ? found.primary[0] : undefined);
  if (key === undefined) throw wrong('it has no primary key of one column', 'name a unique column with key');
  const keyAttribute = attribute(key, 'correct key');
  if (!found.unique.some((one) => one.length === 1 && one[0] === key)) {
    throw wrong(
      `column ${key} is not unique by itself`,
      `name another key, or: create unique index on ${found.sql} (${quoted(key)})`,
    );
  }
  if (!keyAttribute.filled) throw wrong(`column ${key} may be null`, 'name another key, or set it not null');
  const identity = columns.find((one) => one.word === 'uid') ?? columns.find((one) => one.column === key);
  if (!identity) throw wrong('neither the uid nor the key is among the columns', 'map uid to a column');
  const owner = mapped ? database.options.owner : { column: 'owner', value: database.access.account };
  const whose = owner && { ...owner, type: attribute(owner.column, 'correct owner').type };
  if (whose) await checkOwner(database, whose, wrong, signal);
  if (mapped && version) attribute(version, 'correct version');
  // PostgreSQL does not say which transaction wrote a row when it goes into a partition.
  else if (found.parted) throw wrong('it is in partitions, whose rows have no version', 'name a column with version');
  const unwritable = hindrance(found, [...columns.map(({ column }) => column), ...(owner ? [owner.column] : [])]);
  return {
    schema: found.schema,
    name: found.name,
    sql: found.sql,
    key: { column: key, type: keyAttribute.type },
    columns,
    identity,
    unique: found.unique,
    deferrable: found.deferrable,
    documented: mapped === undefined,
    ...(whose && { owner: whose }),
    ...(mapped && version && { version }),
    ...(unwritable && { unwritable }),
  };
}

async function checkOwner(
  database: Database,
  { column, type, value }: NonNullable<Table['owner']>,
  wrong: (problem: string, next: string) => Fault,
  signal: AbortSignal,
): Promise<void> {
  try {
    await database.query(signal, `select $1::text::${type}`, [value]);
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'refused') throw error;
    throw wrong(`the owner's value is no ${type}, which column ${column} holds`, 'correct owner');
  }
}

/** Why no row can be inserted, as far as the table tells beforehand. */
function hindrance({ attributes, rights }: Relation, given: readonly string[]): Table['unwritable'] {
  for (const { column, filled, generated, preset } of attributes.values()) {
    if (generated && given.includes(column)) {
      return {
        code: 'spec',
        problem: `column ${column} is generated`,
        next: 'leave it out of columns; as key it may stay',
      };
    }
    if (filled && !preset && !generated && !given.includes(column)) {
      return {
        code: 'spec',
        problem: `column ${column} must be filled, and nothing is`,
        next: 'map it, or give it a default',
      };
    }
  }
  // What only adds may lack the others.
  const missing = ['select', 'insert'].filter((right) => !rights.includes(right));
  if (missing.length === 0) return undefined;
  return { code: 'credentials', problem: `the role may not ${missing.join(', ')}`, next: 'grant it these rights' };
}

/** Finds or makes the table to write to. Throws `Fault` (spec, credentials) where it may not be made, or cannot be written to. */
export async function ensureTable(
  database: Database,
  signal: AbortSignal,
): Promise<{ readonly table: Table; readonly created: boolean }> {
  const there = await findTable(database, signal);
  if (there) return { table: writable(database, there), created: false };
  const { table: asked = TABLE, columns, create = true } = database.options;
  if (columns || !create) {
    throw new Fault('spec', `${database.system}: there is no table ${asked}`, {
      next: columns ? 'make it, or leave columns out for the documented one' : 'make it, or let create be true',
    });
  }
  const { schema, name } = named(asked);
  await makeDocumented(database, schema === undefined ? quoted(name) : `${quoted(schema)}.${quoted(name)}`, signal);
  const made = await findTable(database, signal);
  if (!made) throw new Fault('internal', `${database.system}: the table ${asked} was made, but is not found`);
  return { table: writable(database, made), created: true };
}

function writable(database: Database, table: Table): Table {
  if (!table.unwritable) return table;
  const { code, problem, next } = table.unwritable;
  throw new Fault(code, `${database.system}: table ${table.schema}.${table.name}: ${problem}`, { next });
}
