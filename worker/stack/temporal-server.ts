/** The Temporal dev server: one process with its Web UI and an SQLite file. */
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './free-port.js';
import type { Guarded } from './guarded.js';
import { startGuarded } from './guarded.js';
import { lastLines } from './last-lines.js';

export interface TemporalPorts {
  readonly frontend: number;
  readonly ui: number;
}

export interface TemporalServer extends TemporalPorts {
  readonly server: Guarded;
}

/** Measured: with its defaults the dev server looks at its queues 20 times a second, so that every step takes 50 ms. */
const DYNAMIC_CONFIG = [
  'history.transferProcessorMaxPollRPS=1000',
  'history.timerProcessorMaxPollRPS=1000',
  'history.visibilityProcessorMaxPollRPS=200',
  'matching.numTaskqueueReadPartitions=1',
  'matching.numTaskqueueWritePartitions=1',
];

export interface TemporalServerOptions {
  readonly program: string;
  readonly dir: string;
  /** Ports to take when they are free. */
  readonly preferred: Partial<TemporalPorts>;
  /** A port for the Web UI that must be had. */
  readonly uiPort?: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** Starts the server on the state in `dir` and resolves when it answers. */
export async function startTemporalServer(options: TemporalServerOptions): Promise<TemporalServer> {
  const { dir, signal } = options;
  const logFile = join(dir, 'temporal.log');
  const database = join(dir, 'temporal.db');
  await makePrivate(database);
  for (let attempt = 1; ; attempt++) {
    const ports = {
      frontend: await freePort(attempt === 1 ? options.preferred.frontend : undefined),
      ui: await uiPort(options, attempt),
    };
    const server = await startGuarded({
      command: options.program,
      args: [
        ...['server', 'start-dev', '--ip', '127.0.0.1', '--log-level', 'warn'],
        ...[
          '--port',
          String(ports.frontend),
          '--ui-port',
          String(ports.ui),
          '--metrics-port',
          String(await freePort()),
        ],
        ...['--http-port', String(await freePort()), '--db-filename', database],
        ...DYNAMIC_CONFIG.flatMap((value) => ['--dynamic-config-value', value]),
      ],
      cwd: dir,
      env: options.env,
      output: { file: logFile },
      stopSignals: ['SIGTERM'],
      graceMs: 4_000,
    });
    try {
      await untilItAnswers(server, `127.0.0.1:${ports.frontend}`, signal);
      return { server, ...ports };
    } catch (error) {
      await server.kill();
      signal.throwIfAborted();
      const tail = await lastLines(logFile, 5);
      // Somebody was quicker on one of the ports.
      if (attempt < 3 && /address already in use/.test(tail)) continue;
      throw new Error(`starting Temporal's dev server: ${(error as Error).message}; see ${logFile}:\n${tail}`);
    }
  }
}

/** Specs are in it, with the names of accounts. Earlier versions left it readable by everybody; now the guard sees to it. */
async function makePrivate(database: string): Promise<void> {
  for (const file of [database, `${database}-wal`, `${database}-shm`])
    await chmod(file, 0o600).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
}

async function uiPort(options: TemporalServerOptions, attempt: number): Promise<number> {
  if (options.uiPort === undefined) return freePort(attempt === 1 ? options.preferred.ui : undefined);
  const port = await freePort(options.uiPort);
  if (port !== options.uiPort)
    throw new Error(`port ${options.uiPort} for the Web UI is taken: give another with --ui-port`);
  return port;
}

/** Being ready is more than listening: the namespace is registered last. */
async function untilItAnswers(server: Guarded, address: string, signal: AbortSignal): Promise<void> {
  const { Connection } = await import('@temporalio/client');
  let over: number | string | undefined;
  void server.ended.then((outcome) => {
    over = outcome;
  });
  const deadline = performance.now() + 60_000;
  for (;;) {
    signal.throwIfAborted();
    if (over !== undefined) throw new Error(`it ended (${over})`);
    try {
      const connection = await Connection.connect({ address, connectTimeout: 1_000 });
      try {
        await connection.workflowService.describeNamespace({ namespace: 'default' });
        return;
      } finally {
        await connection.close();
      }
    } catch (error) {
      if (performance.now() > deadline)
        throw new Error(`it does not answer on ${address} within 60 s (${(error as Error).message})`);
      await delay(50, undefined, { signal });
    }
  }
}
