/** Encryption seen from the outside: what Temporal's server holds of a workflow that ran with it. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { WorkflowFailedError } from '@temporalio/client';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createCodec } from '../../worker/codec/codec.js';
import { encryptingConverter } from '../../worker/codec/data-converter.js';
import { createCodecServer } from '../../worker/codec/http.js';
import { readKeys } from '../../worker/codec/keys.js';
import { findTemporal } from '../../worker/stack/temporal-binary.js';
import type { TemporalServer } from '../../worker/stack/temporal-server.js';
import { startTemporalServer } from '../../worker/stack/temporal-server.js';

Runtime.install({ logger: new DefaultLogger('ERROR') });

const CANARY = 'canary-4711';
const KEY_1 = Buffer.alloc(32, 1).toString('base64');
const KEY_2 = Buffer.alloc(32, 2).toString('base64');

let dir: string;
let temporal: TemporalServer;
let connection: Connection;
let native: NativeConnection;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'drover-codec-'));
  const { signal } = new AbortController();
  const { path } = await findTemporal(process.env, () => undefined, signal);
  temporal = await startTemporalServer({ program: path, dir, preferred: {}, env: process.env, signal });
  const address = `127.0.0.1:${temporal.frontend}`;
  connection = await Connection.connect({ address });
  native = await NativeConnection.connect({ address });
});

afterAll(async () => {
  await native.close();
  await connection.close();
  await temporal.server.stop();
  await rm(dir, { recursive: true, force: true });
});

async function keysFile(content: string): Promise<string> {
  const file = join(dir, `keys-${content.length}`);
  await writeFile(file, content);
  return file;
}

/** Runs the workflow with these keys and gives its outcome and everything the server kept of it. */
async function runSecretive(keys: string, workflowId: string, fails: boolean) {
  const dataConverter = await encryptingConverter(await keysFile(keys));
  const client = new Client({ connection, dataConverter });
  const worker = await Worker.create({
    connection: native,
    taskQueue: workflowId,
    workflowsPath: fileURLToPath(new URL('./secretive-workflow.ts', import.meta.url)),
    dataConverter,
  });
  const outcome = await worker.runUntil(async () => {
    const handle = await client.workflow.start('secretive', {
      workflowId,
      taskQueue: workflowId,
      args: [{ text: `input-${CANARY}`, fails }],
      memo: { note: `memo-${CANARY}` },
    });
    await handle.signal('tell', `signal-${CANARY}`);
    return handle.result().catch((error: unknown) => error);
  });
  const { history } = await connection.workflowService.getWorkflowExecutionHistory({
    namespace: 'default',
    execution: { workflowId },
  });
  const kept = readable(history);
  return { outcome, kept, client };
}

/** Every string and every payload's bytes in it, as one text. */
function readable(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1');
  if (value === null || typeof value !== 'object') return '';
  return Object.values(value).map(readable).join('\n');
}

it('keeps inputs, signals, memo and results from the server', async () => {
  const { outcome, kept } = await runSecretive(`k1:${KEY_1}`, 'succeeds', false);

  expect(outcome).toBe(`input-${CANARY} and signal-${CANARY}`);
  expect(kept).toContain('binary/encrypted');
  expect(kept).not.toContain(CANARY);
});

it('keeps the messages of failures from the server, and gives them to the client', async () => {
  const { outcome, kept } = await runSecretive(`k1:${KEY_1}`, 'fails', true);

  expect((outcome as WorkflowFailedError).cause?.message).toBe(`failed with input-${CANARY} and signal-${CANARY}`);
  expect(kept).toContain('Encoded failure');
  expect(kept).not.toContain(CANARY);
});

it('reads what an older key encrypted, and says which key is missing', async () => {
  await runSecretive(`k1:${KEY_1}`, 'before-rotation', false);

  const rotated = new Client({
    connection,
    dataConverter: await encryptingConverter(await keysFile(`# new\nk2:${KEY_2}\nk1:${KEY_1}\n`)),
  });
  const without = new Client({
    connection,
    dataConverter: await encryptingConverter(await keysFile(`k2: ${KEY_2}\n`)),
  });

  expect(await rotated.workflow.getHandle('before-rotation').result()).toContain(CANARY);
  await expect(without.workflow.getHandle('before-rotation').result()).rejects.toThrow(
    /encrypted with key "k1".*add that key/,
  );
});

it("lets Temporal's own command line show a result through the codec server", async () => {
  const keys = `k1:${KEY_1}`;
  await runSecretive(keys, 'shown', false);
  const server = createCodecServer({
    codec: createCodec(await readKeys(await keysFile(keys))),
    origins: [],
    token: 't0ken',
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const { path } = await findTemporal(process.env, () => undefined, new AbortController().signal);
  const shown = await promisify(execFile)(
    path,
    [
      ...['workflow', 'result', '-w', 'shown', '--address', `127.0.0.1:${temporal.frontend}`],
      ...['--codec-endpoint', endpoint, '--codec-auth', 'Bearer t0ken'],
    ],
    { env: { ...process.env, NO_COLOR: '1' }, timeout: 300_000 },
  );
  server.close();

  expect(shown.stdout).toContain(`signal-${CANARY}`);
});
