import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { freePort } from '../../worker/stack/free-port.js';
import { exitCodes } from '../exit-codes.js';
import type { Shell } from '../shell.js';
import { run } from './codec-server.js';

let folder: string;
const out: string[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'drover-codec-server-'));
  await writeFile(join(folder, 'keys'), `k1:${Buffer.alloc(32, 5).toString('base64')}\n`);
  await writeFile(join(folder, 'token'), 't0ken\n');
  await writeFile(join(folder, 'empty'), '\n');
  out.length = 0;
});
afterEach(() => rm(folder, { recursive: true }));

/** Names of files in `env` are those of the test's folder. */
function shell(env: Record<string, string>, signal: AbortSignal): Shell {
  const files = Object.entries(env).map(([name, value]) => [
    name,
    name.endsWith('_FILE') ? join(folder, value) : value,
  ]);
  return {
    argv: [],
    env: Object.fromEntries(files),
    cwd: folder,
    stdin: process.stdin,
    isTty: false,
    columns: 80,
    out: (line) => void out.push(line),
    err: () => undefined,
    draw: () => undefined,
    signal,
  };
}

it('serves until it is told to end, and prints its address', async () => {
  const stop = new AbortController();
  const port = await freePort();
  const env = { DROVER_ENCRYPTION_KEYS_FILE: 'keys', DROVER_CODEC_ORIGINS: 'http://ui.example/' };

  const ended = run(shell(env, stop.signal), { port });
  await expect.poll(() => out).toEqual([`http://127.0.0.1:${port}`]);
  const answer = await fetch(`${out[0]}/encode`, {
    method: 'POST',
    body: '{"payloads":[]}',
    headers: { Origin: 'http://ui.example' },
  });
  stop.abort();

  expect(await answer.json()).toEqual({ payloads: [] });
  expect(await ended).toBe(exitCodes.done);
  await expect(fetch(out[0] as string)).rejects.toThrow();
});

it.each([
  [{}, /DROVER_ENCRYPTION_KEYS_FILE is not set/],
  [{ DROVER_ENCRYPTION_KEYS_FILE: 'missing' }, /cannot be read/],
  [{ DROVER_ENCRYPTION_KEYS_FILE: 'keys', DROVER_CODEC_HOST: '0.0.0.0' }, /would decrypt payloads for anybody/],
  [{ DROVER_ENCRYPTION_KEYS_FILE: 'keys', DROVER_CODEC_TOKEN_FILE: 'empty' }, /empty is empty/],
])('refuses %j', async (env, message) => {
  const { signal } = new AbortController();

  await expect(run(shell(env, signal), { port: await freePort() })).rejects.toMatchObject({
    exitCode: exitCodes.usage,
    message: expect.stringMatching(message),
  });
});
