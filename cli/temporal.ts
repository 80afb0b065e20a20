/** Connects a command to Temporal, and tells where the ledger is. Temporal's SDK is loaded only when asked for. */
import type { Client, Connection as TemporalConnection } from '@temporalio/client';
import { findDevStack } from '../worker/stack/discovery.js';
import { CommandError, exitCodes } from './exit-codes.js';
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

const CONNECT_TIMEOUT_MS = 3_000;
/** Any of these is somebody's wish, and wins over a dev stack that happens to run here. */
const EXPLICIT = ['TEMPORAL_ADDRESS', 'TEMPORAL_PROFILE', 'TEMPORAL_CONFIG_FILE'];

/**
 * Connects by, in this order: the flags, TEMPORAL_* variables and the profile they name, a dev stack running
 * in this folder or one above, the default profile of Temporal's configuration file, localhost:7233.
 *
 * Throws `CommandError`: 69 when nobody answers there, 64 when the configuration is wrong.
 */
export async function connectTemporal(
  shell: Pick<Shell, 'env' | 'cwd'>,
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

async function connect(shell: Pick<Shell, 'env'>, where: Where, settings: object): Promise<TemporalAccess> {
  const dataConverter = await loadDataConverter(shell.env.DROVER_ENCRYPTION_KEYS_FILE);
  const { Client, Connection, isGrpcServiceError } = await import('@temporalio/client');
  const { address, namespace } = where;
  let connection: TemporalConnection;
  try {
    connection = await Connection.connect({ ...settings, address, connectTimeout: CONNECT_TIMEOUT_MS });
  } catch (error) {
    throw new CommandError(
      exitCodes.unreachable,
      `Temporal cannot be reached at ${address}: ${reason(error)}`,
      'start one with `migrate dev`, or say where it is with --address or TEMPORAL_ADDRESS',
      error,
    );
  }
  try {
    await connection.withDeadline(Date.now() + 5_000, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
  } catch (error) {
    await connection.close();
    const NOT_FOUND = 5;
    const unknown = isGrpcServiceError(error) && (error as { code?: number }).code === NOT_FOUND;
    throw new CommandError(
      exitCodes.unreachable,
      unknown
        ? `Temporal at ${address} has no namespace "${namespace}"`
        : `Temporal at ${address} refuses: ${reason(error)}`,
      unknown
        ? 'say another with --namespace or TEMPORAL_NAMESPACE'
        : 'check TEMPORAL_API_KEY and the TLS settings (docs/settings.md)',
      error,
    );
  }
  return {
    ...where,
    client: new Client({ connection, namespace, ...(dataConverter && { dataConverter }) }),
    close: () => connection.close(),
  };
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

async function loadDataConverter(keysFile: string | undefined) {
  if (!keysFile) return undefined;
  const { encryptingConverter } = await import('../worker/codec/data-converter.js');
  try {
    return await encryptingConverter(keysFile);
  } catch (error) {
    throw new CommandError(exitCodes.usage, (error as Error).message, undefined, error);
  }
}

function reason(error: unknown): string {
  const { details, message } = error as { details?: string; message: string };
  return (details || message).split('\n')[0] ?? '';
}
