/** The settings of a worker, all from the environment: the one place that reads it. */
import { readFileSync } from 'node:fs';
import { devNull } from 'node:os';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { NativeConnectionOptions } from '@temporalio/worker';
import type { Retention } from '../words/upkeep.js';
import type { LogLevel } from './observe/log-levels.js';
import type { SettingName } from './settings-table.js';
import { FOREVER, parseSetting } from './settings-table.js';

export interface WorkerSettings {
  readonly temporal: {
    readonly address: string;
    readonly namespace: string;
    /** For `NativeConnection.connect`: address, TLS, API key, headers. */
    readonly connection: NativeConnectionOptions;
  };
  /** Holds a password: never to be logged. */
  readonly ledgerUrl: string;
  readonly taskQueue: string;
  readonly metricsAddress?: string;
  readonly logLevel: LogLevel;
  /** Payloads are encrypted when present. */
  readonly encryptionKeysFile?: string;
  /** Content read and not yet written, over all of this process's work. */
  readonly maxBytesInFlight: number;
  /** How long one activity works before it returns with what it has done. */
  readonly sliceMs: number;
  /** How long running slices may take to finish after the worker was asked to end. */
  readonly shutdownGraceMs: number;
  /** Slices at work at the same time in this process. */
  readonly maxSlices: number;
  /** Reports of finished runs are left here. */
  readonly reportFolder?: string;
  /** What runs leave is removed when it is so old. */
  readonly retention: Retention;
}

const DAY_MS = 86_400_000;

export type Environment = Readonly<Record<string, string | undefined>>;

/** The environment is not right; `problems` holds every reason, each naming its variable and what to do. */
export class SettingsError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the worker's settings are not right:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.name = 'SettingsError';
    this.problems = problems;
  }
}

/** Reads and checks every setting. Throws `SettingsError`. */
export function readWorkerSettings(env: Environment): WorkerSettings {
  const problems: string[] = [];
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      problems.push((error as Error).message);
      return undefined;
    }
  };
  const number = (name: SettingName) => attempt(() => Number(parseSetting(name, env)));
  const text = (name: SettingName) => attempt(() => parseSetting(name, env) || undefined);

  const keptMs = (name: SettingName) =>
    attempt(() => {
      const days = parseSetting(name, env);
      return days === FOREVER ? undefined : Number(days) * DAY_MS;
    });

  const temporal = attempt(() => {
    try {
      return readTemporalSettings(env);
    } catch (error) {
      throw new Error(`TEMPORAL_* or Temporal's configuration file: ${(error as Error).message}`);
    }
  });
  const ledgerUrl = attempt(() => readLedgerUrl(env));
  const taskQueue = text('DROVER_TASK_QUEUE');
  const logLevel = text('DROVER_LOG_LEVEL') as LogLevel | undefined;
  const maxBytesInFlight = number('DROVER_MAX_BYTES_IN_FLIGHT');
  const sliceSeconds = number('DROVER_SLICE_SECONDS');
  const graceSeconds = number('DROVER_SHUTDOWN_GRACE_SECONDS');
  const maxSlices = number('DROVER_MAX_SLICES');
  const metricsAddress = text('DROVER_METRICS_ADDRESS');
  const encryptionKeysFile = text('DROVER_ENCRYPTION_KEYS_FILE');
  const reportFolder = text('DROVER_REPORT_FOLDER');
  const kept = {
    events: keptMs('DROVER_KEEP_EVENTS_DAYS'),
    outcomes: keptMs('DROVER_KEEP_OUTCOMES_DAYS'),
    runs: keptMs('DROVER_KEEP_RUNS_DAYS'),
    reports: keptMs('DROVER_KEEP_REPORTS_DAYS'),
  };
  if (ledgerUrl === undefined && !problems.some((problem) => problem.includes('DROVER_LEDGER_URL'))) {
    problems.push(
      'DROVER_LEDGER_URL is not set: give the PostgreSQL of the ledger, or run `migrate dev`, which brings one',
    );
  }
  if (
    problems.length > 0 ||
    temporal === undefined ||
    ledgerUrl === undefined ||
    taskQueue === undefined ||
    logLevel === undefined ||
    maxBytesInFlight === undefined ||
    sliceSeconds === undefined ||
    graceSeconds === undefined ||
    maxSlices === undefined
  ) {
    throw new SettingsError(problems);
  }
  return {
    temporal,
    ledgerUrl,
    taskQueue,
    logLevel,
    maxBytesInFlight,
    sliceMs: sliceSeconds * 1000,
    shutdownGraceMs: graceSeconds * 1000,
    maxSlices,
    retention: Object.fromEntries(Object.entries(kept).filter(([, ms]) => ms !== undefined)),
    ...(metricsAddress !== undefined && { metricsAddress }),
    ...(encryptionKeysFile !== undefined && { encryptionKeysFile }),
    ...(reportFolder !== undefined && { reportFolder }),
  };
}

/**
 * Address, namespace, TLS and API key as Temporal's own command line reads them: TEMPORAL_* variables over
 * the profile of its configuration file. `localhost:7233` and `default` when neither says anything.
 * `TEMPORAL_CONFIG_FILE=/dev/null` keeps the file out.
 */
export function readTemporalSettings(
  env: Environment,
  profile?: string,
): WorkerSettings['temporal'] & { readonly configured: boolean } {
  // An empty variable says nothing, as in a compose file that passes on what is not set.
  const given = Object.entries(env).filter((entry): entry is [string, string] => Boolean(entry[1]));
  const config = loadClientConnectConfig({
    overrideEnvVars: Object.fromEntries(given),
    // A file without a profile in it makes the library fail, and this one is meant to be empty.
    disableFile: env.TEMPORAL_CONFIG_FILE === devNull,
    ...(profile !== undefined && { profile }),
  });
  const configured = config.connectionOptions.address !== undefined;
  const address = config.connectionOptions.address ?? 'localhost:7233';
  const connection = Object.fromEntries(
    Object.entries({ ...config.connectionOptions, address }).filter(([, value]) => value !== undefined),
  ) as NativeConnectionOptions;
  return { address, namespace: config.namespace ?? 'default', connection, configured };
}

/** The ledger's URL from DROVER_LEDGER_URL or the file DROVER_LEDGER_URL_FILE names; undefined when neither is set. */
export function readLedgerUrl(env: Environment): string | undefined {
  const file = env.DROVER_LEDGER_URL_FILE || undefined;
  const direct = env.DROVER_LEDGER_URL || undefined;
  if (file !== undefined && direct !== undefined) {
    throw new Error('DROVER_LEDGER_URL and DROVER_LEDGER_URL_FILE are both set: keep one');
  }
  const url = file === undefined ? direct : readSecretFile('DROVER_LEDGER_URL_FILE', file);
  if (url === undefined) return undefined;
  const name = file === undefined ? 'DROVER_LEDGER_URL' : 'DROVER_LEDGER_URL_FILE';
  if (!URL.canParse(url) || !/^postgres(ql)?:$/.test(new URL(url).protocol)) {
    throw new Error(`${name} is not a PostgreSQL URL: write postgresql://user:password@host:5432/database`);
  }
  return url;
}

function readSecretFile(name: string, file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new Error(
      `${name} names ${file}, which cannot be read (${(error as NodeJS.ErrnoException).code}): correct it`,
    );
  }
}
