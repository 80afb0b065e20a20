/** A batch of writes in one transaction: all of it is there, or none. A row that the table refuses costs only itself. */
import type pg from 'pg';
import type { Write, WriteAnswer } from '../contract.js';
import { Fault } from '../errors.js';
import type { Database } from './database.js';
import { faultOf } from './database.js';
import type { Row } from './mapping.js';
import { toRow } from './mapping.js';
import { keyIs, keySql, keyValue, mine, ownerValue, VERSION } from './rows.js';
import type { Table } from './table.js';
import { quoted } from './table.js';

type Create = Write<Buffer> & { op: 'create' };

export async function applyAll(
  database: Database,
  table: Table,
  writes: readonly Write<Buffer>[],
  signal: AbortSignal,
): Promise<WriteAnswer[]> {
  return database.transaction(signal, async (client) => {
    const creates = writes.filter((write): write is Create => write.op === 'create');
    const answers = await insert(client, database, table, creates);
    for (const write of writes) if (write.op !== 'create') answers.push(await apply(client, database, table, write));
    return answers;
  });
}

/** One statement for all; when a row of it is refused, one for each. */
async function insert(
  client: pg.Client,
  database: Database,
  table: Table,
  creates: readonly Create[],
): Promise<WriteAnswer[]> {
  if (creates.length === 0) return [];
  try {
    return await guarded(client, () => insertRows(client, table, creates));
  } catch (error) {
    const fault = faultOf(error, database.system);
    if (fault.code !== 'refused') throw error;
    if (creates.length === 1) return [{ refused: creates[0]?.token as string, reason: fault.message }];
  }
  const answers: WriteAnswer[] = [];
  for (const create of creates) answers.push(...(await insert(client, database, table, [create])));
  return answers;
}

/** A failed statement would end the transaction; a savepoint is where it goes on from. */
async function guarded<T>(client: pg.Client, step: () => Promise<T>): Promise<T> {
  await client.query('savepoint step');
  try {
    const result = await step();
    await client.query('release savepoint step');
    return result;
  } catch (error) {
    await client.query('rollback to savepoint step');
    throw error;
  }
}

async function insertRows(client: pg.Client, table: Table, creates: readonly Create[]): Promise<WriteAnswer[]> {
  const rows = creates.map((create) => toRow(create.body, table.columns));
  const { owner, identity } = table;
  const names = table.columns.map(({ column }) => quoted(column));
  const shape = table.columns.map(({ column, type }) => `${quoted(column)} ${type}`).join(', ');
  const { rows: made } = await client.query<{ key: string; version: string; identity: string }>(
    `insert into ${table.sql} (${[...names, ...(owner ? [quoted(owner.column)] : [])].join(', ')})
     select ${[...names, ...(owner ? ['$2'] : [])].join(', ')} from jsonb_to_recordset($1) as given (${shape})
     on conflict do nothing returning ${keySql(table)} as key, ${VERSION} as version, ${quoted(identity.column)}::text as identity`,
    [JSON.stringify(rows), ...(owner ? [owner.value] : [])],
  );
  const by = new Map(made.map((row) => [row.identity, row]));
  const taken: { readonly create: Create; readonly identity: string }[] = [];
  const answers: WriteAnswer[] = [];
  for (const [at, create] of creates.entries()) {
    const name = identityOf(rows[at] as Row, identity.column);
    const row = by.get(name);
    by.delete(name);
    if (row) answers.push({ token: create.token, ref: row.key, version: row.version });
    else taken.push({ create, identity: name });
  }
  return [...answers, ...(await standing(client, table, taken))];
}

function identityOf(row: Row, column: string): string {
  return String(row[column] ?? '');
}

/** The rows that stand in the way of others. */
async function standing(
  client: pg.Client,
  table: Table,
  taken: readonly { readonly create: Create; readonly identity: string }[],
): Promise<WriteAnswer[]> {
  if (taken.length === 0) return [];
  const { rows } = await client.query<{ key: string; identity: string }>(
    `select ${keySql(table)} as key, ${quoted(table.identity.column)}::text as identity from ${table.sql}
     where ${mine(table, '$1')} and ${quoted(table.identity.column)}::text = any ($2)`,
    [ownerValue(table), taken.map((one) => one.identity)],
  );
  const keys = new Map(rows.map((row) => [row.identity, row.key]));
  return taken.map(({ create, identity }) => {
    const ref = keys.get(identity);
    const reason = 'the table holds a row that a unique column says is the same';
    return { conflicted: create.token, ...(ref !== undefined && { ref }), reason };
  });
}

async function apply(
  client: pg.Client,
  database: Database,
  table: Table,
  write: Exclude<Write<Buffer>, { op: 'create' }>,
): Promise<WriteAnswer> {
  switch (write.op) {
    case 'update':
      try {
        return await guarded(client, () => update(client, table, write));
      } catch (error) {
        const fault = faultOf(error, database.system);
        if (fault.code !== 'refused') throw error;
        return { refused: write.token, reason: fault.message };
      }
    case 'remove':
      return remove(client, table, write);
    case 'move':
      return { refused: write.token, reason: 'a contact stays in its table; it is written to the other one' };
    case 'meta':
      return { refused: write.token, reason: 'contacts have no metadata beside their content' };
    default:
      return write satisfies never;
  }
}

async function update(client: pg.Client, table: Table, write: Write<Buffer> & { op: 'update' }): Promise<WriteAnswer> {
  const row = toRow(write.body, table.columns);
  const names = table.columns.map(({ column }) => quoted(column));
  const shape = table.columns.map(({ column, type }) => `${quoted(column)} ${type}`).join(', ');
  const { rows } = await client.query<{ version: string }>(
    `update ${table.sql} as held set ${names.map((name) => `${name} = given.${name}`).join(', ')}
     from jsonb_to_record($1) as given (${shape})
     where ${mine(table, '$2').replace(/^"/, 'held."')} and held.${keyIs(table, '$3')} and ($4::text is null or held.${VERSION} = $4)
     returning held.${VERSION} as version`,
    [JSON.stringify(row), ownerValue(table), keyValue(table, write.ref), write.version ?? null],
  );
  const [now] = rows;
  if (now) return { token: write.token, ref: write.ref, version: now.version };
  return { conflicted: write.token, ref: write.ref, reason: 'the row was changed, or is gone' };
}

async function remove(client: pg.Client, table: Table, write: Write<Buffer> & { op: 'remove' }): Promise<WriteAnswer> {
  const at = [ownerValue(table), keyValue(table, write.ref)];
  const { rowCount } = await client.query(
    `delete from ${table.sql} where ${mine(table, '$1')} and ${keyIs(table, '$2')} and ($3::text is null or ${VERSION} = $3)`,
    [...at, write.version ?? null],
  );
  if (rowCount === 0) {
    const there = await client.query(
      `select from ${table.sql} where ${mine(table, '$1')} and ${keyIs(table, '$2')}`,
      at,
    );
    if (there.rowCount) return { conflicted: write.token, ref: write.ref, reason: 'the row was changed' };
  }
  return { token: write.token };
}

/** Text that PostgreSQL can hold. */
export function checkText(body: Buffer): void {
  if (!body.includes(0)) return;
  throw new Fault('refused', 'the contact holds a NUL character, which PostgreSQL cannot store', {
    next: 'remove it in the source',
  });
}
