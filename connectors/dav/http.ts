/** Requests to one server over kept connections. Credentials never leave the origins that they are for. */
import { readFileSync } from 'node:fs';
import { Agent } from 'undici';
import type { Access } from '../contract.js';
import { Fault } from '../errors.js';
import { resettingConnector } from '../resettable-socket.js';
import type { AnswerBody } from './answer-body.js';
import { answerBody, drain } from './answer-body.js';
import type { Asking } from './asking.js';
import type { ErrorWords, HttpFault } from './faults.js';
import { faultOf, readError } from './faults.js';
import { encodePath, pathOf, withSlash } from './hrefs.js';
import type { Member } from './multistatus.js';
import { readMultistatus } from './multistatus.js';
import type { DavOptions } from './options.js';
import type { Clean } from './server-words.js';
import { cleanFor } from './server-words.js';

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
const READING: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PROPFIND', 'REPORT', 'SEARCH']);
/** A secret is looked up anew so often: for each of thousands of small files it would cost more than its request. */
const SECRET_MS = 1_000;

/** What of a connector's options is about the connection. */
type HttpOptions = Pick<DavOptions, 'auth' | 'ca' | 'timeouts'>;

export class DavHttp {
  readonly #options: HttpOptions;
  readonly #access: Access;
  readonly #agent: Agent;
  readonly #ending = new AbortController();
  /** What was sent as a secret: servers have been seen to quote requests in their refusals. */
  readonly #secrets = new Set<string>();
  /** Signals of callers, each with the end of this session: made once, since each costs as much as a small request. */
  readonly #either = new WeakMap<AbortSignal, AbortSignal>();
  /** Requests that change something, and have no answer yet. */
  #writing = 0;
  #authorized: { readonly header: string; readonly until: number } | undefined;
  /** Scheme, host and port of where requests go now. */
  origin: string;

  constructor(options: HttpOptions, access: Access, origin: string) {
    this.#options = options;
    this.#access = access;
    this.origin = origin;
    const { connectMs = DEFAULT_CONNECT_MS, replyMs = DEFAULT_REPLY_MS } = options.timeouts ?? {};
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
  async ask(asking: Asking, signal: AbortSignal): Promise<Answer> {
    const { method, path, headers = {}, body } = asking;
    const both = this.#eitherOf(signal);
    both.throwIfAborted();
    const where = this.where(asking);
    const authorization = await this.#authorization(signal);
    const writes = READING.has(method) ? 0 : 1;
    this.#writing += writes;
    try {
      const answer = await this.#agent.request({
        origin: this.origin,
        path: encodePath(path),
        method: method as 'GET',
        headers: { authorization, 'user-agent': 'drover', ...headers },
        ...(body !== undefined && { body: body as Buffer }),
        signal: both,
      });
      if (answer.statusCode === 401) this.#authorized = undefined;
      const told = joined(answer.headers);
      const content = answerBody(answer.body, told['content-length'], (error) => broken(error, where, both));
      return { status: answer.statusCode, headers: told, body: content };
    } catch (error) {
      throw broken(error, where, both);
    } finally {
      this.#writing -= writes;
    }
  }

  /** Follows redirects by asking again there, within the origin or from http to https on the same host. */
  async askFollowing(asking: Asking, signal: AbortSignal): Promise<Answer & { readonly path: string }> {
    let { path } = asking;
    for (let left = MAX_REDIRECTS; ; left--) {
      const answer = await this.ask({ ...asking, path }, signal);
      const { location } = answer.headers;
      if (answer.status < 300 || answer.status > 399 || location === undefined) return { ...answer, path };
      await drain(answer.body);
      const to = new URL(location, `${this.origin}${encodePath(path)}`);
      const from = new URL(this.origin);
      const upgraded = from.protocol === 'http:' && to.protocol === 'https:' && from.hostname === to.hostname;
      if (left === 0 || (to.origin !== this.origin && !upgraded)) {
        throw new Fault(
          'spec',
          `${this.where(asking)}: the server redirects to ${to.origin}, where the login must not go`,
          {
            next: 'name that server in the url, if it is yours',
          },
        );
      }
      this.origin = to.origin;
      path = pathOf(to.pathname) as string;
    }
  }

  /** Members of a multi-status answer. Throws the `Fault` that any other status is. */
  async *members(asking: Asking, signal: AbortSignal): AsyncGenerator<Member> {
    const answer = await this.askFollowing(
      { ...asking, headers: { 'content-type': 'application/xml; charset=utf-8', ...asking.headers } },
      signal,
    );
    if (answer.status !== 207) throw await this.fault(asking, answer);
    // Content is taken as it is, or not at all; names and properties may be read with what XML forbids left out.
    for await (const member of readMultistatus(answer.body, this.where(asking), asking.method === 'PROPFIND')) {
      const failed = asking.method === 'PROPFIND' && 'resource' in member ? member.resource.status : undefined;
      // Xandikos answers 207 for what is not there, with the 404 inside, under an href that is none.
      if (
        failed !== undefined &&
        failed >= 400 &&
        'resource' in member &&
        !isBelow(answer.path, member.resource.href)
      ) {
        throw this.faultFrom(asking, { ...answer, status: failed }, {});
      }
      yield member;
    }
  }

  /**
   * One request that changes one resource, its answer read to the end: what went wrong, where something did. Xandikos
   * answers 207 to a PUT that it refuses, with the refusal inside.
   */
  async change(asking: Asking, signal: AbortSignal): Promise<Changed> {
    const answer = await this.ask(asking, signal);
    const { status, headers } = answer;
    if (status !== 207) {
      if (status >= 300) return { status, headers, error: await readError(answer.body, this.#clean(asking)) };
      await drain(answer.body);
      return { status, headers, error: {} };
    }
    let failed: Changed | undefined;
    // Content is taken as it is, or not at all; names and properties may be read with what XML forbids left out.
    for await (const member of readMultistatus(answer.body, this.where(asking), asking.method === 'PROPFIND')) {
      if (!('resource' in member)) continue;
      const { status: told = 200, error: condition, words } = member.resource;
      const clean = words === undefined ? undefined : this.#clean(asking)(words, false);
      const error = { ...(condition !== undefined && { condition }), ...(clean !== undefined && { words: clean }) };
      if (told >= 300) failed ??= { status: told, headers, error };
    }
    return failed ?? { status, headers, error: {} };
  }

  /** The fault that an answer is; reads it to its end. */
  async fault(asking: Asking, answer: Answer): Promise<HttpFault> {
    return this.faultFrom(asking, answer, await readError(answer.body, this.#clean(asking)));
  }

  faultFrom(asking: Asking, { status, headers }: Pick<Answer, 'status' | 'headers'>, error: ErrorWords): HttpFault {
    return faultOf(this.where(asking), status, error, headers['retry-after'], headers.date);
  }

  /** Names a request for a message. Names of collections are shown, those of items are not. */
  where({ method, path }: Asking): string {
    return `${method} ${this.origin}${path.slice(0, path.lastIndexOf('/') + 1)}`;
  }

  #clean(asking: Asking): Clean {
    return cleanFor(asking, this.#secrets);
  }

  #eitherOf(signal: AbortSignal): AbortSignal {
    let either = this.#either.get(signal);
    if (!either) {
      either = AbortSignal.any([signal, this.#ending.signal]);
      this.#either.set(signal, either);
    }
    return either;
  }

  async #authorization(signal: AbortSignal): Promise<string> {
    if (this.#authorized && performance.now() < this.#authorized.until) return this.#authorized.header;
    const { username, password, accessToken } = this.#options.auth ?? {};
    const ref = accessToken ?? password;
    if (!ref) throw new Fault('spec', 'auth names neither password nor accessToken');
    const secret = await this.#access.secret(ref, signal);
    const sent = accessToken ? secret : Buffer.from(`${username}:${secret}`).toString('base64');
    this.#secrets.add(secret).add(sent);
    const header = `${accessToken ? 'Bearer' : 'Basic'} ${sent}`;
    this.#authorized = { header, until: performance.now() + SECRET_MS };
    return header;
  }
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

function broken(error: unknown, where: string, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof Fault) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const certificate = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ALTNAME/.test(code ?? '');
  if (certificate) {
    return new Fault('spec', `${where}: the server's certificate is not trusted (${code})`, {
      next: 'name its CA with ca',
      cause: error,
    });
  }
  return new Fault('unavailable', `${where}: ${code ?? ''} ${message || 'the connection failed'}`.replace('  ', ' '), {
    next: 'check that the server runs and can be reached from the worker; it is tried again',
    cause: error,
  });
}

function readCa(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Fault('spec', `the CA file cannot be read: ${(error as Error).message}`, {
      next: 'check the path of ca on the worker',
      cause: error,
    });
  }
}
