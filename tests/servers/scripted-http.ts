/** An HTTP server that answers as a test says: for what no installed server does at the right moment. */
import type { IncomingHttpHeaders } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { NEVER } from './keep-alive.js';

export interface Asked {
  readonly method: string;
  /** As it was sent: still percent-encoded. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** The connection ends in the middle of the body, or before the answer begins. */
  readonly cut?: 'within' | 'before';
  /** Without its length. */
  readonly chunked?: boolean;
}

export interface ScriptedHttp {
  readonly url: string;
  /** Every request so far, in order. */
  readonly asked: readonly Asked[];
  stop(): Promise<void>;
}

/** `answer` gives the reply to each request; undefined: the request is never answered. Its errors are answered with 599. */
export async function startScriptedHttp(answer: (asked: Asked) => Reply | undefined): Promise<ScriptedHttp> {
  const asked: Asked[] = [];
  const server = createServer({ keepAliveTimeout: NEVER }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const one = { method, path: url, headers, body: Buffer.concat(chunks).toString() };
      asked.push(one);
      let reply: Reply | undefined;
      try {
        reply = answer(one);
      } catch (error) {
        reply = { status: 599, body: String(error) };
      }
      if (reply === undefined) return;
      if (reply.cut === 'before') return void response.destroy();
      const body = Buffer.from(reply.body ?? '');
      response.writeHead(reply.status, {
        ...reply.headers,
        ...(!reply.chunked && { 'content-length': String(body.length) }),
      });
      if (reply.cut === 'within') response.write(body.subarray(0, body.length / 2), () => response.destroy());
      else response.end(body);
    });
  });
  await new Promise<void>((go) => server.listen(0, '127.0.0.1', go));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    stop: () =>
      new Promise((go) => {
        server.close(() => go());
        server.closeAllConnections();
      }),
  };
}

/** The body of a multi-status answer; `inner` may use the prefixes D, C, CR, CS and A. */
export function multistatus(inner: string): Reply {
  const names =
    'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CR="urn:ietf:params:xml:ns:carddav" ' +
    'xmlns:CS="http://calendarserver.org/ns/" xmlns:A="http://apple.com/ns/ical/"';
  return {
    status: 207,
    headers: { 'content-type': 'application/xml; charset=utf-8' },
    body: `<?xml version="1.0" encoding="utf-8"?>\n<D:multistatus ${names}>${inner}</D:multistatus>`,
  };
}

/** One resource with the properties it has. */
export function resource(href: string, props: string): string {
  return `<D:response><D:href>${href}</D:href><D:propstat><D:prop>${props}</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>`;
}

/** A `DAV:error` with a condition inside. */
export function davError(status: number, inner: string, headers: Readonly<Record<string, string>> = {}): Reply {
  return {
    status,
    headers: { 'content-type': 'application/xml', ...headers },
    body: `<?xml version="1.0"?><D:error xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CR="urn:ietf:params:xml:ns:carddav">${inner}</D:error>`,
  };
}
