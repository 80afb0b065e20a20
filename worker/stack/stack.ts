/** The embedded stack: Temporal's dev server with its Web UI and a PostgreSQL, all state in one folder. */
import { rename } from 'node:fs/promises';
import { devNull } from 'node:os';
import { join, resolve } from 'node:path';
import { announce, withdraw } from './discovery.js';
import { keepUp } from './kept-up.js';
import { preparePostgresHome } from './postgres-home.js';
import type { PostgresServer } from './postgres-server.js';
import { startPostgresServer } from './postgres-server.js';
import { readPrivateJson, writePrivateJson } from './private-file.js';
import { takeStateFolder } from './state-folder.js';
import { findTemporal } from './temporal-binary.js';
import type { TemporalServer } from './temporal-server.js';
import { startTemporalServer } from './temporal-server.js';

export interface Stack {
  readonly temporalAddress: string;
  readonly namespace: string;
  readonly uiAddress: string;
  /** With its password: never to be printed or logged. */
  readonly ledgerUrl: string;
  readonly taskQueue: string;
  /** The pids of the servers as they run now, for tests that kill them. A killed server comes back by itself. */
  pids(): { readonly temporal: number; readonly postgres: number };
  /** Resolves when a server cannot be kept running; the stack then wants to be stopped. */
  readonly givenUp: Promise<Error>;
  /** Ends both servers and frees the folder; safe to call twice. */
  stop(): Promise<void>;
  /** The same, at once: PostgreSQL then recovers at the next start. */
  kill(): Promise<void>;
}

export interface StackOptions {
  /** Made when missing. A second start in the same folder continues with its state. */
  readonly dir: string;
  /** A port the Web UI must have. Default: the last one, 8233, or any that is free. */
  readonly uiPort?: number;
  readonly taskQueue?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}

interface Ending {
  stop(): Promise<void>;
  kill(): Promise<void>;
}

interface Ports {
  readonly frontend?: number;
  readonly ui?: number;
  readonly postgres?: number;
}

/** Resolves when both servers answer. Throws when a stack runs in the folder, or a server cannot start; nothing is left then. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { log, signal, env = process.env, taskQueue = 'drover' } = options;
  const dir = resolve(options.dir);
  const folder = await takeStateFolder(dir, log);
  const started: Ending[] = [];
  const remembered = <T extends Ending>(server: T): T => {
    started.push(server);
    return server;
  };
  const end = async (how: 'stop' | 'kill'): Promise<void> => {
    await withdraw(dir);
    await Promise.all(started.splice(0).map((server) => server[how]()));
    await folder.release();
  };
  try {
    const portsFile = join(dir, 'ports.json');
    const last = (await readPrivateJson<Ports>(portsFile)) ?? {};
    const { path: program, from } = await findTemporal(env, log, signal);
    log(`Temporal's dev server comes from ${from}`);
    const home = await preparePostgresHome({ dir, log });
    await Promise.all(['temporal.log', 'postgres.log'].map((name) => keepLastLog(join(dir, name))));

    const [postgres, temporal] = await both(
      keepUp<PostgresServer>(
        'PostgreSQL',
        async (before) => {
          const preferredPort = before?.port ?? last.postgres;
          const running = await startPostgresServer({
            home,
            dir,
            env,
            signal,
            ...(preferredPort !== undefined && { preferredPort }),
          });
          if (before && before.port !== running.port)
            log(`PostgreSQL moved to port ${running.port}: restart what uses it`);
          await folder.remember('PostgreSQL', running.server.id);
          return running;
        },
        log,
      ).then(remembered),
      keepUp<TemporalServer>(
        'Temporal',
        async (before) => {
          const preferred = before ?? { ui: 8233, ...last };
          const uiPort = options.uiPort;
          const running = await startTemporalServer({
            program,
            dir,
            preferred,
            env,
            signal,
            ...(uiPort !== undefined && { uiPort }),
          });
          if (before && before.frontend !== running.frontend)
            log(`Temporal moved to port ${running.frontend}: restart what uses it`);
          await folder.remember('Temporal', running.server.id);
          return running;
        },
        log,
      ).then(remembered),
    );
    const { frontend, ui } = temporal.current();
    await writePrivateJson(portsFile, { frontend, ui, postgres: postgres.current().port });
    const addresses = {
      temporalAddress: `127.0.0.1:${frontend}`,
      namespace: 'default',
      uiAddress: `http://127.0.0.1:${ui}`,
      ledgerUrl: postgres.current().url,
      taskQueue,
    };
    signal.throwIfAborted();
    await announce(dir, addresses);
    return {
      ...addresses,
      pids: () => ({ temporal: temporal.current().server.id.pid, postgres: postgres.current().server.id.pid }),
      givenUp: Promise.race([temporal.givenUp, postgres.givenUp]),
      stop: () => end('stop'),
      kill: () => end('kill'),
    };
  } catch (error) {
    await end('stop');
    throw error;
  }
}

/** The environment of a worker on this stack: nothing of another Temporal or ledger may shine through. */
export function workerEnvironment(
  stack: Pick<Stack, 'temporalAddress' | 'namespace' | 'ledgerUrl' | 'taskQueue'>,
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  const own = Object.entries(env).filter(
    ([name]) => !name.startsWith('TEMPORAL_') && !name.startsWith('DROVER_LEDGER_URL'),
  );
  return {
    ...Object.fromEntries(own),
    // No configuration file either: its default profile may name a production cluster.
    TEMPORAL_CONFIG_FILE: devNull,
    TEMPORAL_ADDRESS: stack.temporalAddress,
    TEMPORAL_NAMESPACE: stack.namespace,
    DROVER_LEDGER_URL: stack.ledgerUrl,
    DROVER_TASK_QUEUE: stack.taskQueue,
  };
}

/** Waits for both even when one fails, so that what was started can be ended. */
async function both<A, B>(a: Promise<A>, b: Promise<B>): Promise<[A, B]> {
  const [first, second] = await Promise.allSettled([a, b]);
  if (first.status === 'rejected') throw first.reason;
  if (second.status === 'rejected') throw second.reason;
  return [first.value, second.value];
}

async function keepLastLog(file: string): Promise<void> {
  await rename(file, `${file}.1`).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}
