/** A table as a source. Only read. */
import type { Body, Capability, Container, ItemRef, Page, Place, Refused, Source } from '../contract.js';
import { Fault } from '../errors.js';
import { named, quoted } from './catalogue.js';
import type { Database } from './database.js';
import { listed, rowsBy, stateOf } from './rows.js';
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
      return table ? described(table) : [{ name: 'table', value: 'missing', problem: 'correct table in the spec' }];
    },
    async *containers(signal): AsyncIterable<Container> {
      const table = await findTable(database, signal);
      if (table) yield { ...containerOf(table), token: await stateOf(database, table, signal) };
    },
    async *list(_container, after, signal): AsyncIterable<Page<ItemRef>> {
      const table = await existing(signal);
      for await (const rows of listed(database, table, after, signal)) {
        yield { entries: rows.map((row) => ({ ...row, rank: 0, meta: {} })) };
      }
    },
    async *read(_container, refs, signal): AsyncIterable<Body<Buffer> | Refused> {
      const table = await existing(signal);
      const keys = refs.map((ref) => ref.key);
      for await (const { asked, found } of rowsBy(database, table, keys, signal)) {
        for (const key of asked) {
          const row = found.get(key);
          if (row) yield { key, body: row.body };
          else yield { refused: key, reason: 'the row is gone from the source; the next run will see that' };
        }
      }
    },
    close: () => database.close(),
  };
}

export function containerOf({ schema, name }: Table): { key: string; path: string[]; validity: string } {
  return { key: `${schema}.${name}`, path: [name], validity: '1' };
}

export function described({ schema, name, key, version, unique }: Table): Capability[] {
  const sets = unique.map((columns) => columns.join(' and '));
  return [
    { name: 'table', value: `${schema}.${name}` },
    { name: 'key', value: key.column },
    { name: 'version', value: version ?? 'xmin' },
    { name: 'unique', value: [...new Set(sets)].join(', ') },
  ];
}

/** Connects. The account is the rows that are its own, in this table of this database. */
export async function placeOf(database: Database, signal: AbortSignal): Promise<Place> {
  const { table = 'contacts', columns, owner } = database.options;
  const { schema, name } = named(table);
  // Where no table is there yet, it will be made in the first schema of the search path.
  const { rows } = await database.query<{ schema: string }>(
    signal,
    `select coalesce($1, (select relnamespace::regnamespace::text from pg_class where oid = to_regclass($2)), current_schema()) as schema`,
    [schema ?? null, quoted(name)],
  );
  const whose = columns ? (owner?.value ?? '') : database.access.account;
  const proof = `${database.system}/${rows[0]?.schema}.${name}/${encodeURIComponent(whose)}`;
  return { proof, system: database.system };
}
