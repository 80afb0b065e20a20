/**
 * Stands before a real CalDAV or CardDAV server and changes, request by request, what reaches it and what is answered:
 * for words, rewritings and endings that no installed server gives at the right moment.
 */
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { NEVER } from './keep-alive.js';

export interface DavAsked {
  readonly method: string;
  /** As it was sent: still percent-encoded. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface DavReply {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
}

/** Asks the server behind the proxy, past all rules. */
export type Behind = (asked: DavAsked) => Promise<DavReply>;

/** What happens to requests that it concerns. All rules that concern one apply, in their order. */
export interface Rule {
  /** Default: all of them. */
  readonly when?: (asked: DavAsked) => boolean;
  /** To how many of them, the first ones. Default: to all. */
  readonly times?: number;
  /** Happens before the request goes on, e.g. what another program writes meanwhile. */
  readonly meanwhile?: (asked: DavAsked, behind: Behind) => unknown;
  /** The answer; the server never hears of the request. Undefined: it does. */
  readonly reply?: (asked: DavAsked) => DavReply | undefined;
  /**
   * `before`: the server never hears of it, and the connection is reset. `after`: the server does it, the answer is lost.
   * `within`: the connection is reset in the middle of the answer.
   */
  readonly cut?: 'before' | 'after' | 'within';
  /** What the server gets instead. */
  readonly ask?: (asked: DavAsked) => DavAsked;
  /** What the client gets instead of the server's answer. */
  readonly answer?: (reply: DavReply, asked: DavAsked) => DavReply;
  /** Happens once the server has done it, before the client hears of it. */
  readonly afterwards?: (reply: DavReply, asked: DavAsked) => unknown;
  /** Writes the answer itself: for lengths that do not fit, and answers that do not end. */
  readonly serve?: (response: ServerResponse, reply: DavReply) => unknown;
}

export interface DavProxy {
  readonly url: string;
  /** Every request of clients so far, in order, with the status they got; 0 where they got none. */
  readonly asked: readonly (DavAsked & { readonly status: number })[];
  /** From now on the rule holds, behind those that do already; `used` counts the requests that it concerned. */
  add(rule: Rule): { readonly used: number };
  /** Forgets all rules and requests: the server as it is. */
  clear(): void;
  stop(): Promise<void>;
}

export async function startDavProxy(to: { readonly url: string }): Promise<DavProxy> {
  const agent = new Agent({ keepAlive: true });
  const upstream = new URL(to.url);
  const behind: Behind = (asked) => forward(upstream, agent, asked);
  const asked: (DavAsked & { status: number })[] = [];
  let rules: { readonly rule: Rule; used: number }[] = [];

  const serve = async (one: DavAsked, response: ServerResponse, note: (status: number) => void): Promise<void> => {
    const concerned = rules.filter(({ rule, used }) => used < (rule.times ?? Infinity) && (rule.when?.(one) ?? true));
    for (const entry of concerned) entry.used++;
    let sent = one;
    for (const { rule } of concerned) {
      await rule.meanwhile?.(one, behind);
      if (rule.cut === 'before') return reset(response);
      const reply = rule.reply?.(one);
      if (reply) {
        note(reply.status);
        return send(response, reply);
      }
      sent = rule.ask?.(sent) ?? sent;
    }
    let reply = await behind(sent);
    for (const { rule } of concerned) reply = rule.answer?.(reply, one) ?? reply;
    for (const { rule } of concerned) await rule.afterwards?.(reply, one);
    const cut = concerned.find(({ rule }) => rule.cut !== undefined)?.rule.cut;
    if (cut === 'after') return reset(response);
    note(reply.status);
    const serving = concerned.find(({ rule }) => rule.serve !== undefined)?.rule.serve;
    if (serving) return void (await serving(response, reply));
    if (cut !== 'within') return send(response, reply);
    response.writeHead(reply.status, { ...reply.headers, 'content-length': String(reply.body.length + 1) });
    response.write(reply.body.subarray(0, reply.body.length / 2), () => reset(response));
  };

  const server = createServer({ noDelay: true, keepAliveTimeout: NEVER }, (incoming, response) => {
    void bodyOf(incoming)
      .then((body) => {
        const { method = '', url = '', headers } = incoming;
        const one = { method, path: url, headers, body, status: 0 };
        asked.push(one);
        const note = (status: number): void => {
          one.status = status;
        };
        return serve(one, response, note);
      })
      .catch((error: Error) => {
        // A test that looks at the answer sees what went wrong here.
        if (response.headersSent) response.destroy();
        else send(response, { status: 599, headers: {}, body: Buffer.from(`the proxy failed: ${error.message}`) });
      });
  });
  await new Promise<void>((go) => server.listen(0, '127.0.0.1', go));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    add(rule) {
      const entry = { rule, used: 0 };
      rules.push(entry);
      return entry;
    },
    clear() {
      rules = [];
      asked.length = 0;
    },
    stop: () =>
      new Promise((go) => {
        agent.destroy();
        server.close(() => go());
        server.closeAllConnections();
      }),
  };
}

function reset(response: ServerResponse): void {
  response.socket?.resetAndDestroy();
}

function send(response: ServerResponse, { status, headers, body }: DavReply): void {
  response.writeHead(status, { ...headers, 'content-length': String(body.length) });
  response.end(body);
}

/** The Host header goes on as it came: servers compare the Destination of a MOVE with it. */
function forward(upstream: URL, agent: Agent, { method, path, headers, body }: DavAsked): Promise<DavReply> {
  const options = {
    host: upstream.hostname,
    port: upstream.port,
    method,
    path,
    agent,
    headers: { ...without(headers, ['accept-encoding']), 'content-length': String(body.length) },
  };
  return new Promise((resolve, reject) => {
    const outgoing = request(options, (incoming) => {
      bodyOf(incoming).then(
        (answer) => resolve({ status: incoming.statusCode ?? 0, headers: without(incoming.headers, []), body: answer }),
        reject,
      );
    });
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}

/** Headers of one connection (RFC 9110, 7.6.1) are not those of the next; lengths are told anew. */
const HOP = ['connection', 'keep-alive', 'transfer-encoding', 'content-length'];

function without(headers: IncomingHttpHeaders, more: readonly string[]): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP.includes(name) && !more.includes(name)));
}

async function bodyOf(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
