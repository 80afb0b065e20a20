/** Connects a command to Temporal, and tells where the ledger is. Temporal's SDK is loaded only when asked for. */
import type { Client, Connection, ConnectionOptions } from '@temporalio/client';
import { findDevStack } from '../worker/stack/discovery.js';
import { CommandError, exitCodes } from './exit-codes.js';
import { loadDataConverter } from './keys.js';
import { requestRules } from './requests.js';
import type { Shell } from './shell.js';

export interface ConnectionArgs {
  readonly address?: string;
  readonly namespace?: string;
  /** A profile of Temporal's configuration file. */
  readonly profile?: string;
}

export interface TemporalAccess {
  readonly client: Client;
  readonly address: string;
  readonly namespace: string;
  readonly taskQueue: string;
  /** The Web UI, where it is known: that of a dev stack. */
  readonly uiAddress?: string;
  /** Closes the connection. */
  close(): Promise<void>;
}

type Where = Pick<TemporalAccess, 'address' | 'namespace' | 'taskQueue' | 'uiAddress'>;

const CONNECT_TIMEOUT_MS = 2_000;
/** Of one that is there, and busy. */
const ANSWER_TIMEOUT_MS = 10_000;
/** Codes of gRPC (github.com/grpc/grpc, statuscodes.md). */
const [DEADLINE, NOT_FOUND, UNAVAILABLE] = [4, 5, 14];
/** Any of these is somebody's wish, and wins over a dev stack that happens to run here. */
const EXPLICIT = ['TEMPORAL_ADDRESS', 'TEMPORAL_PROFILE', 'TEMPORAL_CONFIG_FILE'];

/**
 * Connects by, in this order: the flags, TEMPORAL_* variables and the profile they name, a dev stack running
 * in this folder or one above, the default profile of Temporal's configuration file, localhost:7233.
 *
 * Throws `CommandError`: 69 when nobody answers there, 64 when the configuration is wrong.
 */
export async function connectTemporal(
  shell: Pick<Shell, 'env' | 'cwd' | 'waiting' | 'signal'>,
  args: ConnectionArgs,
): Promise<TemporalAccess> {
  const { readTemporalSettings } = await import('../worker/settings.js');
  const explicit = args.address ?? args.profile ?? EXPLICIT.map((name) => shell.env[name]).find(Boolean);
  const dev = explicit === undefined ? await findDevStack(shell.cwd) : undefined;
  let configured: ReturnType<typeof readTemporalSettings>;
  try {
    configured = readTemporalSettings(shell.env, args.profile);
  } catch (error) {
    throw new CommandError(
      exitCodes.usage,
      `reading Temporal's configuration: ${(error as Error).message}`,
      'correct the TEMPORAL_* variables, --profile or the configuration file',
      error,
    );
  }
  const where: Where = dev
    ? {
        address: dev.temporalAddress,
        namespace: args.namespace ?? dev.namespace,
        taskQueue: dev.taskQueue,
        uiAddress: dev.uiAddress,
      }
    : {
        address: args.address ?? configured.address,
        namespace: args.namespace ?? configured.namespace,
        taskQueue: shell.env.DROVER_TASK_QUEUE || 'drover',
      };
  return connect(shell, where, dev ? {} : configured.connection);
}

async function connect(
  shell: Pick<Shell, 'env' | 'waiting' | 'signal'>,
  where: Where,
  settings: ConnectionOptions,
): Promise<TemporalAccess> {
  const dataConverter = await loadDataConverter(shell.env.DROVER_ENCRYPTION_KEYS_FILE);
  const { Client, Connection, defaultGrpcRetryOptions, makeGrpcRetryInterceptor } = await import('@temporalio/client');
  const { address, namespace } = where;
  const rules = defaultGrpcRetryOptions();
  let isThere = false;
  const connection = Connection.lazy({
    ...settings,
    address,
    interceptors: requestRules(
      address,
      shell.waiting,
      // Who was never there is not asked again and again.
      makeGrpcRetryInterceptor({
        ...rules,
        retryableDecider: (...tried) => isThere && rules.retryableDecider(...tried),
      }),
    ),
  });
  try {
    await connection.withAbortSignal(shell.signal, () => findNamespace(connection, namespace));
    isThere = true;
  } catch (error) {
    await connection.close();
    shell.signal.throwIfAborted();
    throw unreachable(error, where);
  }
  return {
    ...where,
    client: new Client({ connection, namespace, dataConverter }),
    close: () => connection.close(),
  };
}

/** The first request: it fails at once where nobody listens, and within seconds where nobody answers. */
async function findNamespace(connection: Connection, namespace: string): Promise<void> {
  const ask = (withinMs: number): Promise<unknown> =>
    connection.withDeadline(Date.now() + withinMs, () => connection.workflowService.describeNamespace({ namespace }));
  try {
    await ask(CONNECT_TIMEOUT_MS);
  } catch (error) {
    if (!isSlow(error)) throw error;
    await ask(ANSWER_TIMEOUT_MS);
  }
}

/** Connected, and without an answer so far: gRPC names the peer that it waited for. */
const isSlow = (error: unknown): boolean => {
  const { code, details } = error as { code?: unknown; details?: string };
  return code === DEADLINE && /remote_addr/.test(details ?? '');
};

function unreachable(error: unknown, { address, namespace }: Where): CommandError {
  const { code } = error as { code?: unknown };
  if (code === NOT_FOUND) {
    return new CommandError(
      exitCodes.unreachable,
      `Temporal at ${address} has no namespace "${namespace}"`,
      'say another with --namespace or TEMPORAL_NAMESPACE',
      error,
    );
  }
  if (code === UNAVAILABLE || code === DEADLINE) {
    const why = code === DEADLINE ? 'it does not answer' : reason(error);
    return new CommandError(
      exitCodes.unreachable,
      `Temporal cannot be reached at ${address}: ${why}`,
      'start one with `migrate dev`, or say where it is with --address or TEMPORAL_ADDRESS',
      error,
    );
  }
  return new CommandError(
    exitCodes.unreachable,
    `Temporal at ${address} refuses: ${reason(error)}`,
    'check TEMPORAL_API_KEY and the TLS settings (docs/settings.md)',
    error,
  );
}

/**
 * The ledger's URL, for commands that read it: DROVER_LEDGER_URL, the file DROVER_LEDGER_URL_FILE names, or the
 * dev stack of this folder; undefined when there is none. Holds a password: never to be printed.
 */
export async function ledgerUrlFor(shell: Pick<Shell, 'env' | 'cwd'>): Promise<string | undefined> {
  const { readLedgerUrl } = await import('../worker/settings.js');
  try {
    return readLedgerUrl(shell.env) ?? (await findDevStack(shell.cwd))?.ledgerUrl;
  } catch (error) {
    throw new CommandError(exitCodes.usage, (error as Error).message, undefined, error);
  }
}

/** gRPC's own words around the cause say nothing to whoever reads them. */
function reason(error: unknown): string {
  const { details, message } = error as { details?: string; message: string };
  const [words = ''] = (details || message).split('\n');
  const cause = words.split('Last error: ').at(-1) ?? words;
  return (cause.split(' Resolution note:')[0] ?? cause).replace(/^Error: /, '').replace(/\.$/, '');
}
