/** Assembles a worker from its settings and runs it until it is told to end. */
import { randomUUID } from 'node:crypto';
import { Client } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import type { WorkerOptions } from '@temporalio/worker';
import { NativeConnection, Worker } from '@temporalio/worker';
import { createActivities } from '../activities/create-activities.js';
import { connectors } from '../connectors/registry.js';
import type { Deps, EngineSettings } from '../engine/deps.js';
import { ENGINE_DEFAULTS } from '../engine/deps.js';
import { createByteBudget } from '../engine/session/byte-budget.js';
import { createConnections } from '../engine/session/connections.js';
import { openLedger } from '../ledger/ledger.js';
import { migrateLedger } from '../ledger/migrate.js';
import { createReports } from '../report/kept-reports.js';
import { createRedactor } from '../secrets/redact.js';
import { resolve } from '../secrets/resolve.js';
import { typedByHand } from './codec/typed-by-hand.js';
import { cutOver, makeIdentity } from './cut.js';
import { createLog } from './observe/log.js';
import { installRuntime } from './observe/runtime.js';
import { registerSearchAttributes } from './search-attributes.js';
import type { WorkerSettings } from './settings.js';
import { compiledFile } from './stack/compiled.js';
import { startUpkeep } from './upkeep.js';

/** Resolves when `signal` aborted and what was under way has ended or its grace has passed. */
export async function runWorker(
  settings: WorkerSettings,
  signal: AbortSignal,
  engine: Partial<EngineSettings> = {},
): Promise<void> {
  const redactor = createRedactor();
  redactor.remember(decodeURIComponent(new URL(settings.ledgerUrl).password));
  const log = createLog({ level: settings.logLevel, redact: redactor.text });
  // A slice uses two at most times: its reader's and its lanes'. Leases are renewed on connections of their own.
  const ledger = openLedger(settings.ledgerUrl, { max: Math.max(10, settings.maxSlices * 2) });
  const secret: Deps['secret'] = async (ref, abort) => {
    const value = await resolve(ref, process.env, abort);
    redactor.remember(value);
    return value;
  };
  const connections = createConnections({ ledger, connectors, secret, log });
  try {
    const { applied, version } = await migrateLedger(ledger);
    log.info({ applied, version }, 'the ledger is ready');
    // Not before: until something of Temporal's was opened, nothing ends its runtime, which keeps the process alive.
    const meters = installRuntime({
      log,
      ...(settings.metricsAddress ? { metricsAddress: settings.metricsAddress } : {}),
    });
    const connection = await NativeConnection.connect(settings.temporal.connection);
    try {
      const { namespace } = settings.temporal;
      await registerSearchAttributes(connection, namespace);
      const encryption: DataConverter = settings.encryptionKeysFile
        ? await (await import('./codec/data-converter.js')).encryptingConverter(settings.encryptionKeysFile)
        : {};
      const typed = { ...encryption, payloadCodecs: [typedByHand, ...(encryption.payloadCodecs ?? [])] };
      const client = new Client({ connection, namespace, dataConverter: encryption });
      const cut = { client, ledger, taskQueue: settings.taskQueue, signal, log: log.info.bind(log) };
      await cutOver(cut);
      const deps: Deps = {
        ledger,
        connectors,
        connections,
        byteBudget: createByteBudget(settings.maxBytesInFlight),
        secret,
        redact: redactor.text,
        log,
        meters,
        settings: { ...ENGINE_DEFAULTS, sliceMs: settings.sliceMs, ...engine },
        reports: settings.reportFolder === undefined ? undefined : createReports(ledger, settings.reportFolder),
        retention: settings.retention,
      };
      const worker = await Worker.create({
        connection,
        namespace,
        taskQueue: settings.taskQueue,
        identity: makeIdentity(randomUUID().slice(0, 8)),
        ...workflowCode(settings),
        activities: createActivities(deps, client.workflow),
        maxConcurrentActivityTaskExecutions: settings.maxSlices,
        shutdownGraceTime: settings.shutdownGraceMs,
        // A pause or a cancel reaches a slice with its next heartbeat; a dead worker's cache is given up soon.
        maxHeartbeatThrottleInterval: '500ms',
        stickyQueueScheduleToStartTimeout: '1s',
        dataConverter: typed,
      });
      const stop = (): void => worker.shutdown();
      signal.addEventListener('abort', stop, { once: true });
      log.info({ taskQueue: settings.taskQueue, namespace }, 'the worker takes work');
      const running = worker.run();
      const upkeep = startUpkeep(deps);
      try {
        if (signal.aborted) stop();
        await running;
      } finally {
        await upkeep.end();
      }
      log.info({}, 'the worker has ended');
    } finally {
      await connection.close();
    }
  } finally {
    await connections.close();
    await ledger.close();
  }
}

/** Bundled when the project was built; anew where errors are to be encrypted, which the bundle must know. */
function workflowCode(settings: WorkerSettings): Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'> {
  return settings.encryptionKeysFile === undefined
    ? { workflowBundle: { codePath: compiledFile('workflows/bundle.js') } }
    : { workflowsPath: compiledFile('workflows/index.js') };
}
