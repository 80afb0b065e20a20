/** The embedded PostgreSQL that holds the ledger: real binaries, one cluster, loopback only. */
import { execFile } from 'node:child_process';
import { chown, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePort } from './free-port.js';
import type { Guarded } from './guarded.js';
import { startGuarded } from './guarded.js';
import { lastLines } from './last-lines.js';
import type { PostgresHome } from './postgres-home.js';
import { commandLine, endProcess, identify } from './process.js';

const run = promisify(execFile);
const USER = 'drover';
const DATABASE = 'drover';
/** How long a killed server's last backends may hold its shared memory. */
const PATIENCE_MS = 15_000;

export interface PostgresServer {
  readonly server: Guarded;
  readonly port: number;
  readonly url: string;
}

export interface PostgresServerOptions {
  readonly home: PostgresHome;
  readonly dir: string;
  readonly preferredPort?: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** Starts the server, making the cluster and the database the first time, and resolves when it answers. */
export async function startPostgresServer(options: PostgresServerOptions): Promise<PostgresServer> {
  const { home, signal } = options;
  const env = { ...options.env, LC_ALL: 'C', TZ: 'UTC', PGDATA: undefined };
  await createCluster(home, env);
  await clearStalePid(home.data);
  const logFile = join(options.dir, 'postgres.log');
  const deadline = performance.now() + PATIENCE_MS;
  let preferred = options.preferredPort;
  for (;;) {
    const port = await freePort(preferred);
    const server = await startGuarded({
      command: join(home.programs, 'postgres'),
      args: [
        ...['-D', home.data, '-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
        ...['-c', 'max_connections=200', '-c', 'jit=off', '-c', 'timezone=UTC', '-c', 'log_timezone=UTC'],
      ],
      cwd: home.owner ? '/' : home.data,
      ...(home.owner && { owner: home.owner }),
      env,
      output: { file: logFile },
      // Fast shutdown first, then immediate, which recovers from the log at the next start.
      stopSignals: ['SIGINT', 'SIGQUIT'],
      graceMs: 3_000,
    });
    const url = `postgresql://${USER}:${home.password}@127.0.0.1:${port}/${DATABASE}`;
    try {
      await untilItAnswers(server, url, signal);
      return { server, port, url };
    } catch (error) {
      await server.kill();
      signal.throwIfAborted();
      const tail = await lastLines(logFile, 5);
      const portTaken = /could not bind/.test(tail);
      // The backends of a killed server let go of its shared memory a moment after it.
      if (performance.now() < deadline && (portTaken || /still in use/.test(tail))) {
        if (portTaken) preferred = undefined;
        await delay(100, undefined, { signal });
        continue;
      }
      throw new Error(`starting the ledger's PostgreSQL: ${(error as Error).message}; see ${logFile}:\n${tail}`);
    }
  }
}

/** Made beside and renamed: a cluster that is there is a whole one. */
async function createCluster(home: PostgresHome, env: Readonly<Record<string, string | undefined>>): Promise<void> {
  if (await exists(join(home.data, 'PG_VERSION'))) {
    if (!home.created) await home.markCreated();
    return;
  }
  if (home.created) {
    throw new Error(
      `the ledger that was in ${home.data} is gone: restore it from a backup, or remove the state folder to begin with an empty one (docs/operations.md)`,
    );
  }
  const beside = `${home.data}.new`;
  const passwordFile = `${home.data}.password`;
  await rm(beside, { recursive: true, force: true });
  await rm(passwordFile, { force: true });
  await writeFile(passwordFile, `${home.password}\n`, { mode: 0o600, flag: 'wx' });
  try {
    if (home.owner) await chown(passwordFile, home.owner.uid, home.owner.gid);
    await run(
      join(home.programs, 'initdb'),
      ['-D', beside, '-U', USER, `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--encoding=UTF8', '--locale=C'],
      { env: { ...process.env, ...env }, cwd: '/', ...(home.owner && { uid: home.owner.uid, gid: home.owner.gid }) },
    );
  } finally {
    await rm(passwordFile, { force: true });
  }
  await rename(beside, home.data);
  await home.markCreated();
}

/**
 * PostgreSQL refuses to start while the pid in its lock file is alive. After a crash of the machine another
 * program may have that pid; after a crash of ours the old server may still run, and is ended.
 */
async function clearStalePid(data: string): Promise<void> {
  const file = join(data, 'postmaster.pid');
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return;
  const holder = await identify(Number.parseInt(text, 10));
  if (holder === undefined) return;
  if ((await commandLine(holder.pid)).includes(data)) await endProcess(holder, ['SIGINT', 'SIGQUIT', 'SIGKILL'], 5_000);
  else await rm(file);
}

async function untilItAnswers(server: Guarded, url: string, signal: AbortSignal): Promise<void> {
  let over: number | string | undefined;
  void server.ended.then((outcome) => {
    over = outcome;
  });
  const maintenance = new URL(url);
  maintenance.pathname = '/postgres';
  // Recovery after a crash replays the log first, which takes as long as it takes: only an end is an answer.
  for (;;) {
    signal.throwIfAborted();
    if (over !== undefined) throw new Error(`it ended (${over})`);
    const client = new pg.Client({ connectionString: maintenance.href, connectionTimeoutMillis: 2_000 });
    // A connection that breaks also fails the call that waits for it, which is where it is seen.
    client.on('error', () => undefined);
    try {
      await client.connect();
      const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [DATABASE]);
      if (rowCount === 0) await client.query(`create database ${DATABASE}`);
      return;
    } catch (error) {
      // 28P01: another server answers on this port, or the password does not belong to this cluster.
      if ((error as { code?: string }).code === '28P01') throw error;
      await delay(25, undefined, { signal });
    } finally {
      // A connection that was never made cannot be ended either.
      await client.end().catch(() => undefined);
    }
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    await readFile(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
