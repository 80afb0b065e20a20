/** New rows: one statement for all of a batch; a row that the table refuses costs only itself. */
import type pg from 'pg';
import type { Write, WriteAnswer } from '../contract.js';
import { quoted } from './catalogue.js';
import type { Row } from './mapping.js';
import { toRow } from './mapping.js';
import { keySql, mine, ownerValue, versionSql } from './rows.js';
import type { Table } from './table.js';

export type Create = Write<Buffer> & { readonly op: 'create' };

/** The columns as a list of names with types, as jsonb_to_recordset wants it. */
export function shape({ columns }: Table): string {
  return columns.map(({ column, type }) => `${quoted(column)} ${type}`).join(', ');
}

/**
 * Inserts the rows, and answers each. Undefined: it cannot be told which row is whose, because several have the same
 * identity or a trigger gave them another; then the caller takes the rows back, and inserts one after the other.
 */
export async function insertRows(
  client: pg.Client,
  table: Table,
  creates: readonly Create[],
): Promise<WriteAnswer[] | undefined> {
  const rows = creates.map((create) => toRow(create.body, table.columns));
  const names = rows.map((row) => row[table.identity.column]);
  const alone = creates.length === 1;
  if (!alone && (names.includes(null) || new Set(names).size < names.length)) return undefined;
  // Constraints that may be deferred cannot be asked beforehand: there the caller looks for the row that conflicts.
  const { owner } = table;
  const columns = table.columns.map(({ column }) => quoted(column));
  const { rows: made } = await client.query<{ key: string; version: string; identity: string }>(
    `insert into ${table.sql} (${[...columns, ...(owner ? [quoted(owner.column)] : [])].join(', ')})
     select ${[...columns, ...(owner ? [`$2::text::${owner.type}`] : [])].join(', ')} from jsonb_to_recordset($1) as given (${shape(table)})
     ${table.deferrable ? '' : 'on conflict do nothing'}
     returning ${keySql(table)} as key, ${versionSql(table)} as version, ${quoted(table.identity.column)}::text as identity`,
    [JSON.stringify(rows), ...(owner ? [owner.value] : [])],
  );
  const by = new Map(made.map((row) => [row.identity, row]));
  const answers: WriteAnswer[] = [];
  const taken: Taken[] = [];
  for (const [at, create] of creates.entries()) {
    const row = alone ? made[0] : by.get(names[at] as string);
    if (row) answers.push({ token: create.token, ref: row.key, version: row.version });
    else taken.push({ token: create.token, row: rows[at] as Row });
  }
  if (answers.length < made.length) return undefined;
  return [...answers, ...(await existingRow(client, table, taken))];
}

export interface Taken {
  readonly token: string;
  readonly row: Row;
}

/** Which rows stand in the way of others, by the unique columns of the table. */
export async function existingRow(client: pg.Client, table: Table, taken: readonly Taken[]): Promise<WriteAnswer[]> {
  if (taken.length === 0) return [];
  const known = new Set(table.columns.map(({ column }) => column));
  const looks = table.unique
    .filter((columns) => columns.every((column) => known.has(column) || column === table.owner?.column))
    .map((columns) => {
      const equal = columns.map((column) =>
        known.has(column) ? `held.${quoted(column)} = given.${quoted(column)}` : mine(table, '$2', 'held.'),
      );
      return `select at, ${keySql(table, 'held.')} as key, ${mine(table, '$2', 'held.')} as ours
        from jsonb_to_recordset($1) as given (at int, ${shape(table)}) join ${table.sql} as held on ${equal.join(' and ')}`;
    });
  const given = taken.map(({ row }, at) => ({ ...row, at }));
  const { rows } =
    looks.length === 0
      ? { rows: [] }
      : await client.query<{ at: number; key: string; ours: boolean }>(
          `select at, key, ours from (${looks.join(' union all ')}) as found`,
          [JSON.stringify(given), ownerValue(table)],
        );
  return taken.map(({ token }, at): WriteAnswer => {
    const ways = rows.filter((row) => row.at === at);
    const ours = ways.find((row) => row.ours);
    if (ours) return { conflicted: token, ref: ours.key, reason: 'the table holds a row with the same unique value' };
    if (ways.length === 0)
      return { conflicted: token, reason: 'the table holds a row that one of its constraints says is the same' };
    return { refused: token, reason: 'the table holds it for another owner; make the unique index one with the owner' };
  });
}
