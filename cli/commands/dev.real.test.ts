/** `migrate dev` as a person runs it: the compiled command, in a folder of its own. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { compiledFile } from '../../worker/stack/compiled.js';
import { findDevStack } from '../../worker/stack/discovery.js';
import type { ProcessId } from '../../worker/stack/process.js';
import { identify, isRunning, send } from '../../worker/stack/process.js';

let folder: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'drover-dev-'));
  await chmod(folder, 0o755);
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  }
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 });
});

function migrate(...args: string[]) {
  const env = { ...process.env, TEMPORAL_CONFIG_FILE: '/dev/null' };
  const child = spawn(process.execPath, [compiledFile('cli/main.js'), ...args], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => lines.push(line));
  const exit = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const says = (text: string) =>
    expect.poll(() => lines.some((line) => line.includes(text)) || (child.exitCode !== null && lines)).toBe(true);
  return { child, lines, exit, says };
}

/** All processes below this one: guards, servers, worker; proc(5). */
async function family(pid: number): Promise<ProcessId[]> {
  const parents = new Map<number, number>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const status = await readFile(`/proc/${name}/status`, 'utf8').catch(() => '');
    parents.set(Number(name), Number(/^PPid:\s*(\d+)/m.exec(status)?.[1]));
  }
  const below = (of: number): number[] =>
    [...parents].filter(([, parent]) => parent === of).flatMap(([child]) => [child, ...below(child)]);
  return (await Promise.all(below(pid).map(identify))).filter((id) => id !== undefined);
}

const gone = (ids: readonly ProcessId[]) =>
  expect.poll(async () => (await Promise.all(ids.map(isRunning))).filter(Boolean).length).toBe(0);

it('brings everything up, keeps it up, and takes it down at Ctrl-C', async () => {
  const dev = migrate('dev');
  await dev.says('Ctrl-C stops everything');
  const stack = await findDevStack(folder);
  const processes = await family(dev.child.pid as number);
  const second = migrate('dev');
  const [secondExit] = await second.exit;

  expect(stack?.pid).toBe(dev.child.pid);
  // Three servers, each with its guard, and PostgreSQL's own.
  expect(processes.length).toBeGreaterThanOrEqual(6);
  expect(secondExit).not.toBe(0);
  expect(second.lines.join('\n')).toContain(`already (pid ${dev.child.pid})`);

  const worker = JSON.parse((await readFile(join(folder, '.drover/worker.log'), 'utf8')).split('\n')[0] as string) as {
    pid: number;
  };
  send(worker.pid, 'SIGKILL');
  await dev.says('the worker is back');

  const asked = Date.now();
  dev.child.kill('SIGINT');
  const [code] = await dev.exit;
  expect(code).toBe(0);
  expect(Date.now() - asked).toBeLessThan(10_000);
  await gone(processes);
  expect(await findDevStack(folder)).toBeUndefined();
  expect(dev.lines.join('\n')).not.toContain(new URL(stack?.ledgerUrl ?? '').password);
});

it('leaves no process when it is killed', async () => {
  const dev = migrate('dev');
  await dev.says('Ctrl-C stops everything');
  const processes = await family(dev.child.pid as number);

  dev.child.kill('SIGKILL');

  await gone(processes);
});
