/** A real PostgreSQL for tests: own folder, own port, ended with its parent. It forgets everything when it is killed. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { preparePostgresHome } from '../../worker/stack/postgres-home.js';
import { startPostgresServer } from '../../worker/stack/postgres-server.js';

export interface Postgres {
  /** Of an empty database, as its owner, who may do everything on the server. */
  readonly url: string;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

export async function startPostgres(): Promise<Postgres> {
  const dir = await mkdtemp(join(tmpdir(), 'drover-postgres-'));
  const home = await preparePostgresHome({ dir, log: () => {} });
  const { server, url } = await startPostgresServer({
    home,
    dir,
    env: process.env,
    signal: new AbortController().signal,
  });
  await waitForNoDisk(url);
  return {
    url,
    async stop() {
      await server.stop();
      await rm(dirname(home.data), { recursive: true, force: true });
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** What must outlive a crash of the machine waits for the disk at every commit; nothing in a test does. */
async function waitForNoDisk(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  for (const setting of ['fsync', 'synchronous_commit', 'full_page_writes']) {
    await client.query(`alter system set ${setting} = off`);
  }
  await client.query('select pg_reload_conf()');
  await client.end();
}
