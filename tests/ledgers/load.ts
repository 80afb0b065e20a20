/** Brings a dump into a database of its own, as an earlier version left it, and then to the present version. */
import { randomUUID } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ledger } from '../../ledger/ledger.js';
import { openLedger } from '../../ledger/ledger.js';
import { migrateLedger } from '../../ledger/migrate.js';
import type { LedgerServer } from '../engine/ledger.js';

const MIGRATIONS = new URL('../../ledger/migrations/', import.meta.url);
/** The last file that each version knew. */
const LAST = { '0.3': 3, '0.4': 7 };
type Version = keyof typeof LAST;

export const dumpOf = (name: string, of: Version = '0.3'): Promise<string> =>
  readFile(new URL(`./${of}/${name}.sql`, import.meta.url), 'utf8');

export interface LoadedLedger {
  readonly ledger: Ledger;
  /** Ends its connections and drops its database. */
  close(): Promise<void>;
}

/** The ledger of a dump, migrated. */
export async function loadLedger(server: LedgerServer, sql: string, of: Version = '0.3'): Promise<LoadedLedger> {
  const database = `old_${randomUUID().replaceAll('-', '')}`;
  await server.ledger.pool.query(`create database ${database}`);
  const url = new URL(server.url);
  url.pathname = `/${database}`;
  const ledger = openLedger(url.href);
  await ledger.pool.query(
    'create table ledger_version (version int primary key, name text not null, applied_at timestamptz not null default now())',
  );
  for (const file of (await readdir(MIGRATIONS)).sort()) {
    const version = Number(file.slice(0, 4));
    if (!(version <= LAST[of])) continue;
    await ledger.pool.query(await readFile(new URL(file, MIGRATIONS), 'utf8'));
    await ledger.pool.query('insert into ledger_version (version, name) values ($1, $2)', [version, file]);
  }
  await ledger.pool.query(sql);
  await migrateLedger(ledger);
  return {
    ledger,
    async close() {
      await ledger.close();
      await server.ledger.pool.query(`drop database ${database} with (force)`);
    },
  };
}

/** Fills in what `make-files.ts` left open: where the trees are, and what their files are called by the system. */
export async function fillIn(sql: string, dir: string): Promise<string> {
  let filled = sql.replaceAll('{dir}', dir);
  for (const [name, what, path] of [...new Set(sql.match(/\{(?:version|id) [^}]+\}/g))].map(partsOf)) {
    const { size, mtimeNs, ino, dev } = await stat(join(dir, path), { bigint: true });
    filled = filled.replaceAll(name, what === 'version' ? `${size}-${mtimeNs}-${ino}` : `${dev}:${ino}`);
  }
  return filled;
}

function partsOf(name: string): readonly [name: string, what: string, path: string] {
  const [, what = '', path = ''] = /^\{(\S+) (.+)\}$/.exec(name) ?? [];
  return [name, what, path];
}
