/**
 * What a fleet of version 0.3 left when its worker and its servers were killed: Temporal's database and the ledger. Its
 * systems were in memory; they are filled here as they were.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { memoryStore } from '../../connectors/memory/store.js';
import { openLedger } from '../../ledger/ledger.js';

const MIGRATIONS = new URL('../../ledger/migrations/', import.meta.url);
const RECORDED = new URL('./0.3/', import.meta.url);

/** The migrations that were open, as people had left them. */
export const NAMES = ['running', 'queued', 'paused', 'parked', 'scheduled'] as const;
export const PEOPLE = ['anna', 'bert'] as const;
export const MESSAGES = 3;

/** Before the stack starts in `dir`. */
export async function layTemporal(dir: string): Promise<void> {
  await writeFile(join(dir, 'temporal.db'), gunzipSync(await readFile(new URL('temporal.db.gz', RECORDED))));
}

/** Into the empty database at `url`; it stays at the version that it had. */
export async function layLedger(url: string): Promise<void> {
  const ledger = openLedger(url);
  try {
    await ledger.pool.query(
      'create table ledger_version (version int primary key, name text not null, applied_at timestamptz not null default now())',
    );
    for (const file of (await readdir(MIGRATIONS)).sort().slice(0, 3)) {
      await ledger.pool.query(await readFile(new URL(file, MIGRATIONS), 'utf8'));
      await ledger.pool.query('insert into ledger_version (version, name) values ($1, $2)', [
        Number(file.slice(0, 4)),
        file,
      ]);
    }
    await ledger.pool.query(await readFile(new URL('ledger.sql', RECORDED), 'utf8'));
  } finally {
    await ledger.close();
  }
}

export function laySystems(): void {
  for (const name of NAMES) {
    for (const person of PEOPLE) {
      const account = memoryStore(`${name}-source`).account(person);
      for (let n = 1; n <= MESSAGES; n++) account.put(['INBOX'], { bytes: message(n) });
      // Its first run was done; the second waits at its gate.
      const copies = name === 'scheduled' || (name === 'parked' && person === 'anna') ? MESSAGES : 0;
      for (let n = 1; n <= copies; n++)
        memoryStore(`${name}-target`)
          .account(person)
          .put(['INBOX'], { bytes: message(n) });
    }
  }
  memoryStore('parked-source').account('bert').locked = 'password expired';
  for (const person of PEOPLE) memoryStore('scheduled-source').account(person).locked = 'password expired';
}

export function unlockAll(): void {
  for (const name of NAMES)
    for (const person of PEOPLE) memoryStore(`${name}-source`).account(person).locked = undefined;
}

function message(n: number): Buffer {
  return Buffer.from(`Message-ID: <${n}@x>\r\n\r\nbody ${n}\r\n`);
}
