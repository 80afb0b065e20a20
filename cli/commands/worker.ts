/** `migrate worker`: runs a worker in this process until it is told to end. */

import type { WorkerSettings } from '../../worker/settings.js';
import { findDevStack } from '../../worker/stack/discovery.js';
import type { WorkerArgs } from '../arguments.js';
import { CommandError, exitCodes } from '../exit-codes.js';
import type { Shell } from '../shell.js';

/** Named, not written into the import, so that the command line's types do not draw in the whole worker. */
const MAIN: string = '../../worker/main.js';
interface WorkerMain {
  runWorker(settings: WorkerSettings, signal: AbortSignal): Promise<void>;
}

export async function run(shell: Shell, args: Pick<WorkerArgs, 'address' | 'namespace' | 'profile'>): Promise<number> {
  const { readWorkerSettings, SettingsError } = await import('../../worker/settings.js');
  const { runWorker } = (await import(MAIN)) as WorkerMain;
  let settings: ReturnType<typeof readWorkerSettings>;
  try {
    settings = readWorkerSettings(await environment(shell, args));
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    throw new CommandError(exitCodes.usage, error.message, 'docs/settings.md explains them', error);
  }
  await runWorker(settings, shell.signal);
  // SIGTERM and Ctrl-C are how this command ends.
  return exitCodes.done;
}

/** The environment with the flags in it; beside a running `migrate dev`, another worker of that stack. */
async function environment(shell: Shell, args: Pick<WorkerArgs, 'address' | 'namespace' | 'profile'>) {
  const flags = {
    ...(args.address !== undefined && { TEMPORAL_ADDRESS: args.address }),
    ...(args.namespace !== undefined && { TEMPORAL_NAMESPACE: args.namespace }),
    ...(args.profile !== undefined && { TEMPORAL_PROFILE: args.profile }),
  };
  const { TEMPORAL_ADDRESS, TEMPORAL_PROFILE, DROVER_LEDGER_URL, DROVER_LEDGER_URL_FILE } = shell.env;
  const told =
    TEMPORAL_ADDRESS || TEMPORAL_PROFILE || DROVER_LEDGER_URL || DROVER_LEDGER_URL_FILE || args.address || args.profile;
  const dev = told ? undefined : await findDevStack(shell.cwd);
  if (dev === undefined) return { ...shell.env, ...flags };
  const { workerEnvironment } = await import('../../worker/stack/stack.js');
  return { ...workerEnvironment(dev, shell.env), ...flags };
}
