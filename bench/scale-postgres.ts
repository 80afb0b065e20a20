/** A PostgreSQL that says what each statement took: pg_stat_statements, and the plans of slow ones in its log. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { preparePostgresHome } from '../worker/stack/postgres-home.js';
import { startPostgresServer } from '../worker/stack/postgres-server.js';

export interface MeteredPostgres {
  readonly url: string;
  /** What ran since the last call, the slowest first. */
  spent(): Promise<readonly Statement[]>;
  /** Plans of statements that took longer than asked for, since the last call. */
  slowPlans(): Promise<string>;
  stop(): Promise<void>;
}

export interface Statement {
  readonly text: string;
  readonly calls: number;
  /** Planning and execution, in milliseconds. */
  readonly ms: number;
  readonly rows: number;
  /** Pages of 8 KiB that were looked at. */
  readonly buffers: number;
}

/** As an operator runs it, but for the disk: nobody waits for that here. */
const SETTINGS = { shared_buffers: '512MB', maintenance_work_mem: '512MB', max_wal_size: '8GB', fsync: 'off' };

export async function startMeteredPostgres(slowMs: number): Promise<MeteredPostgres> {
  const dir = await mkdtemp(join(tmpdir(), 'drover-scale-'));
  const home = await preparePostgresHome({ dir, log: () => {} });
  const { signal } = new AbortController();
  const start = () => startPostgresServer({ home, dir, env: process.env, signal });
  const first = await start();
  await onServer(first.url, async (client) => {
    for (const [name, value] of Object.entries(SETTINGS)) await client.query(`alter system set ${name} = '${value}'`);
    await client.query(`alter system set shared_preload_libraries = pg_stat_statements, auto_explain`);
  });
  await first.server.stop();
  const { server, url } = await start();
  await onServer(url, async (client) => {
    await client.query('create extension pg_stat_statements');
    await client.query('alter system set pg_stat_statements.track_planning = on');
    await client.query('alter system set pg_stat_statements.max = 10000');
    // The engine's own statements; the timing of each node would cost more than it tells.
    await client.query('alter system set auto_explain.log_analyze = on');
    await client.query('alter system set auto_explain.log_timing = off');
    await client.query('alter system set auto_explain.log_buffers = on');
    await client.query(`alter system set auto_explain.log_min_duration = ${slowMs}`);
    await client.query('select pg_reload_conf()');
  });
  const log = join(dir, 'postgres.log');
  let told = 0;
  return {
    url,
    spent: () =>
      onServer(url, async (client) => {
        const { rows } = await client.query<Statement>(
          `select query as text, calls::int, total_exec_time + total_plan_time as ms, rows::int,
             (shared_blks_hit + shared_blks_read)::int as buffers
           from pg_stat_statements where query not like '%pg_stat_statements%' order by 3 desc`,
        );
        await client.query('select pg_stat_statements_reset()');
        return rows;
      }),
    async slowPlans() {
      const text = await readFile(log, 'utf8');
      const fresh = text.slice(told);
      told = text.length;
      return fresh;
    },
    async stop() {
      await server.stop();
      await rm(dirname(home.data), { recursive: true, force: true });
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function onServer<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
