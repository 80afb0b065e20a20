import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll } from 'vitest';
import { itemSourceConformance } from '../../tests/conformance/item-source.js';
import { itemTargetConformance } from '../../tests/conformance/item-target.js';
import type { LedgerServer } from '../../tests/engine/ledger.js';
import { startLedger } from '../../tests/engine/ledger.js';
import { kinds } from '../kinds/kinds.js';
import { Database } from './database.js';
import type { PostgresOptions } from './manifest.js';
import { createPostgresSource } from './source.js';
import { ensureTable } from './table.js';
import { createPostgresTarget } from './target.js';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedger();
});
afterAll(() => server.stop());

const uidOf = (body: Buffer): string => kinds.contacts.identities(body, ['uid'])[0]?.slice(4) ?? '';

/** The documented table, or one of the user's own that keeps the whole card. */
async function world(own: boolean) {
  const url = new URL(server.url);
  const schema = `s${randomUUID().replaceAll('-', '')}`;
  const table = `${schema}."Work"`;
  const { pool } = server.ledger;
  const mapping = {
    columns: { uid: 'external_id', name: 'full_name', email: 'mail', vcard: 'raw' },
    owner: { column: 'company', value: 'acme' },
  };
  await pool.query(`create schema ${schema}`);
  if (own) {
    await pool.query(`create table ${table} (
      no int generated always as identity primary key, company text not null default 'acme', external_id text unique,
      full_name varchar(400), mail text[], raw text)`);
  }
  const options = {
    host: url.hostname,
    port: Number(url.port),
    database: url.pathname.slice(1),
    tls: 'none',
    auth: { username: decodeURIComponent(url.username), password: { env: 'X' } },
    table: `${schema}.Work`,
    ...(own ? mapping : {}),
  } as PostgresOptions;
  const secret = async () => decodeURIComponent(url.password);
  const database = () => new Database(options, { account: 'anna', kind: 'contacts', secret });
  const known = database();
  const never = new AbortController().signal;
  const shape = async () => (await ensureTable(known, never)).table;
  const [uid, raw] = own ? ['external_id', 'raw'] : ['uid', 'vcard'];
  const key = own ? 'no' : 'id';
  return {
    kind: 'contacts' as const,
    source: () => createPostgresSource(database()),
    target: () => createPostgresTarget(database()),
    async put(_path: readonly string[], body: Buffer) {
      await shape();
      const columns = own ? `${uid}, ${raw}` : `owner, ${uid}, ${raw}`;
      const { rows } = await pool.query<{ key: string }>(
        `insert into ${table} (${columns}) values (${own ? '' : `'anna', `}$1, $2) returning ${key}::text as key`,
        [uidOf(body), body.toString()],
      );
      return rows[0]?.key as string;
    },
    async edit(_path: readonly string[], ref: string, body: Buffer) {
      await pool.query(`update ${table} set ${raw} = $2 where ${key} = $1`, [ref, body.toString()]);
    },
    async drop(_path: readonly string[], ref: string) {
      await pool.query(`delete from ${table} where ${key} = $1`, [ref]);
    },
    async dropContainer() {
      await pool.query(`drop table ${table}`);
    },
    async stored() {
      const { rows } = await pool.query<{ raw: string }>(`select ${raw} as raw from ${table}`);
      return rows.map((row) => Buffer.from(row.raw));
    },
    async close() {
      known.close();
      await pool.query(`drop schema ${schema} cascade`);
    },
  };
}

const NO_FEED = 'a table keeps no list of changes: rows are compared';
const OWN = 'a table of the user’s own is never made';
const ONE_TABLE = 'every address book goes into the one table';

for (const own of [false, true]) {
  const name = `postgres, ${own ? 'a table of the user’s own' : 'the documented table'}`;
  itemSourceConformance({
    name,
    world: async () => {
      const made = await world(own);
      return { ...made, open: made.source };
    },
    waived: {
      'tells what changed since a token': NO_FEED,
      'tells nothing when nothing changed': NO_FEED,
      'tells versions in changes as in listings': NO_FEED,
      'says so when a token is not known': NO_FEED,
    },
  });
  itemTargetConformance({
    name,
    kind: 'contacts',
    world: async () => {
      const made = await world(own);
      return { ...made, open: made.target };
    },
    waived: {
      'keeps containers apart whose names are odd or alike': ONE_TABLE,
      'keeps or notes colour, order and description': ONE_TABLE,
      ...(own && {
        'makes a container once, and finds it again by name': OWN,
        'looks for a container without making it': OWN,
      }),
    },
  });
}
