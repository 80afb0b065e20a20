/** Finds the Temporal command line program, which carries the dev server and its Web UI. */
import { execFile, spawn } from 'node:child_process';
import { access, constants, mkdir, readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { packageRoot } from './compiled.js';

const run = promisify(execFile);

/** The newest tag that `go install` accepts: later ones carry a replace directive. */
const GO_MODULE = 'github.com/temporalio/cli/cmd/temporal@v1.5.1';
const VERSION = 'v1.5.1';

export interface TemporalBinary {
  readonly path: string;
  /** Where it was found, in words for people. */
  readonly from: string;
}

/**
 * The first of: `TEMPORAL_CLI_PATH`, the PATH, our cache folder, a download by Temporal's SDK, and a build
 * with Go. The last two put it into the cache folder. Throws with what to install when none succeeds.
 */
export async function findTemporal(
  env: Readonly<Record<string, string | undefined>>,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<TemporalBinary> {
  const named = env.TEMPORAL_CLI_PATH;
  if (named !== undefined && named !== '') {
    if (await isExecutable(named)) return { path: named, from: 'TEMPORAL_CLI_PATH' };
    throw new Error(`TEMPORAL_CLI_PATH names ${named}, which cannot be executed: correct it or unset it`);
  }
  for (const folder of (env.PATH ?? '').split(delimiter)) {
    const path = join(folder, 'temporal');
    if (folder !== '' && (await isExecutable(path))) return { path, from: 'the PATH' };
  }
  const cache = join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache'), 'drover', 'bin');
  const cached = await findCached(cache);
  if (cached !== undefined) return { path: cached, from: 'the cache folder' };

  await mkdir(cache, { recursive: true });
  const failures: string[] = [];
  for (const [from, attempt] of [
    ["a download by Temporal's SDK", download],
    ['a build with Go', buildWithGo],
  ] as const) {
    signal.throwIfAborted();
    log(`Temporal's dev server is not here yet: trying ${from}`);
    try {
      await attempt(cache, env, log, signal);
      const path = await findCached(cache);
      if (path !== undefined) return { path, from };
      failures.push(`${from}: it left no program in ${cache}`);
    } catch (error) {
      signal.throwIfAborted();
      failures.push(`${from}: ${inOneLine(error)}`);
    }
  }
  throw new Error(
    `no Temporal dev server: install the command \`temporal\` from your package manager, or set TEMPORAL_CLI_PATH (${failures.join('; ')})`,
  );
}

/** `temporal` is what the build leaves; the SDK adds its own name and the version. */
async function findCached(cache: string): Promise<string | undefined> {
  let names: string[];
  try {
    names = await readdir(cache);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  for (const name of ['temporal', ...names.filter((n) => /^temporal-cli-[\w.-]*\d(\.exe)?$/.test(n))]) {
    if (names.includes(name) && (await isExecutable(join(cache, name)))) return join(cache, name);
  }
  return undefined;
}

/**
 * The SDK downloads while it starts a server of its own, so that is what is done, in a process of its own:
 * the SDK's runtime is one a process, and ours has other settings.
 */
async function download(
  cache: string,
  env: Readonly<Record<string, string | undefined>>,
  _log: (line: string) => void,
  signal: AbortSignal,
) {
  const script = `
    import { Runtime } from '@temporalio/worker';
    const runtime = Runtime.install({ telemetryOptions: { logging: { filter: 'OFF', forward: {} } } });
    const server = await runtime.createEphemeralServer({
      type: 'dev-server', namespace: 'default', ip: '127.0.0.1', port: null, uiPort: null, dbFilename: null, ui: false,
      log: { format: 'json', level: 'error' }, extraArgs: [],
      exe: { type: 'cached-download', downloadDir: process.argv[1], version: '${VERSION}', ttl: 315360000000, sdkName: 'drover', sdkVersion: '${VERSION}' },
    });
    await runtime.shutdownEphemeralServer(server);`;
  await run(process.execPath, ['--input-type=module', '-e', script, cache], {
    env,
    signal,
    timeout: 300_000,
    cwd: packageRoot(),
  });
}

async function buildWithGo(
  cache: string,
  env: Readonly<Record<string, string | undefined>>,
  log: (line: string) => void,
  signal: AbortSignal,
) {
  log('building it takes some minutes and about 3 GB of build cache');
  const go = spawn('go', ['install', '-v', GO_MODULE], {
    env: { ...env, GOBIN: cache },
    stdio: ['ignore', 'ignore', 'pipe'],
    signal,
  });
  let last = '';
  let packages = 0;
  createInterface({ input: go.stderr }).on('line', (line) => {
    last = line;
    if (++packages % 100 === 0) log(`built ${packages} packages (${line})`);
  });
  await new Promise<void>((resolve, reject) => {
    go.on('error', (error) => reject(new Error(`running go: ${error.message}`)));
    go.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`go install ended with ${code}: ${last}`))));
  });
}

/** What a program said about its failure: its first line that names an error. */
function inOneLine(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message: string };
  const said = stderr?.split('\n').find((line) => /^\s*(\[?\w*Error|Caused by)\b/.test(line));
  return (said ?? message.split('\n')[0] ?? '').trim().slice(0, 300);
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    // Not there or not ours to run: the next place may have it.
    return false;
  }
}
