/** What the DAV servers for tests have in common: a program on a free port of loopback, ended with the tests. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

export interface DavServer {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly port: number;
  /** The server's own storage. */
  readonly folder: string;
  /** What the server wrote to its output, its last lines. */
  log(): string;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

const START_MS = 20_000;
const KEPT_LOG = 64 * 1024;

export interface Running {
  log(): string;
  end(): Promise<void>;
}

export interface Starting {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** It has workers that outlive it: all of its process group is killed. */
  readonly group?: boolean;
}

/** Starts a program and waits until it listens. Throws with its words when it does not. */
export async function startListening(
  command: string,
  args: readonly string[],
  port: number,
  { env = {}, cwd, group = false }: Starting = {},
): Promise<Running> {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    detached: group,
    ...(cwd !== undefined && { cwd }),
  });
  let words = '';
  const keep = (data: Buffer): void => {
    words = (words + data).slice(-KEPT_LOG);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  child.on('error', (error) => keep(Buffer.from(error.message)));
  const onExit = (): void => (group ? killGroup(child) : void child.kill('SIGKILL'));
  process.once('exit', onExit);
  const end = async (): Promise<void> => {
    process.off('exit', onExit);
    if (group) killGroup(child);
    await ended(child);
  };
  for (const deadline = Date.now() + START_MS; !(await listens(port)); ) {
    if (Date.now() > deadline || child.exitCode !== null || child.pid === undefined) {
      await end();
      throw new Error(`${command} does not listen on port ${port}: ${words.slice(-2000)}`);
    }
    await new Promise((go) => setTimeout(go, 30));
  }
  return { log: () => words, end };
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // All of it has ended.
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 3_000);
  await gone;
  clearTimeout(timer);
}

function listens(port: number): Promise<boolean> {
  return new Promise((tell) => {
    const socket = connect({ host: '127.0.0.1', port });
    const done = (answer: boolean): void => {
      socket.destroy();
      tell(answer);
    };
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
  });
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((go) => server.listen(0, '127.0.0.1', go));
  const { port } = server.address() as { port: number };
  await new Promise((go) => server.close(go));
  return port;
}
