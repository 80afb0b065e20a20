/** Requests to one server over kept connections. Credentials never leave the origins that they are for. */
import { Agent } from 'undici';
import type { Access } from '../../contract.js';
import { Fault } from '../../errors.js';
import type { NamedLogin } from '../refused-login.js';
import { refusal, refusedLogin } from '../refused-login.js';
import { resettingConnector } from '../resettable-socket.js';
import type { AnswerBody } from './answer-body.js';
import { answerBody, drain } from './answer-body.js';
import { breakOff } from './broken-off.js';
import { codingIn, decodedBody } from './codings.js';
import { broken, readCa } from './connection.js';
import type { ErrorWords } from './faults.js';
import { faultOf, HttpFault, readError } from './faults.js';
import { encodePath, pathOf, withSlash } from './hrefs.js';
import { DavLogin } from './login.js';
import type { Member } from './multistatus.js';
import { readMultistatus } from './multistatus.js';
import type { DavOptions } from './options.js';
import type { Clean } from './redact-server-text.js';
import { cleanFor } from './redact-server-text.js';
import type { DavRequest } from './request.js';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AnswerBody;
}

/** What came of a change. */
export interface Changed {
  /** Of the resource, also where the whole answer has another. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly error: ErrorWords;
}

const DEFAULT_CONNECT_MS = 30_000;
const DEFAULT_REPLY_MS = 300_000;
const MAX_REDIRECTS = 5;
/** A server that keeps a connection whose other end is closed. */
const BROKEN_OFF_MS = 2_000;
const READING: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PROPFIND', 'REPORT', 'SEARCH']);
/** What brings content and changes nothing. */
const FETCHING: ReadonlySet<string> = new Set(['GET', 'HEAD']);
/** What of a connector's options is about the connection. */
type HttpOptions = Pick<DavOptions, 'auth' | 'ca' | 'timeouts'>;

export class DavHttp {
  readonly #login: DavLogin;
  readonly #auth: NamedLogin;
  readonly #account: string;
  /** Path of the PEM file of the server's own CA. */
  readonly #ca: string | undefined;
  readonly #agent: Agent;
  readonly #ending = new AbortController();
  /** Signals of callers, each with the end of this session: made once, since each costs as much as a small request. */
  readonly #either = new WeakMap<AbortSignal, AbortSignal>();
  /** Requests that change something, and have no answer yet. */
  #writing = 0;
  #sogo = false;
  /** What the server's clock said last, and when that was. */
  #clock: { readonly date: number; readonly at: number } | undefined;
  /** Scheme, host and port of where requests go now. */
  origin: string;

  constructor(options: HttpOptions, access: Access, origin: string) {
    this.#login = new DavLogin(options.auth, access);
    this.#auth = options.auth ?? {};
    this.#account = access.account;
    this.#ca = options.ca;
    this.origin = origin;
    const { patienceMs = Number.POSITIVE_INFINITY } = access;
    const connectMs = Math.min(options.timeouts?.connectMs ?? DEFAULT_CONNECT_MS, patienceMs);
    const replyMs = Math.min(options.timeouts?.replyMs ?? DEFAULT_REPLY_MS, patienceMs);
    this.#agent = new Agent({
      connections: 1,
      headersTimeout: replyMs,
      bodyTimeout: replyMs,
      connect: resettingConnector(
        { timeout: connectMs, ...(options.ca !== undefined && { ca: readCa(options.ca) }) },
        () => this.#writing > 0,
      ),
    });
  }

  /** A request that changes something and has no answer yet is cut off: its connection is reset. */
  close(): void {
    this.#ending.abort(new Fault('unavailable', 'the session was closed'));
    void this.#agent.destroy();
  }

  /** One request, one answer, whatever its status. Throws `Fault('unavailable')` when the connection fails. */
  async ask(request: DavRequest, signal: AbortSignal): Promise<Answer> {
    const { method, path, query = '', headers, body } = request;
    const at = { origin: this.origin, path: encodePath(path) + query };
    if (isStream(body) && this.#login.mayBeChallenged) await this.change({ method: 'OPTIONS', path }, signal);
    const authorization = await this.#login.header(method, at.path, signal);
    let answer = await this.#request(request, at, { authorization, ...headers }, signal);
    if (answer.status === 401 && this.#login.challenged(authorization, answer.headers['www-authenticate'])) {
      await drain(answer.body);
      if (isStream(body)) throw this.#challenged(request);
      const answered = await this.#login.header(method, at.path, signal);
      answer = await this.#request(request, at, { authorization: answered, ...headers }, signal);
    }
    const date = Date.parse(answer.headers.date ?? '');
    if (!Number.isNaN(date)) this.#clock = { date, at: performance.now() };
    if (answer.headers.server?.includes('SOPE')) this.#sogo = true;
    return answer;
  }

  /** Whether answers were SOGo's, whose ways are known (README of caldav): it signs with the name of its library. */
  get sogo(): boolean {
    return this.#sogo;
  }

  /** The server's time at least, in milliseconds, by what it said last; our own where it says none. */
  now(): number {
    return this.#clock ? this.#clock.date + performance.now() - this.#clock.at : Date.now();
  }

  /**
   * Follows redirects by asking again there, within the origin or from http to https on the same host. Content is also
   * fetched from elsewhere (servers send on to their store, with a signed address), without the login.
   */
  async askFollowing(request: DavRequest, signal: AbortSignal): Promise<Answer & { readonly path: string }> {
    let { path, query } = request;
    for (let left = MAX_REDIRECTS; ; left--) {
      const answer = await this.ask({ ...request, path, ...(query !== undefined && { query }) }, signal);
      const to = redirect(answer, `${this.origin}${encodePath(path)}`);
      if (!to) return { ...answer, path };
      await drain(answer.body);
      const from = new URL(this.origin);
      const upgraded = from.protocol === 'http:' && to.protocol === 'https:' && from.hostname === to.hostname;
      const elsewhere = to.origin !== this.origin && !upgraded;
      if (elsewhere && FETCHING.has(request.method)) return { ...(await this.#fetch(request, to, left, signal)), path };
      if (left === 0 || elsewhere) throw this.#leadsAway(request, to);
      this.origin = to.origin;
      path = pathOf(to.pathname) as string;
      query = to.search;
    }
  }

  /** Fetches content from another server, which gets nothing that was meant for ours; what it refuses costs that item. */
  async #fetch(request: DavRequest, at: URL, redirects: number, signal: AbortSignal): Promise<Answer> {
    const { range } = request.headers ?? {};
    const failed = (code: 'refused' | 'unavailable', to: URL, why: string): Fault =>
      new Fault(code, `${this.where(request)}: the server sends on to ${to.origin}, ${why}`, {
        next: 'fetch it by hand, if it is reached only with a login',
      });
    for (let to = at, left = redirects; ; left--) {
      if (left <= 0 || !/^https?:$/.test(to.protocol)) throw failed('refused', to, 'which leads nowhere');
      const path = `${to.pathname}${to.search}`;
      let answer: Answer;
      try {
        answer = await this.#request(request, { origin: to.origin, path }, range ? { range } : {}, signal);
      } catch (error) {
        if (!(error instanceof Fault) || error.code === 'unavailable') throw error;
        throw failed('refused', to, error.message);
      }
      const next = redirect(answer, to.href);
      // What it says of versions and dates is about its own store.
      const { etag: _, 'last-modified': _when, ...headers } = answer.headers;
      if (!next && answer.status < 400) return { ...answer, headers };
      await drain(answer.body);
      if (!next) throw failed(answer.status < 500 ? 'refused' : 'unavailable', to, `which answers ${answer.status}`);
      to = next;
    }
  }

  /** What is sent as a stream is not there any more. */
  #challenged(request: DavRequest): Fault {
    return new Fault('unavailable', `${this.where(request)}: the server wants another answer to its challenge`, {
      next: 'it is sent again',
    });
  }

  #leadsAway(request: DavRequest, to: URL): Fault {
    return new Fault(
      'spec',
      `${this.where(request)}: the server redirects to ${to.origin}, where the login must not go`,
      { next: 'name that server in the url, if it is yours' },
    );
  }

  /**
   * A server that closes connections without saying so (sogod) gets one for each request from then on. What may be repeated
   * is sent once more.
   */
  async #request(
    request: DavRequest,
    at: { readonly origin: string; readonly path: string },
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Answer> {
    const { method, body } = request;
    const both = this.#eitherOf(signal);
    both.throwIfAborted();
    const where = this.where(request);
    const writes = READING.has(method) ? 0 : 1;
    const asked = {
      ...at,
      method: method as 'GET',
      headers: { 'user-agent': 'drover', 'accept-encoding': 'identity', ...headers },
      ...(body !== undefined && { body: body as Buffer }),
      signal: both,
    };
    this.#writing += writes;
    try {
      const sendOnce = () => this.#agent.request({ ...asked, reset: CLOSING.has(at.origin) });
      const answer = await sendOnce().catch((error: unknown) => {
        if (both.aborted || !wasClosed(error)) throw error;
        CLOSING.add(at.origin);
        if (writes > 0) throw error;
        return sendOnce();
      });
      const told = joined(answer.headers);
      const sent = answerBody(answer.body, told['content-length'], (error) => broken(error, where, at.origin, both));
      const coding = request.content ? undefined : codingIn(told);
      return { status: answer.statusCode, headers: told, body: coding ? decodedBody(sent, coding, where) : sent };
    } catch (error) {
      throw broken(error, where, at.origin, both);
    } finally {
      this.#writing -= writes;
    }
  }

  /** Members of a multi-status answer. Throws the `Fault` that any other status is. */
  async *members(request: DavRequest, signal: AbortSignal): AsyncGenerator<Member> {
    const answer = await this.askFollowing(
      { ...request, headers: { 'content-type': 'application/xml; charset=utf-8', ...request.headers } },
      signal,
    );
    if (answer.status !== 207) throw await this.fault(request, answer);
    // Content is taken as it is, or not at all; names and properties may be read with what XML forbids left out.
    for await (const member of readMultistatus(answer.body, this.where(request), request.method === 'PROPFIND')) {
      const failed = request.method === 'PROPFIND' && 'resource' in member ? member.resource.status : undefined;
      // Xandikos answers 207 for what is not there, with the 404 inside, under an href that is none.
      if (
        failed !== undefined &&
        failed >= 400 &&
        'resource' in member &&
        !isBelow(answer.path, member.resource.href)
      ) {
        throw this.faultFrom(request, { ...answer, status: failed }, {});
      }
      yield member;
    }
  }

  /**
   * One request that changes one resource, its answer read to the end: what went wrong, where something did. Xandikos
   * answers 207 to a PUT that it refuses, with the refusal inside.
   */
  async change(request: DavRequest, signal: AbortSignal): Promise<Changed> {
    const answer = await this.ask(request, signal);
    const { status, headers } = answer;
    if (status !== 207) {
      if (status >= 300) return { status, headers, error: await readError(answer.body, this.#clean(request)) };
      await drain(answer.body);
      return { status, headers, error: {} };
    }
    let failed: Changed | undefined;
    // Content is taken as it is, or not at all; names and properties may be read with what XML forbids left out.
    for await (const member of readMultistatus(answer.body, this.where(request), request.method === 'PROPFIND')) {
      if (!('resource' in member)) continue;
      const { status: told = 200, error: condition, words } = member.resource;
      const clean = words === undefined ? undefined : this.#clean(request)(words, false);
      const error = { ...(condition !== undefined && { condition }), ...(clean !== undefined && { words: clean }) };
      if (told >= 300) failed ??= { status: told, headers, error };
    }
    return failed ?? { status, headers, error: {} };
  }

  /** A request whose body is announced as twice as long as it is: what a line that is cut in the middle leaves of it. */
  async breakOff({ method, path, body }: DavRequest & { readonly body: Buffer }, signal: AbortSignal): Promise<void> {
    const target = encodePath(path);
    const lines = [
      `${method} ${target} HTTP/1.1`,
      `host: ${new URL(this.origin).host}`,
      `authorization: ${await this.#login.header(method, target, signal)}`,
      'user-agent: drover',
      'content-type: application/octet-stream',
      `content-length: ${2 * body.length}`,
    ];
    const head = `${lines.join('\r\n')}\r\n\r\n`;
    const timeoutMs = BROKEN_OFF_MS;
    const ca = this.#ca;
    try {
      await breakOff({ origin: this.origin, head, body, timeoutMs, ...(ca && { ca: readCa(ca) }) }, signal);
    } catch (error) {
      throw broken(error, this.where({ method, path }), this.origin, signal);
    }
  }

  /** The fault that an answer is; reads it to its end. */
  async fault(request: DavRequest, answer: Answer): Promise<HttpFault> {
    return this.faultFrom(request, answer, await readError(answer.body, this.#clean(request)));
  }

  faultFrom(
    request: DavRequest,
    { status, headers }: Pick<Answer, 'status' | 'headers'>,
    error: ErrorWords,
  ): HttpFault {
    const fault = faultOf(this.where(request), status, error, headers['retry-after'], headers.date);
    if (status === 401) return this.#refused(fault);
    if (request.method !== 'PROPFIND' || (status !== 405 && status !== 501)) return fault;
    return new HttpFault(status, fault.condition, 'refused', fault.message, {
      next: 'check url: no WebDAV is offered there',
    });
  }

  /** Says which login it is that the server refuses. */
  #refused({ status, condition, message, cause }: HttpFault): HttpFault {
    const words = `${new URL(this.origin).host} ${refusedLogin(this.#auth, this.#account)}: ${message}`;
    return new HttpFault(status, condition, 'credentials', words, { ...refusal(this.#auth, this.#account), cause });
  }

  /** Names a request for a message. Names of collections are shown, those of items are not. */
  where({ method, path }: DavRequest): string {
    return `${method} ${this.origin}${path.slice(0, path.lastIndexOf('/') + 1)}`;
  }

  #clean(request: DavRequest): Clean {
    return cleanFor(request, this.#login.secrets);
  }

  #eitherOf(signal: AbortSignal): AbortSignal {
    let either = this.#either.get(signal);
    if (!either) {
      either = AbortSignal.any([signal, this.#ending.signal]);
      this.#either.set(signal, either);
    }
    return either;
  }
}

function isStream(body: DavRequest['body']): boolean {
  return body !== undefined && typeof body !== 'string' && !Buffer.isBuffer(body);
}

/** Where an answer leads; undefined for one that is not a redirect. Throws nothing for an address that is none. */
function redirect({ status, headers: { location } }: Answer, from: string): URL | undefined {
  if (status < 300 || status > 399 || location === undefined || !URL.canParse(location, from)) return undefined;
  return new URL(location, from);
}

/** Servers, by origin, that were seen to close a connection where they had not said so. */
const CLOSING = new Set<string>();

/** The other side ended the connection before it answered. */
function wasClosed(error: unknown): boolean {
  return ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes((error as NodeJS.ErrnoException).code ?? '');
}

function joined(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const plain: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined) plain[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return plain;
}

function isBelow(path: string, href: string): boolean {
  const there = pathOf(href);
  return there !== undefined && there.length > withSlash(path).length && there.startsWith(withSlash(path));
}
