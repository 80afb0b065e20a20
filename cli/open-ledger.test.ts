/** A ledger that takes connections and never answers. */
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { withLedger } from './open-ledger.js';
import { createRecordingShell } from './recording-shell.js';
import { main } from './run.js';
import { createWaiting } from './waiting.js';

let connected: () => void;
const server = createServer((socket) => {
  socket.on('error', () => {});
  connected();
});
let env: Record<string, string>;
let address: string;

beforeEach(async () => {
  connected = () => {};
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  env = { DROVER_LEDGER_URL: `postgresql://drover:geheim@${address}/drover` };
});
afterEach(() => void server.close());

it('is waited for two seconds, by its host and never by its password', async () => {
  const drawn: string[] = [];
  const waiting = createWaiting({ isTty: true, columns: 80, line: () => {}, over: (text) => drawn.push(text) });
  const { shell } = createRecordingShell({ env, waiting });

  await expect(withLedger(shell, async () => 0)).rejects.toMatchObject({
    exitCode: 69,
    message: expect.stringContaining(`the ledger at ${address} did not answer`),
  });

  expect(drawn.join()).toContain(`waiting for the ledger at ${address}`);
  expect(drawn.join()).not.toContain('geheim');
});

it.each(['logs', 'report'])('is no longer waited for at Ctrl-C: %s', async (verb) => {
  const interrupted = new AbortController();
  connected = () => interrupted.abort();
  const { shell, err } = createRecordingShell({ argv: [verb, 'acme'], env, signal: interrupted.signal });

  expect(await main(shell)).toBe(130);
  expect(err).toEqual([]);
});
