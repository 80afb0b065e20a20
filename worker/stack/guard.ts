/**
 * A process that runs one server and ends it when told, or when the process that asked for it is gone.
 *
 * The lifeline is the IPC channel from the parent: the kernel closes it however the parent ends, `kill -9`
 * included. The server runs in a process group of its own, so that Ctrl-C in a terminal reaches neither it
 * nor the guard, and the parent decides about the order of the end.
 */
import { spawn } from 'node:child_process';
import type { GuardOrder, GuardReport } from './guarded.js';

const order = JSON.parse(process.argv[2] ?? '') as GuardOrder;

// What the servers write is for their owner alone.
process.umask(0o077);

const server = spawn(order.command, order.args, {
  cwd: order.cwd,
  detached: true,
  stdio: ['ignore', 'inherit', 'inherit'],
  ...(order.owner && { uid: order.owner.uid, gid: order.owner.gid }),
});

let escalation: NodeJS.Timeout | undefined;
let stage = 0;

/** Sends the next, harder signal, and the one after it when the grace is over. */
function end(): void {
  const signal = order.stopSignals[stage++] ?? 'SIGKILL';
  clearTimeout(escalation);
  if (signal === 'SIGKILL') killGroup();
  else server.kill(signal);
  escalation = setTimeout(end, order.graceMs);
}

function killGroup(): void {
  if (server.pid === undefined) return;
  try {
    process.kill(-server.pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Tells the parent; a last report closes the channel once it is out. */
function report(message: GuardReport, last = false): void {
  // A parent that has just died needs no answer: its going is what the disconnect handler acts on.
  if (!process.connected) return;
  process.send?.(message, () => {
    if (last && process.connected) process.disconnect();
  });
}

server.on('spawn', () => report({ started: server.pid as number }));
server.on('error', (error) => {
  process.exitCode = 127;
  report({ failed: error.message }, true);
});
server.on('exit', (code, signal) => {
  clearTimeout(escalation);
  // What it started itself must not stay behind either.
  killGroup();
  report({ ended: signal ?? code ?? 0 }, true);
});

process.on('disconnect', () => {
  if (server.pid !== undefined && server.exitCode === null && server.signalCode === null) end();
});
process.on('message', (message) => {
  if (message === 'stop' && stage === 0) end();
  if (message === 'kill') {
    stage = order.stopSignals.length;
    end();
  }
});
process.on('SIGTERM', end);
process.on('SIGINT', () => undefined);
process.on('SIGHUP', () => undefined);
if (!process.connected) end();
