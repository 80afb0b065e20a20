/** A batch of writes in one transaction: all of it is there, or none. */
import type pg from 'pg';
import type { Write, WriteAnswer } from '../contract.js';
import { quoted } from './catalogue.js';
import { isOfType } from './column-types.js';
import type { Database } from './database.js';
import { TOUCHED } from './documented.js';
import { faultOf, isTaken } from './faults.js';
import { holding } from './fence.js';
import type { Create } from './insert.js';
import { existingRow, insertRows, shape } from './insert.js';
import { toRow } from './mapping.js';
import { keySql, mine, ownerValue, versionSql } from './rows.js';
import type { Table } from './table.js';

type Update = Write<Buffer> & { readonly op: 'update' };
type Remove = Write<Buffer> & { readonly op: 'remove' };
/** Undefined: it has to be done one by one. */
type Step<W> = (client: pg.Client, table: Table, writes: readonly W[]) => Promise<WriteAnswer[] | undefined>;

export async function applyAll(
  database: Database,
  table: Table,
  writes: readonly Write<Buffer>[],
  signal: AbortSignal,
): Promise<WriteAnswer[]> {
  return database.transaction(signal, holding(table), async (client) => {
    const answers: WriteAnswer[] = [];
    for (const run of runsOf(writes)) answers.push(...(await applyRun(client, database, table, run)));
    return answers;
  });
}

/** Neighbours of one operation go together; the order stays, so that a removal can make room. */
function runsOf(writes: readonly Write<Buffer>[]): Write<Buffer>[][] {
  const runs: Write<Buffer>[][] = [];
  for (const write of writes) {
    const run = runs.at(-1);
    if (run?.[0]?.op === write.op) run.push(write);
    else runs.push([write]);
  }
  return runs;
}

async function applyRun(
  client: pg.Client,
  database: Database,
  table: Table,
  run: readonly Write<Buffer>[],
): Promise<WriteAnswer[]> {
  const op = run[0]?.op as Write<Buffer>['op'];
  switch (op) {
    case 'create':
      return divided(client, database, table, run as readonly Create[], insertRows);
    case 'update':
      return divided(client, database, table, run as readonly Update[], updateRows);
    case 'remove':
      return divided(client, database, table, run as readonly Remove[], removeRows);
    case 'move':
      return run.map(({ token }) => ({ refused: token, reason: 'a contact stays in its table' }));
    case 'meta':
      return run.map(({ token }) => ({ refused: token, reason: 'contacts have no metadata beside their content' }));
    default:
      return op satisfies never;
  }
}

/** All at once; where the table refuses one, in halves, until it stands alone. */
async function divided<W extends Create | Update | Remove>(
  client: pg.Client,
  database: Database,
  table: Table,
  writes: readonly W[],
  step: Step<W>,
): Promise<WriteAnswer[]> {
  const [only] = writes;
  if (!only) return [];
  await client.query('savepoint step');
  let parts = [writes.slice(0, writes.length >> 1), writes.slice(writes.length >> 1)];
  try {
    const answers = await step(client, table, writes);
    if (answers) {
      await client.query('release savepoint step');
      return answers;
    }
    parts = writes.map((write) => [write]);
    await client.query('rollback to savepoint step');
  } catch (error) {
    const row = 'body' in only ? toRow(only.body, table.columns) : {};
    const texts = Object.values(row).flat();
    const fault = faultOf(error, table.name, writes.length === 1 ? texts.filter((text) => text !== null) : []);
    if (fault.code !== 'refused') throw error;
    await client.query('rollback to savepoint step');
    if (writes.length === 1) {
      if (isTaken(error) && 'body' in only) return existingRow(client, table, [{ token: only.token, row }]);
      return [{ refused: only.token, reason: fault.message }];
    }
  }
  const answers: WriteAnswer[] = [];
  for (const part of parts) answers.push(...(await divided(client, database, table, part, step)));
  return answers;
}

const TARGETS = '"drover key" text, "drover version" text';

/** The row of a write, still in the version that the writer knows. */
function targeted(table: Table): string {
  return `${mine(table, '$2', 'held.')} and held.${quoted(table.key.column)} = given."drover key"::${table.key.type}
    and (given."drover version" is null or ${versionSql(table, 'held.')} = given."drover version")`;
}

function target({ ref, version }: Update | Remove): Record<string, string | null> {
  return { 'drover key': ref, 'drover version': version ?? null };
}

async function updateRows(
  client: pg.Client,
  table: Table,
  writes: readonly Update[],
): Promise<WriteAnswer[] | undefined> {
  const known = writes.filter(({ ref }) => isOfType(ref, table.key.type));
  // The second of two updates of a row has to meet the first.
  if (new Set(known.map(({ ref }) => ref)).size < known.length) return undefined;
  const given = known.map((write) => ({ ...toRow(write.body, table.columns), ...target(write) }));
  const sets = table.columns.map(({ column }) => `${quoted(column)} = given.${quoted(column)}`);
  if (table.documented) sets.push(`${TOUCHED} = now()`);
  const { rows } = await client.query<{ was: string; key: string; version: string }>(
    `update ${table.sql} as held set ${sets.join(', ')}
     from jsonb_to_recordset($1) as given (${TARGETS}, ${shape(table)}) where ${targeted(table)}
     returning given."drover key" as was, ${keySql(table, 'held.')} as key, ${versionSql(table, 'held.')} as version`,
    [JSON.stringify(given), ownerValue(table)],
  );
  const now = new Map(rows.map((row) => [row.was, row]));
  return writes.map(({ token, ref }): WriteAnswer => {
    const row = now.get(ref);
    if (row) return { token, ref: row.key, version: row.version };
    return { conflicted: token, ref, reason: 'the row was changed, or is gone' };
  });
}

async function removeRows(client: pg.Client, table: Table, writes: readonly Remove[]): Promise<WriteAnswer[]> {
  const known = writes.filter(({ ref }) => isOfType(ref, table.key.type));
  await client.query(
    `delete from ${table.sql} as held using jsonb_to_recordset($1) as given (${TARGETS}) where ${targeted(table)}`,
    [JSON.stringify(known.map(target)), ownerValue(table)],
  );
  const { rows } = await client.query<{ key: string }>(
    `select ${keySql(table)} as key from ${table.sql}
     where ${mine(table, '$1')} and ${quoted(table.key.column)} = any ($2::text[]::${table.key.type}[])`,
    [ownerValue(table), known.map(({ ref }) => ref)],
  );
  const there = new Set(rows.map(({ key }) => key));
  return writes.map(({ token, ref }): WriteAnswer => {
    if (there.has(ref)) return { conflicted: token, ref, reason: 'the row was changed' };
    return { token };
  });
}
