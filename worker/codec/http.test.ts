import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createCodec } from './codec.js';
import { createCodecServer } from './http.js';

const ORIGIN = 'http://127.0.0.1:8233';
const body = JSON.stringify({
  payloads: [{ metadata: { encoding: btoa('json/plain') }, data: btoa('"hello"') }],
});
let server: Server;
let address: string;

beforeEach(async () => {
  const codec = createCodec([{ id: 'k', secret: Buffer.alloc(32, 3) }]);
  server = createCodecServer({ codec, origins: [ORIGIN], token: 'right' });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

function post(path: string, content: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(address + path, {
    method: 'POST',
    body: content,
    headers: { 'Content-Type': 'application/json', Authorization: 'Bearer right', ...headers },
  });
}

it('encodes, and decodes again', async () => {
  const encoded = await (await post('/encode', body)).text();
  const decoded = await post('/decode', encoded);

  expect(encoded).not.toContain(btoa('"hello"'));
  expect(await decoded.json()).toEqual(JSON.parse(body));
});

it('answers the preflight of the Web UI, and of no other page', async () => {
  const ask = (origin: string) => fetch(`${address}/decode`, { method: 'OPTIONS', headers: { Origin: origin } });

  const [known, other] = [await ask(ORIGIN), await ask('http://evil.example')];

  expect(known.status).toBe(204);
  expect(known.headers.get('Access-Control-Allow-Origin')).toBe(ORIGIN);
  expect(known.headers.get('Access-Control-Allow-Headers')).toContain('X-Namespace');
  expect(other.status).toBe(403);
  expect(other.headers.get('Access-Control-Allow-Origin')).toBeNull();
});

it.each([
  ['without the token', '/decode', body, { Authorization: '' }, 401],
  ['with another token', '/decode', body, { Authorization: 'Bearer wrong' }, 401],
  ['from an unknown page', '/decode', body, { Origin: 'http://evil.example' }, 403],
  ['for another path', '/other', body, {}, 404],
  ['that is not JSON', '/decode', 'x', {}, 400],
  ['without payloads', '/decode', '{}', {}, 400],
])('refuses a request %s', async (_what, path, content, headers, status) => {
  expect((await post(path, content, headers)).status).toBe(status);
});

it('says which key is missing', async () => {
  const foreign = await createCodec([{ id: 'lost', secret: Buffer.alloc(32, 4) }]).encode([{ data: Buffer.from('x') }]);
  const [payload] = foreign;
  const metadata = Object.fromEntries(
    Object.entries(payload?.metadata ?? {}).map(([name, value]) => [name, Buffer.from(value).toString('base64')]),
  );
  const data = Buffer.from(payload?.data ?? []).toString('base64');

  const answer = await post('/decode', JSON.stringify({ payloads: [{ metadata, data }] }));

  expect(answer.status).toBe(500);
  expect(await answer.text()).toContain('key \\"lost\\"');
});
