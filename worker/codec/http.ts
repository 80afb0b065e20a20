/**
 * The HTTP face of the codec, for Temporal's Web UI and command line: POST /encode and /decode take and give
 * `{ "payloads": [{ "metadata": { name: base64 }, "data": base64 }] }`.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { Payload, PayloadCodec } from '@temporalio/common';

export interface CodecServerOptions {
  readonly codec: PayloadCodec;
  /** Origins of pages that may ask, e.g. `http://127.0.0.1:8233`. Programs that send no Origin may always. */
  readonly origins: readonly string[];
  /** When set, every request must carry it as `Authorization: Bearer …`. */
  readonly token?: string;
}

/** Temporal refuses payloads of more than 2 MiB; base64 and several of them fit. */
const MAX_BYTES = 16 * 1024 * 1024;

interface WirePayload {
  readonly metadata?: Readonly<Record<string, string>>;
  readonly data?: string;
}

class BadRequest extends Error {}

export function createCodecServer(options: CodecServerOptions): Server {
  return createServer((request, response) => {
    answer(request, response, options).catch((error: Error) => {
      // The reason is for whoever asked, and holds no content.
      reply(response, error instanceof BadRequest ? 400 : 500, { message: error.message });
    });
  });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { codec, origins, token }: CodecServerOptions,
) {
  const { origin } = request.headers;
  if (origin !== undefined) {
    if (!origins.includes(origin))
      return reply(response, 403, { message: `pages of ${origin} may not ask: start with --origin ${origin}` });
    response.setHeader('Access-Control-Allow-Origin', origin);
    response.setHeader('Access-Control-Allow-Credentials', 'true');
    response.setHeader('Access-Control-Allow-Methods', 'POST');
    response.setHeader('Access-Control-Allow-Headers', 'Authorization, Content-Type, X-Namespace');
    response.setHeader('Vary', 'Origin');
  }
  if (request.method === 'OPTIONS') return reply(response, 204);
  if (request.method === 'GET' && request.url === '/health') return reply(response, 200, { status: 'ok' });
  const path = new URL(request.url ?? '/', 'http://localhost').pathname;
  const step = path.endsWith('/encode') ? codec.encode : path.endsWith('/decode') ? codec.decode : undefined;
  if (step === undefined) return reply(response, 404, { message: 'POST /encode or /decode' });
  if (request.method !== 'POST') return reply(response, 405, { message: 'POST /encode or /decode' });
  if (token !== undefined && !sameToken(request.headers.authorization, token)) {
    return reply(response, 401, { message: 'send the token as "Authorization: Bearer …"' });
  }
  const payloads = await step(await readPayloads(request));
  reply(response, 200, { payloads: payloads.map(toWire) });
}

/** Compares digests, which are of equal length, in constant time. */
function sameToken(header: string | undefined, token: string): boolean {
  const digest = (value: string) => createHash('sha256').update(value).digest();
  return timingSafeEqual(digest(header ?? ''), digest(`Bearer ${token}`));
}

async function readPayloads(request: IncomingMessage): Promise<Payload[]> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new BadRequest(`the request is larger than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  let body: { payloads?: readonly WirePayload[] };
  try {
    body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as typeof body;
  } catch {
    throw new BadRequest('the request is not JSON');
  }
  if (!Array.isArray(body?.payloads)) throw new BadRequest('the request has no list of payloads');
  return body.payloads.map(fromWire);
}

function fromWire({ metadata = {}, data }: WirePayload): Payload {
  const entries = Object.entries(metadata).map(([name, value]) => [name, Buffer.from(value, 'base64')] as const);
  return { metadata: Object.fromEntries(entries), ...(data !== undefined && { data: Buffer.from(data, 'base64') }) };
}

function toWire({ metadata, data }: Payload): WirePayload {
  const entries = Object.entries(metadata ?? {}).map(
    ([name, value]) => [name, Buffer.from(value).toString('base64')] as const,
  );
  return { metadata: Object.fromEntries(entries), ...(data && { data: Buffer.from(data).toString('base64') }) };
}

function reply(response: ServerResponse, status: number, body?: object): void {
  if (body === undefined) {
    response.writeHead(status).end();
    return;
  }
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}
