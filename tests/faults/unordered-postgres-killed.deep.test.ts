/**
 * PostgreSQL is killed between a page of a listing in no order and its end. What was staged before must be there when the
 * listing goes on at its cursor: were it lost, the items of the first pages would be taken for gone.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { removeFrom } from '../../connectors/memory/store.js';
import type { Ledger } from '../../ledger/ledger.js';
import { openLedger } from '../../ledger/ledger.js';
import { migrateLedger } from '../../ledger/migrate.js';
import type { PostgresHome } from '../../worker/stack/postgres-home.js';
import { preparePostgresHome } from '../../worker/stack/postgres-home.js';
import type { PostgresServer } from '../../worker/stack/postgres-server.js';
import { startPostgresServer } from '../../worker/stack/postgres-server.js';
import { createWorld } from '../engine/world.js';

let dir: string;
let home: PostgresHome;
let server: PostgresServer;
let ledger: Ledger;

const start = (preferredPort?: number): Promise<PostgresServer> =>
  startPostgresServer({
    home,
    dir,
    env: process.env,
    signal: new AbortController().signal,
    ...(preferredPort !== undefined && { preferredPort }),
  });

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'drover-killed-'));
  home = await preparePostgresHome({ dir, log: () => {} });
  server = await start();
  ledger = openLedger(server.url);
  await migrateLedger(ledger);
});
afterAll(async () => {
  await ledger.close();
  await server.server.stop();
  await rm(dirname(home.data), { recursive: true, force: true });
  await rm(dir, { recursive: true, force: true });
});

it('takes nothing for gone that was named before PostgreSQL was killed', async () => {
  const world = createWorld(ledger, {
    selection: { deletions: 'mirror', maxDeletions: 1 },
    habits: { unordered: true, pageItems: 2, looksUp: true },
  });
  for (let n = 1; n <= 9; n++)
    world.from.put(['INBOX'], { bytes: Buffer.from(`Message-ID: <${n}@x>\r\n\r\n${n}\r\n`) });
  await world.run();
  const inbox = world.from.folder(['INBOX']);
  removeFrom(inbox, 4);
  inbox.forgotten = ++inbox.modseq;
  let pages = 0;
  let staged = 0;
  world.source.fault = async ({ op, when }) => {
    // At least one page is written down: the fourth is asked for when the second one is.
    if (op !== 'list' || when !== 'before' || ++pages !== 4) return;
    await server.server.kill();
    server = await start(server.port);
    staged = await stagedIn(server.url);
  };
  const request = 'one';
  // Whether anybody was speaking to the server at that moment or not.
  const run = await world.run({ request }).catch(() => world.run({ request }));

  expect(staged).toBeGreaterThan(1);
  expect(run).toMatchObject({ state: 'done', totals: { items: 8, verified: 8, removed: 1 } });
  // It went on at its cursor.
  expect(pages).toBeLessThan(8);
  expect([world.to.folder(['INBOX']).messages.size, world.target.counts.remove]).toEqual([8, 1]);
  await world.close();
});

async function stagedIn(connectionString: string): Promise<number> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  const { rows } = await client.query('select count(*)::int as n from listed');
  await client.end();
  return rows[0].n;
}
