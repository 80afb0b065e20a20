/** The documented table. `vcard` holds the whole contact; the other columns are there to be asked for. */
import type { Database } from './database.js';

/** What stands in which of its columns. */
export const DOCUMENTED: Readonly<Record<string, string>> = {
  uid: 'uid',
  name: 'full_name',
  given: 'given_name',
  family: 'family_name',
  organization: 'organization',
  title: 'title',
  email: 'emails',
  phone: 'phones',
  address: 'addresses',
  vcard: 'vcard',
};

/** Says when a row was last written. */
export const TOUCHED = 'updated_at';

function ddl(sql: string): string {
  return `create table if not exists ${sql} (
  id bigint generated always as identity primary key,
  owner text not null,
  uid text not null,
  full_name text,
  given_name text,
  family_name text,
  organization text,
  title text,
  emails text[] not null default '{}',
  phones text[] not null default '{}',
  addresses text[] not null default '{}',
  vcard text not null,
  created_at timestamptz not null default now(),
  ${TOUCHED} timestamptz not null default now(),
  unique (owner, uid)
)`;
}

/** Makes it, where no other session did in this very moment. Throws `Fault`, e.g. `credentials` without the right to. */
export async function makeDocumented(database: Database, sql: string, signal: AbortSignal): Promise<void> {
  // `if not exists` alone fails when two sessions meet in the catalogue.
  const lock = `select pg_advisory_xact_lock(hashtextextended('drover contacts table', 0))`;
  await database.transaction(signal, lock, (client) => client.query(ddl(sql)));
}
