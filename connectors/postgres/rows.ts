/** Rows as items: keys as texts, versions that differ after every update. */
import type { QueryResultRow } from 'pg';
import { quoted } from './catalogue.js';
import type { Column } from './column-types.js';
import { isOfType } from './column-types.js';
import type { Database } from './database.js';
import type { Row } from './mapping.js';
import { fromRow } from './mapping.js';
import type { Table } from './table.js';

export interface Item {
  readonly key: string;
  readonly version: string;
  readonly body: Buffer;
}

export interface Listed {
  readonly key: string;
  readonly version: string;
  /** Of the whole card; 0 where the table does not keep it. */
  readonly bytes: number;
}

/** The key as the text by which people know it; `of` is a prefix such as `held.`. */
export function keySql({ key }: Table, of = ''): string {
  return `${of}${quoted(key.column)}::text`;
}

/** The column that was named for it, else the transaction that last wrote the row. */
export function versionSql({ version }: Table, of = ''): string {
  return version === undefined ? `${of}xmin::text` : `coalesce(${of}${quoted(version)}::text, '')`;
}

/** The condition that a row is this account's; `parameter` is that of `ownerValue`. */
export function mine({ owner }: Table, parameter: string, of = ''): string {
  return owner ? `${of}${quoted(owner.column)} = ${parameter}::text::${owner.type}` : `${parameter}::text is null`;
}

export function ownerValue({ owner }: Table): string | null {
  return owner?.value ?? null;
}

const LIST = 5_000;

/** Keys and versions above `after`, ascending as bytes, without content. */
export async function* listed(
  database: Database,
  table: Table,
  after: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<Listed[]> {
  const card = table.columns.find(({ says }) => says.is === 'card');
  const bytes = card ? `coalesce(octet_length(${quoted(card.column)}), 0)` : '0';
  for (let from = after ?? null; ; ) {
    const { rows } = await database.query<{ key: string; version: string; bytes: number }>(
      signal,
      `select ${keySql(table)} as key, ${versionSql(table)} as version, ${bytes} as bytes from ${table.sql}
       where ${mine(table, '$1')} and ($2::text is null or (${keySql(table)}) collate "C" > $2)
       order by (${keySql(table)}) collate "C" limit ${LIST}`,
      [ownerValue(table), from],
    );
    const last = rows.at(-1);
    if (!last) return;
    yield rows;
    from = last.key;
  }
}

/** How much content one statement brings, about: memory stays flat, whatever photos are inside. */
const PAGE_BYTES = 2 ** 21;
const MAX_PAGE = 500;

/** Rows by key, in pages that follow the order asked; those that are gone are left out. */
export async function* rowsBy(
  database: Database,
  table: Table,
  keys: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<{ readonly asked: readonly string[]; readonly found: ReadonlyMap<string, Item> }> {
  const columns = table.columns.map((column) => `${shown(column)} as ${quoted(column.column)}`).join(', ');
  const text = `select ${keySql(table)} as "drover key", ${versionSql(table)} as "drover version", ${columns}
     from ${table.sql} where ${mine(table, '$1')} and ${quoted(table.key.column)} = any ($2::text[]::${table.key.type}[])`;
  for (let at = 0, size = 32; at < keys.length; ) {
    const asked = keys.slice(at, at + size);
    const values = [ownerValue(table), asked.filter((key) => isOfType(key, table.key.type))];
    const { rows } = await database.query<QueryResultRow>(signal, text, values);
    const found = new Map<string, Item>();
    let bytes = 0;
    for (const { 'drover key': key, 'drover version': version, ...row } of rows) {
      const body = fromRow(row as Row, table.columns);
      found.set(key, { key, version, body });
      bytes += body.length;
    }
    yield { asked, found };
    at += asked.length;
    if (bytes > PAGE_BYTES) size = Math.max(1, size >> 1);
    else if (bytes < PAGE_BYTES / 2) size = Math.min(MAX_PAGE, size * 2);
  }
}

/** As text, whatever the type and the settings of the database. */
function shown({ column, array, form }: Column): string {
  if (array) return `${quoted(column)}::text[]`;
  return form === 'date' ? `to_char(${quoted(column)}, 'YYYY-MM-DD')` : `${quoted(column)}::text`;
}

export async function count(database: Database, table: Table, signal: AbortSignal): Promise<number> {
  const { rows } = await database.query<{ count: string }>(
    signal,
    `select count(*) as count from ${table.sql} where ${mine(table, '$1')}`,
    [ownerValue(table)],
  );
  return Number(rows[0]?.count);
}

/** Differs after every row that came, went or was written: the number of rows, and a sum over keys and versions. */
export async function stateOf(database: Database, table: Table, signal: AbortSignal): Promise<string> {
  const { rows } = await database.query<{ state: string }>(
    signal,
    `select count(*) || ':' || coalesce(sum(hashtextextended(${keySql(table)} || ' ' || ${versionSql(table)}, 0)), 0) as state
     from ${table.sql} where ${mine(table, '$1')}`,
    [ownerValue(table)],
  );
  return rows[0]?.state as string;
}
