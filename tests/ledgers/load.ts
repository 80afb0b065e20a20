/** Brings a dump into a database of its own, as version 0.3 left it, and then to the present version. */
import { randomUUID } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ledger } from '../../ledger/ledger.js';
import { openLedger } from '../../ledger/ledger.js';
import { migrateLedger } from '../../ledger/migrate.js';
import type { LedgerServer } from '../engine/ledger.js';

const MIGRATIONS = new URL('../../ledger/migrations/', import.meta.url);
/** The last file that version 0.3 knew. */
const VERSION = 3;

export const dumpOf = (name: string): Promise<string> =>
  readFile(new URL(`./0.3/${name}.sql`, import.meta.url), 'utf8');

/** The ledger of a dump, migrated. The caller closes it; its database goes with the server. */
export async function loadLedger(server: LedgerServer, sql: string): Promise<Ledger> {
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
    if (!(version <= VERSION)) continue;
    await ledger.pool.query(await readFile(new URL(file, MIGRATIONS), 'utf8'));
    await ledger.pool.query('insert into ledger_version (version, name) values ($1, $2)', [version, file]);
  }
  await ledger.pool.query(sql);
  await migrateLedger(ledger);
  return ledger;
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
