import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compiledFile } from './compiled.js';
import { findDevStack } from './discovery.js';
import type { ProcessId } from './process.js';
import { identify, isRunning, send } from './process.js';
import type { Stack } from './stack.js';
import { startStack, workerEnvironment } from './stack.js';

let folder: string;
let dir: string;
const lines: string[] = [];
const running: Stack[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'drover-stack-'));
  await chmod(folder, 0o755);
  dir = join(folder, '.drover');
  lines.length = 0;
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((stack) => stack.stop()));
  await rm(folder, { recursive: true, force: true });
});

async function start(): Promise<Stack> {
  const stack = await startStack({ dir, log: (line) => lines.push(line), signal: new AbortController().signal });
  running.push(stack);
  return stack;
}

async function query(stack: Stack, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: stack.ledgerUrl });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

async function withTemporal<T>(stack: Stack, use: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address: stack.temporalAddress });
  try {
    return await use(new Client({ connection, namespace: stack.namespace }));
  } finally {
    await connection.close();
  }
}

async function servers(stack: Stack): Promise<ProcessId[]> {
  const ids = await Promise.all(Object.values(stack.pids()).map((pid) => identify(pid)));
  return ids.filter((id) => id !== undefined);
}

const gone = (ids: readonly ProcessId[]) =>
  expect.poll(async () => (await Promise.all(ids.map(isRunning))).includes(true)).toBe(false);

describe('startStack', () => {
  it('starts both servers, is found from below, and continues with its state', async () => {
    const first = await start();
    await query(first, 'create table kept (x int)');
    await withTemporal(first, (client) =>
      client.workflow.start('waits', { workflowId: 'kept', taskQueue: first.taskQueue }),
    );
    const below = join(folder, 'some', 'where');
    await mkdir(below, { recursive: true });
    const found = await findDevStack(below);
    const files = (await readdir(dir, { withFileTypes: true })).filter((entry) => entry.isFile());
    const open: string[] = [];
    for (const { name } of files) if (((await stat(join(dir, name))).mode & 0o077) !== 0) open.push(name);
    await first.stop();
    const second = await start();

    expect(found).toMatchObject({ pid: process.pid, temporalAddress: first.temporalAddress, taskQueue: 'drover' });
    expect(files.map(({ name }) => name)).toEqual(expect.arrayContaining(['dev.json', 'temporal.db']));
    expect(open).toEqual([]);
    expect(
      await query(second, "select to_regclass('kept') is not null as kept, current_setting('fsync') as fsync"),
    ).toEqual([{ kept: true, fsync: 'on' }]);
    const described = await withTemporal(second, (client) => client.workflow.getHandle('kept').describe());
    expect(described.status.name).toBe('RUNNING');
    expect((await fetch(second.uiAddress)).status).toBe(200);

    await second.stop();
    expect(await findDevStack(below)).toBeUndefined();
  });

  it('refuses a second stack in the same folder, naming the first', async () => {
    await start();

    await expect(start()).rejects.toThrow(
      new RegExp(`a stack is running in .*\\.drover already \\(pid ${process.pid}\\): .*--dir`),
    );
  });

  it('starts a killed server again, at the same address', async () => {
    const stack = await start();
    await query(stack, 'create table kept (x int)');
    const killed = await servers(stack);

    for (const { pid } of killed) send(pid, 'SIGKILL');
    await gone(killed);

    await expect.poll(() => lines.filter((line) => line.endsWith('is back')).length).toBe(2);
    expect(await query(stack, "select to_regclass('kept') is not null as kept")).toEqual([{ kept: true }]);
    await withTemporal(stack, (client) => client.workflowService.getSystemInfo({}));
    expect(lines.filter((line) => line.includes('moved'))).toEqual([]);
  });

  it('leaves no process when its parent is killed, and recovers', async () => {
    const { parent, ids } = await startInAnotherProcess();

    parent.kill('SIGKILL');
    await gone(ids);

    const stack = await start();
    expect(await query(stack, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('ends what a start finds left behind when parent and guards were killed', async () => {
    const { parent, ids } = await startInAnotherProcess();
    const guards = await Promise.all(ids.map(async ({ pid }) => parentOf(pid)));

    // Stopped first: a parent that sees its guards die ends the servers itself.
    parent.kill('SIGSTOP');
    for (const pid of guards) send(pid, 'SIGKILL');
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    const stack = await start();

    await gone(ids);
    expect(lines.filter((line) => line.includes('of an earlier run'))).toHaveLength(2);
    expect(await query(stack, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('listens on loopback only', async () => {
    const stack = await start();

    const listening = (await Promise.all(Object.values(stack.pids()).map(listeningAddresses))).flat();
    expect(listening.length).toBeGreaterThanOrEqual(3);
    expect(listening.filter((address) => address !== LOOPBACK)).toEqual([]);
  });
});

describe('workerEnvironment', () => {
  it('lets nothing of another Temporal or ledger through', () => {
    const env = workerEnvironment(
      { temporalAddress: '127.0.0.1:1', namespace: 'default', ledgerUrl: 'postgresql://x', taskQueue: 'q' },
      { TEMPORAL_API_KEY: 'k', TEMPORAL_PROFILE: 'production', DROVER_LEDGER_URL_FILE: '/f', OLD_PASSWORD: 'p' },
    );

    expect(env).toMatchObject({
      OLD_PASSWORD: 'p',
      TEMPORAL_ADDRESS: '127.0.0.1:1',
      DROVER_LEDGER_URL: 'postgresql://x',
    });
    expect(Object.keys(env).filter((name) => /API_KEY|PROFILE|URL_FILE/.test(name))).toEqual([]);
  });
});

async function startInAnotherProcess() {
  const script = `
    const { startStack } = await import(process.argv[1]);
    const stack = await startStack({ dir: process.argv[2], log: () => {}, signal: new AbortController().signal });
    console.log(JSON.stringify(stack.pids()));
    setInterval(() => {}, 1 << 30);`;
  const parent = spawn(
    process.execPath,
    ['--input-type=module', '-e', script, compiledFile('worker/stack/stack.js'), dir],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string];
  const pids = Object.values(JSON.parse(line) as Record<string, number>);
  const ids = (await Promise.all(pids.map(identify))).filter((id) => id !== undefined);
  expect(ids).toHaveLength(2);
  return { parent, ids };
}

async function parentOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^PPid:\s*(\d+)/m.exec(status)?.[1]);
}

const LOOPBACK = '0100007F';

/** Local addresses (hex, as in /proc/net/tcp) of the process's listening sockets; proc(5). */
async function listeningAddresses(pid: number): Promise<string[]> {
  const { readdir, readlink } = await import('node:fs/promises');
  const sockets = new Set<string>();
  for (const fd of await readdir(`/proc/${pid}/fd`)) {
    const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
    if (inode !== undefined) sockets.add(inode);
  }
  const addresses: string[] = [];
  for (const table of ['tcp', 'tcp6']) {
    const rows = (await readFile(`/proc/net/${table}`, 'utf8')).trim().split('\n').slice(1);
    for (const row of rows) {
      const [, local, , state, , , , , , inode] = row.trim().split(/\s+/);
      const LISTEN = '0A';
      if (state === LISTEN && inode !== undefined && sockets.has(inode))
        addresses.push((local as string).split(':')[0] as string);
    }
  }
  return addresses;
}
