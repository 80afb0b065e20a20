/** One connection to the database, and what its errors mean (https://www.postgresql.org/docs/current/errcodes-appendix.html). */
import { readFileSync } from 'node:fs';
import pg from 'pg';
import type { Access } from '../contract.js';
import type { FaultCode } from '../errors.js';
import { Fault } from '../errors.js';
import type { PostgresOptions } from './manifest.js';

const CONNECT_MS = 15_000;

export class Database {
  readonly options: PostgresOptions;
  readonly access: Access;
  #client: pg.Client | undefined;
  #closed = false;

  constructor(options: PostgresOptions, access: Access) {
    this.options = options;
    this.access = access;
  }

  get system(): string {
    const { host, port = 5432, database } = this.options;
    return `postgres://${host.toLowerCase()}:${port}/${database}`;
  }

  close(): void {
    this.#closed = true;
    this.#drop();
  }

  async query<R extends pg.QueryResultRow>(
    signal: AbortSignal,
    text: string,
    values: readonly unknown[] = [],
  ): Promise<pg.QueryResult<R>> {
    return this.#run(signal, (client) => client.query<R>(text, [...values]));
  }

  /** All or nothing: an abort or a lost connection before the commit leaves no trace. */
  async transaction<T>(signal: AbortSignal, work: (client: pg.Client) => Promise<T>): Promise<T> {
    return this.#run(signal, async (client) => {
      await client.query('begin');
      try {
        const result = await work(client);
        await client.query('commit');
        return result;
      } catch (error) {
        // The first failure tells more; a connection that cannot roll back is ended by the caller.
        await client.query('rollback').catch(() => this.#drop());
        throw error;
      }
    });
  }

  async #run<T>(signal: AbortSignal, work: (client: pg.Client) => Promise<T>): Promise<T> {
    if (this.#closed) throw new Fault('unavailable', 'the session was closed', { next: 'open another session' });
    signal.throwIfAborted();
    // A statement cannot be taken back; the connection can be cut.
    const cut = (): void => this.#drop();
    signal.addEventListener('abort', cut, { once: true });
    try {
      return await work(await this.#connected());
    } catch (error) {
      signal.throwIfAborted();
      const fault = faultOf(error, this.system);
      if (fault.code === 'unavailable') this.#drop();
      throw fault;
    } finally {
      signal.removeEventListener('abort', cut);
    }
  }

  async #connected(): Promise<pg.Client> {
    if (this.#client) return this.#client;
    const { host, port = 5432, database, auth, tls = 'verify', ca } = this.options;
    const client = new pg.Client({
      host,
      port,
      database,
      user: auth.username,
      password: await this.access.secret(auth.password, new AbortController().signal),
      connectionTimeoutMillis: CONNECT_MS,
      application_name: 'drover',
      ssl: tls === 'none' || host.startsWith('/') ? false : ca === undefined ? true : { ca: readFileSync(ca) },
    });
    // An error between statements: the next one meets a connection that is gone, and reports it.
    client.on('error', () => this.#drop());
    this.#client = client;
    await client.connect();
    return client;
  }

  #drop(): void {
    const client = this.#client as (pg.Client & { connection?: { stream?: { destroy(): void } } }) | undefined;
    this.#client = undefined;
    client?.connection?.stream?.destroy();
  }
}

const CODES: readonly (readonly [RegExp, FaultCode, string])[] = [
  [/^28|^42501$/, 'credentials', 'check the role, its password and its rights on the table'],
  [/^3D000$|^3F000$|^42/, 'spec', 'correct database, table or columns in the spec'],
  [/^53100$|^54/, 'quota', 'make room on the database server'],
  [/^53|^57P03$/, 'throttled', 'wait, or allow more connections'],
  [/^2[23]/, 'refused', 'see what the table asks of the row'],
  [/^08|^57P0|^40|^E/, 'unavailable', 'check that the database runs and can be reached from the worker'],
];
const RETRY_MS = 5_000;

/** The message is the database's own, without its DETAIL: that names values. */
export function faultOf(error: unknown, where: string): Fault {
  if (error instanceof Fault) return error;
  const { code = '', message } = error as { code?: string; message: string };
  const ended = /Connection terminated|Client was closed|not queryable|timeout expired/.test(message);
  const [, kind, next] = CODES.find(([pattern]) => pattern.test(code)) ?? [
    undefined,
    ended ? 'unavailable' : 'internal',
    'report this with the error code',
  ];
  // Messages of classes 22 and 23 may quote what was to be stored.
  const words = message.replace(/"(?:[^"]{64,}|[^"]*@[^"]*)"/g, '"…"').replace(/: "[^"]*"$/, '');
  return new Fault(kind as FaultCode, `${where}: ${words}${code ? ` (${code})` : ''}`, {
    next,
    cause: error,
    ...(kind === 'throttled' && { retryAfterMs: RETRY_MS }),
  });
}
