/** A Temporal that is not there, or does not answer. */

import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { expect, it } from 'vitest';
import { freePort } from '../worker/stack/free-port.js';
import { connectTemporal } from './temporal.js';
import { createWaiting } from './waiting.js';

const here = {
  env: { HOME: tmpdir(), XDG_CONFIG_HOME: tmpdir() },
  cwd: tmpdir(),
  signal: new AbortController().signal,
};

it('is said to refuse at once, in its own words', async () => {
  const address = `127.0.0.1:${await freePort()}`;

  await expect(connectTemporal(here, { address })).rejects.toMatchObject({
    exitCode: 69,
    message: `Temporal cannot be reached at ${address}: connect ECONNREFUSED ${address}`,
  });
});

it('is waited for two seconds where it takes connections and says nothing, and asked once', async () => {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const lines: string[] = [];
  const waiting = createWaiting({ isTty: true, columns: 80, line: () => {}, over: (text) => lines.push(text) });

  await expect(connectTemporal({ ...here, waiting }, { address })).rejects.toMatchObject({
    exitCode: 69,
    message: `Temporal cannot be reached at ${address}: it does not answer`,
  });

  expect(connections).toBe(1);
  expect(lines.join()).toContain(`waiting for Temporal at ${address}`);
  expect(lines.at(-1)).toBe('\r\u001b[K');
  server.close();
});

it('is no longer waited for at Ctrl-C', async () => {
  const interrupted = new AbortController();
  const server = createServer((socket) => {
    socket.on('error', () => {});
    interrupted.abort();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;

  await expect(connectTemporal({ ...here, signal: interrupted.signal }, { address })).rejects.toMatchObject({
    name: 'AbortError',
  });
  server.close();
});
