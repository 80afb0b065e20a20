/** A request that is ended before its answer: what the kernel still holds of it must not land. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { RequestListener, Server } from 'node:http';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { never } from '../../../tests/conformance/collect.js';
import type { Dam } from '../../../tests/servers/dam.js';
import { startDam } from '../../../tests/servers/dam.js';
import { makeCertificates } from '../../../tests/servers/dovecot.js';
import type { Access } from '../../contract.js';
import { drain } from './answer-body.js';
import { DavHttp } from './http.js';
import type { DavOptions } from './options.js';

const BODY = Buffer.alloc(2_400_000, 'x');
/** In the kernel of the sender. What the receiver's takes, some 200 kB, has left it. */
const HELD_BYTES = 2_000_000;

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cut-off-'));
  await makeCertificates(dir);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const endings: { run(): void }[] = [];
afterEach(() => {
  for (const ending of endings.splice(0).reverse()) ending.run();
});

const ways = ['close', 'abort', 'timeout'] as const;

it.each((['http', 'https'] as const).flatMap((scheme) => ways.map((way) => [scheme, way] as const)))(
  'throws away what was sent and has not arrived (%s, %s)',
  async (scheme, way) => {
    const { http, dam } = await dammed(scheme, way === 'timeout' ? 3_000 : 60_000);
    await drain((await http.ask({ method: 'PUT', path: '/first', body: 'small' }, never)).body);
    dam.shut();
    const stop = new AbortController();
    const writing = http.ask({ method: 'PUT', path: '/large', body: BODY }, stop.signal);
    writing.catch(() => undefined);
    await expect.poll(() => dam.held()).toBeGreaterThan(HELD_BYTES);

    if (way === 'close') http.close();
    if (way === 'abort') stop.abort(new Error('the lease was lost'));
    await expect(writing).rejects.toThrow(
      { close: 'the session was closed', abort: 'the lease was lost', timeout: 'did not answer in time' }[way],
    );

    expect(await dam.open()).toBeLessThan(BODY.length / 2);
  },
);

it.each(['http', 'https'] as const)('ends in good order when every answer has come (%s)', async (scheme) => {
  const { http, ended } = await dammed(scheme, 60_000);
  await drain((await http.ask({ method: 'PUT', path: '/first', body: 'small' }, never)).body);
  http.close();
  expect(await ended).toBe('in order');
});

it.each(['http', 'https'] as const)('reports that nobody listens (%s)', async (scheme) => {
  const { http, dam } = await dammed(scheme, 60_000);
  await dam.stop();
  await expect(http.ask({ method: 'PUT', path: '/x', body: 'small' }, never)).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('ECONNREFUSED'),
  });
});

interface Scene {
  readonly http: DavHttp;
  readonly dam: Dam;
  /** How the dam saw its first client end. */
  readonly ended: Promise<'in order' | 'reset'>;
}

/** A session with a server that takes everything, and a dam between the two. */
async function dammed(scheme: 'http' | 'https', replyMs: number): Promise<Scene> {
  const take: RequestListener = (request, response) => {
    request.resume();
    request.on('end', () => response.writeHead(201).end());
  };
  const pem = async (name: string): Promise<Buffer> => readFile(join(dir, name));
  const server: Server =
    scheme === 'http'
      ? createServer(take)
      : createSecureServer({ key: await pem('server.key'), cert: await pem('server.pem') }, take);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  endings.push({ run: () => void server.close() });
  const dam = await startDam({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
  endings.push({ run: () => void dam.stop() });
  const access: Access = { account: 'anna', kind: 'files', secret: async () => 'secret' };
  const origin = `${scheme}://127.0.0.1:${dam.port}`;
  const auth = { username: 'anna', password: { env: 'PASSWORD' } };
  const options = { url: origin, auth, timeouts: { replyMs }, ...(scheme === 'https' && { ca: join(dir, 'ca.pem') }) };
  const http = new DavHttp(options as DavOptions, access, origin);
  endings.push({ run: () => http.close() });
  return { http, dam, ended: dam.firstEnd };
}
