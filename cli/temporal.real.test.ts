import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { announce, withdraw } from '../worker/stack/discovery.js';
import { freePort } from '../worker/stack/free-port.js';
import { findTemporal } from '../worker/stack/temporal-binary.js';
import type { TemporalServer } from '../worker/stack/temporal-server.js';
import { startTemporalServer } from '../worker/stack/temporal-server.js';
import { exitCodes } from './exit-codes.js';
import { connectTemporal, ledgerUrlFor } from './temporal.js';

let folder: string;
let server: TemporalServer;
let address: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'drover-cli-'));
  const { signal } = new AbortController();
  const { path } = await findTemporal(process.env, () => undefined, signal);
  server = await startTemporalServer({ program: path, dir: folder, preferred: {}, env: process.env, signal });
  address = `127.0.0.1:${server.frontend}`;
});

afterAll(async () => {
  await server.server.stop();
  await rm(folder, { recursive: true, force: true });
});

const dir = () => join(folder, '.drover');
beforeEach(async () => {
  await mkdir(dir(), { recursive: true });
  await withdraw(dir());
});

/** A home without configuration files, unless a test writes one. */
const shell = (env: Record<string, string> = {}) => ({
  env: { HOME: folder, XDG_CONFIG_HOME: join(folder, 'config'), ...env },
  signal: new AbortController().signal,
  cwd: folder,
});

const announceDev = (temporalAddress: string) =>
  announce(dir(), {
    temporalAddress,
    namespace: 'default',
    uiAddress: 'http://127.0.0.1:8233',
    ledgerUrl: 'postgresql://drover:p@127.0.0.1:5/drover',
    taskQueue: 'dev-queue',
  });

async function configureProfile(text: string): Promise<void> {
  await mkdir(join(folder, 'config', 'temporalio'), { recursive: true });
  await writeFile(join(folder, 'config', 'temporalio', 'temporal.toml'), text);
}

describe('connectTemporal', () => {
  it('finds the dev stack of the folder without a setting', async () => {
    await announceDev(address);

    const access = await connectTemporal(shell(), {});
    const workflows = await access.client.workflow.count();
    await access.close();

    expect(access).toMatchObject({
      address,
      namespace: 'default',
      taskQueue: 'dev-queue',
      uiAddress: 'http://127.0.0.1:8233',
    });
    expect(workflows.count).toBe(0);
  });

  it.each([
    ['--address', { address: 'A' }, {}],
    ['TEMPORAL_ADDRESS', {}, { TEMPORAL_ADDRESS: 'A' }],
    ['--address over TEMPORAL_ADDRESS', { address: 'A' }, { TEMPORAL_ADDRESS: '127.0.0.1:1' }],
  ])('takes %s before a dev stack', async (_name, args, env) => {
    await announceDev('127.0.0.1:1');
    const here = <T extends object>(values: T) =>
      Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value === 'A' ? address : value]));

    const access = await connectTemporal(shell(here(env)), here(args));
    await access.close();

    expect(access).toMatchObject({ address, taskQueue: 'drover' });
  });

  it('takes a named profile before a dev stack, and a dev stack before the default profile', async () => {
    await configureProfile(`[profile.default]\naddress = "127.0.0.1:1"\n[profile.team]\naddress = "${address}"\n`);
    await announceDev(address);
    const dev = await connectTemporal(shell(), {});
    await announceDev('127.0.0.1:1');
    const named = await connectTemporal(shell(), { profile: 'team' });
    await Promise.all([dev.close(), named.close()]);
    await rm(join(folder, 'config'), { recursive: true });

    expect([dev.taskQueue, named.taskQueue]).toEqual(['dev-queue', 'drover']);
  });

  it('says where nobody answers, and what to do', async () => {
    const nobody = `127.0.0.1:${await freePort()}`;

    const failure = connectTemporal(shell(), { address: nobody });

    await expect(failure).rejects.toMatchObject({
      exitCode: exitCodes.unreachable,
      message: expect.stringContaining(`cannot be reached at ${nobody}`),
      next: expect.stringContaining('migrate dev'),
    });
  });

  it('tells a namespace that is not there from a server that is not', async () => {
    await expect(connectTemporal(shell(), { address, namespace: 'typo' })).rejects.toMatchObject({
      exitCode: exitCodes.unreachable,
      message: `Temporal at ${address} has no namespace "typo"`,
    });
  });

  it.each([
    [{ TEMPORAL_PROFILE: 'missing' }, /Profile 'missing' not found/],
    [{ TEMPORAL_ADDRESS: 'A', DROVER_ENCRYPTION_KEYS_FILE: '/nowhere/keys' }, /nowhere\/keys cannot be read/],
  ])('refuses %j', async (env, message) => {
    await configureProfile(`[profile.default]\naddress = "${address}"\n`);

    const failure = connectTemporal(shell(env), {});

    await expect(failure).rejects.toMatchObject({ exitCode: exitCodes.usage, message: expect.stringMatching(message) });
    await rm(join(folder, 'config'), { recursive: true });
  });
});

describe('ledgerUrlFor', () => {
  it('takes the environment, then the dev stack, then nothing', async () => {
    const none = await ledgerUrlFor(shell());
    await announceDev(address);
    const dev = await ledgerUrlFor(shell());
    const told = await ledgerUrlFor(shell({ DROVER_LEDGER_URL: 'postgresql://u@db/x' }));

    expect([none, dev, told]).toEqual([undefined, 'postgresql://drover:p@127.0.0.1:5/drover', 'postgresql://u@db/x']);
  });
});
