/** `migrate dev`: Temporal with its Web UI, the ledger and a worker, in the foreground, until Ctrl-C. */
import { once } from 'node:events';
import { relative, resolve } from 'node:path';
import { STATE_FOLDER } from '../../worker/stack/discovery.js';
import type { DevArgs } from '../arguments.js';
import { CommandError, exitCodes } from '../exit-codes.js';
import type { Shell } from '../shell.js';

export async function run(shell: Shell, args: Pick<DevArgs, 'dir'>): Promise<number> {
  const { startDev } = await import('../../worker/stack/dev.js');
  const dir = resolve(shell.cwd, args.dir);
  const ends = once(shell.signal, 'abort');
  shell.err(`starting Temporal, the ledger and a worker; their state is in ${args.dir}`);
  const dev = await startDev({ dir, env: shell.env, log: shell.err, signal: shell.signal }).catch((error: Error) => {
    if (shell.signal.aborted) return undefined;
    throw new CommandError(exitCodes.unreachable, error.message, undefined, error);
  });
  if (dev === undefined) return exitCodes.interrupted;
  try {
    for (const line of greeting(shell, dev.stack.uiAddress, dir, dev.workerLog)) shell.err(line);
    const failure = await Promise.race([ends.then(() => undefined), dev.givenUp]);
    if (failure) throw new CommandError(exitCodes.failed, failure.message, `see the logs in ${dir}`, failure);
    shell.err('stopping; a second Ctrl-C does not wait');
  } finally {
    await dev.stop();
  }
  shell.err('stopped; `migrate dev` continues where this left off');
  // Ctrl-C is how this command ends.
  return exitCodes.done;
}

function greeting(shell: Shell, uiAddress: string, dir: string, workerLog: string): string[] {
  const found = dir.endsWith(`/${STATE_FOLDER}`);
  return [
    '',
    `  Web UI       ${uiAddress}`,
    `  worker log   ${relative(shell.cwd, workerLog)}`,
    '',
    `In another terminal${found ? ', in this folder' : ''}:`,
    '',
    '  migrate doctor spec.yaml          check systems and credentials',
    '  migrate apply spec.yaml --watch   run a migration',
    '',
    ...(found ? [] : [`(commands find this stack by themselves only when --dir is ${STATE_FOLDER})`]),
    ...(shell.env.DROVER_ENCRYPTION_KEYS_FILE
      ? ['Payloads are encrypted: `migrate codec-server` lets the Web UI show them.']
      : []),
    'Ctrl-C stops everything and keeps its state.',
  ];
}
