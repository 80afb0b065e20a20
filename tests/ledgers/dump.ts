/** Writes a ledger down as SQL: plain inserts, parents first. The dumps of this folder are made by it. */
import type { Ledger } from '../../ledger/ledger.js';

/**
 * All tables up to version 7 of the ledger, each behind those it refers to. Connections (`slot`) are nobody's any more, and
 * the counters follow from the items.
 */
const TABLES = [
  'place',
  'pairing',
  'spec',
  'migration',
  'run',
  'unit',
  'lease',
  'container',
  'survey',
  'item',
  'batch',
  'upload',
  'upload_part',
  'doubt',
  'found',
  'outcome',
  'gate',
  'budget',
  'event',
] as const;

/** Rows in the order of their first columns; identities go on behind them. */
export async function dumpLedger(ledger: Ledger): Promise<string> {
  const lines: string[] = [];
  for (const table of TABLES) {
    const { rows: columns } = await ledger.pool.query<{ name: string; identity: boolean }>(
      `select column_name as name, is_identity = 'YES' as identity from information_schema.columns
       where table_schema = 'public' and table_name = $1 order by ordinal_position`,
      [table],
    );
    const values = columns.map(({ name }) => `quote_nullable(${name}::text)`).join(`, ', ', `);
    const { rows } = await ledger.pool.query<{ text: string }>(
      `select concat(${values}) as text from ${table} order by 1`,
    );
    const names = columns.map(({ name }) => name).join(', ');
    for (const { text } of rows)
      lines.push(`insert into ${table} (${names}) overriding system value values (${text});`);
    for (const { name } of columns.filter(({ identity }) => identity))
      lines.push(
        `select setval(pg_get_serial_sequence('${table}', '${name}'), max(${name})) from ${table} having max(${name}) is not null;`,
      );
  }
  return `${lines.join('\n')}\n`;
}
