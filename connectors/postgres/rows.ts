/** Rows as items: keys that ascend as texts, versions that change with every update. */
import type { QueryResultRow } from 'pg';
import type { Database } from './database.js';
import type { Row } from './mapping.js';
import { fromRow } from './mapping.js';
import type { Table } from './table.js';
import { quoted } from './table.js';

export interface Item {
  readonly key: string;
  readonly version: string;
  readonly body: Buffer;
}

const NUMBER = /^(bigint|integer|smallint)$/;
/** Digits of the largest bigint. */
const WIDTH = 19;

/** The key as text: numbers are filled up with zeros, so that texts ascend as they do. */
export function keySql({ key }: Table): string {
  return NUMBER.test(key.type) ? `lpad(${quoted(key.column)}::text, ${WIDTH}, '0')` : `${quoted(key.column)}::text`;
}

/** A key as it stands in the table. */
export function keyValue({ key }: Table, ref: string): string {
  return NUMBER.test(key.type) ? ref.replace(/^0+(?=\d)/, '') : ref;
}

/** Compares the key with a parameter, in the key's own type, so that its index is used. */
export function keyIs({ key }: Table, parameter: string): string {
  return `${quoted(key.column)} = ${parameter}::text::${key.type}`;
}

/** The transaction that last wrote the row. */
export const VERSION = 'xmin::text';

export function mine({ owner }: Table, parameter: string): string {
  return owner ? `${quoted(owner.column)} = ${parameter}` : `${parameter}::text is null`;
}

export function ownerValue({ owner }: Table): string | null {
  return owner?.value ?? null;
}

const PAGE = 500;

/** Keys and versions above `after`, ascending, without content. */
export async function* versions(
  database: Database,
  table: Table,
  after: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<{ readonly key: string; readonly version: string }[]> {
  for (let from = after ?? ''; ; ) {
    const { rows } = await database.query<{ key: string; version: string }>(
      signal,
      `select ${keySql(table)} as key, ${VERSION} as version from ${table.sql}
       where ${mine(table, '$1')} and (${keySql(table)}) collate "C" > $2 order by (${keySql(table)}) collate "C" limit ${PAGE * 10}`,
      [ownerValue(table), from],
    );
    if (rows.length === 0) return;
    yield rows;
    from = rows.at(-1)?.key as string;
  }
}

/** Rows by key; those that are gone are left out. */
export async function rowsBy(
  database: Database,
  table: Table,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, Item>> {
  const columns = table.columns.map(({ column }) => quoted(column)).join(', ');
  const found = new Map<string, Item>();
  for (let at = 0; at < keys.length; at += PAGE) {
    const page = keys.slice(at, at + PAGE);
    const { rows } = await database.query<QueryResultRow>(
      signal,
      `select ${keySql(table)} as "drover key", ${VERSION} as "drover version", ${columns} from ${table.sql}
       where ${mine(table, '$1')} and ${quoted(table.key.column)} = any ($2::text[]::${table.key.type}[])`,
      [ownerValue(table), page.map((ref) => keyValue(table, ref)).filter((value) => isKey(table, value))],
    );
    for (const { 'drover key': key, 'drover version': version, ...row } of rows) {
      found.set(key, { key, version, body: fromRow(row as Row, table.columns) });
    }
  }
  return found;
}

/** What cannot be a key of the table names no row. */
function isKey({ key }: Table, value: string): boolean {
  return !NUMBER.test(key.type) || /^\d{1,18}$/.test(value);
}

/** Changes with every row that comes, goes or is written. */
export async function stateOf(database: Database, table: Table, signal: AbortSignal): Promise<string> {
  const { rows } = await database.query<{ state: string }>(
    signal,
    `select coalesce(md5(string_agg(${keySql(table)} || ':' || ${VERSION}, ',' order by ${quoted(table.key.column)})), '') as state
     from ${table.sql} where ${mine(table, '$1')}`,
    [ownerValue(table)],
  );
  return rows[0]?.state ?? '';
}
