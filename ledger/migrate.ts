/** Brings the ledger's tables to this program's version. */
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Fault } from '../connectors/errors.js';
import type { Ledger } from './ledger.js';

const FOLDER = new URL('./migrations/', import.meta.url);
/** Any number, the same in all versions: workers that start together take turns. */
const LOCK = 7_340_981;

/**
 * Applies the SQL files that the ledger has not seen, each in the order of its number, under a lock.
 * Throws `Fault('spec')` when the ledger was made by a newer version.
 */
export async function migrateLedger(
  ledger: Ledger,
): Promise<{ readonly applied: readonly string[]; readonly version: number }> {
  const files = (await readdir(fileURLToPath(FOLDER))).filter((name) => /^\d{4}-.*\.sql$/.test(name)).sort();
  return ledger.transaction(async (sql) => {
    await sql.query('select pg_advisory_xact_lock($1)', [LOCK]);
    await sql.query(
      'create table if not exists ledger_version (version int primary key, name text not null, applied_at timestamptz not null default now())',
    );
    const { rows } = await sql.query<{ version: number | null }>('select max(version) as version from ledger_version');
    const current = rows[0]?.version ?? 0;
    const newest = Number(files.at(-1)?.slice(0, 4) ?? 0);
    if (current > newest) {
      throw new Fault('spec', `the ledger has version ${current}, this program knows ${newest}`, {
        next: 'start a worker of the newer version; a ledger never goes back',
      });
    }
    const applied: string[] = [];
    for (const name of files) {
      const version = Number(name.slice(0, 4));
      if (version <= current) continue;
      await sql.query(await readFile(new URL(name, FOLDER), 'utf8'));
      await sql.query('insert into ledger_version (version, name) values ($1, $2)', [version, name]);
      applied.push(name);
    }
    return { applied, version: newest };
  });
}
