/** A table as a source. Only read. */
import type { Body, Container, ItemRef, Page, Refused, Source } from '../contract.js';
import { Fault } from '../errors.js';
import type { Database } from './database.js';
import { rowsBy, stateOf, versions } from './rows.js';
import type { Table } from './table.js';
import { findTable } from './table.js';

export function createPostgresSource(database: Database): Source<Buffer> {
  async function existing(signal: AbortSignal): Promise<Table> {
    const table = await findTable(database, signal);
    if (table) return table;
    throw new Fault('not-found', `${database.system}: there is no table ${database.options.table ?? 'contacts'}`, {
      next: 'correct table in the spec',
    });
  }
  return {
    place: (signal) => placeOf(database, signal),
    async describe(signal) {
      const table = await findTable(database, signal);
      return [{ name: 'table', value: table ? `${table.schema}.${table.name}` : 'missing' }];
    },
    async *containers(signal): AsyncIterable<Container> {
      const table = await findTable(database, signal);
      if (table) yield { ...containerOf(table), token: await stateOf(database, table, signal) };
    },
    async *list(_container, after, signal): AsyncIterable<Page<ItemRef>> {
      const table = await existing(signal);
      for await (const rows of versions(database, table, after, signal)) {
        yield { entries: rows.map(({ key, version }) => ({ key, version, bytes: 0, rank: 0, meta: {} })) };
      }
    },
    async *read(_container, refs, signal): AsyncIterable<Body<Buffer> | Refused> {
      const table = await existing(signal);
      const keys = refs.map((ref) => ref.key);
      for (let at = 0; at < keys.length; at += READ_AHEAD) {
        const page = keys.slice(at, at + READ_AHEAD);
        const rows = await rowsBy(database, table, page, signal);
        for (const key of page) {
          const row = rows.get(key);
          if (row) yield { key, body: row.body };
          else yield { refused: key, reason: 'the row is gone from the source; the next run will see that' };
        }
      }
    },
    close: () => database.close(),
  };
}

const READ_AHEAD = 500;

export function containerOf({ schema, name }: Table): { key: string; path: string[]; validity: string } {
  return { key: `${schema}.${name}`, path: [name], validity: '1' };
}

/** Connects. The account is the rows that are its own, in this table of this database. */
export async function placeOf(
  database: Database,
  signal: AbortSignal,
): Promise<{ readonly proof: string; readonly system: string }> {
  const { rows } = await database.query<{ schema: string }>(signal, 'select current_schema() as schema');
  const { table = 'contacts', columns, owner } = database.options;
  const name = table.includes('.') ? table : `${rows[0]?.schema}.${table}`;
  const whose = columns ? (owner?.value ?? '') : database.access.account;
  return { proof: `${database.system}/${name}/${encodeURIComponent(whose)}`, system: database.system };
}
