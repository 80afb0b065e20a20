/** Starts a server behind a guard (guard.ts), so that it cannot outlive this process. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { compiledFile } from './compiled.js';
import type { ProcessId } from './process.js';
import { endProcess, identify } from './process.js';

/** What the guard is told, as JSON in its arguments: nothing secret. */
export interface GuardOrder {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** The system user the server runs as, when we are root and it must not be. */
  readonly owner?: Owner;
  /** Sent one after the other, `graceMs` (milliseconds) apart; SIGKILL follows by itself. */
  readonly stopSignals: readonly NodeJS.Signals[];
  readonly graceMs: number;
}

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export type GuardReport =
  | { readonly started: number }
  | { readonly failed: string }
  | { readonly ended: number | string };

export interface GuardedOptions extends GuardOrder {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A file its output is appended to, or this process's stderr. */
  readonly output: { readonly file: string } | 'stderr';
}

export interface Guarded {
  /** The server itself, not its guard. */
  readonly id: ProcessId;
  /** Resolves with the exit code or the signal's name when the server has ended; never rejects. */
  readonly ended: Promise<number | string>;
  /** Ends the server by its stop signals; resolves when it has ended. */
  stop(): Promise<void>;
  /** Ends the server at once. */
  kill(): Promise<void>;
}

/** Starts a server; throws when the system cannot start it. That it answers is for the caller to see. */
export async function startGuarded(options: GuardedOptions): Promise<Guarded> {
  const { env, output, ...order } = options;
  const file = output === 'stderr' ? undefined : await open(output.file, 'a', 0o600);
  const sink = file?.fd ?? 2;
  const guard = spawn(process.execPath, [compiledFile('worker/stack/guard.js'), JSON.stringify(order)], {
    detached: true,
    env,
    stdio: ['ignore', sink, sink, 'ipc'],
  });
  await file?.close();

  const exit = once(guard, 'exit') as Promise<[number | null, string | null]>;
  let outcome: number | string | undefined;
  const first = new Promise<GuardReport>((resolve, reject) => {
    guard.on('message', (message) => {
      const report = message as GuardReport;
      if ('ended' in report) outcome = report.ended;
      resolve(report);
    });
    guard.on('error', reject);
    guard.on('exit', () => reject(new Error(`starting ${order.command}: its guard ended before it began`)));
  });
  const report = await first;
  if ('failed' in report) throw new Error(`starting ${order.command}: ${report.failed}`);
  if ('ended' in report) throw new Error(`starting ${order.command}: it ended at once (${report.ended})`);
  const id = (await identify(report.started)) ?? { pid: report.started, started: 'ended' };

  const ended = exit.then(async ([code, signal]) => {
    // A guard that was killed leaves its server to us.
    if (outcome === undefined) await endProcess(id, [...order.stopSignals, 'SIGKILL'], order.graceMs);
    return outcome ?? signal ?? code ?? 0;
  });
  const tell = async (message: 'stop' | 'kill'): Promise<void> => {
    if (guard.connected) guard.send(message, () => undefined);
    await ended;
  };
  return { id, ended, stop: () => tell('stop'), kill: () => tell('kill') };
}
