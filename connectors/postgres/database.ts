/** One connection to the database. Statements run one after the other; an abort cuts the connection. */
import { readFile } from 'node:fs/promises';
import pg from 'pg';
import type { Access } from '../contract.js';
import { Fault } from '../errors.js';
import { connectFault } from './connect-fault.js';
import { faultOf } from './faults.js';
import type { PostgresOptions } from './manifest.js';

const CONNECT_MS = 15_000;
/** A statement that is not answered for so long never will be: the server is gone, or somebody holds a lock. */
const SILENT_MS = 120_000;
/** The server ends a transaction whose client says nothing for so long, and what it did is undone. */
export const ABANDONED_SECONDS = 30;

async function readCa(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    const { code = 'unknown' } = cause as NodeJS.ErrnoException;
    throw new Fault('spec', `the CA file ${path} cannot be read (${code})`, {
      next: 'ca names a PEM file that the worker can read',
      systemWide: true,
      cause,
    });
  }
}

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

  /**
   * All or nothing: an abort or a lost connection before the commit leaves no trace. `first` are statements sent with
   * the BEGIN, so that nothing of the transaction can precede them. Constraints speak at once, not at the commit.
   */
  async transaction<T>(signal: AbortSignal, first: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
    const begin = `begin; set local idle_in_transaction_session_timeout = '${ABANDONED_SECONDS}s'; set constraints all immediate; ${first}`;
    return this.#run(signal, async (client) => {
      try {
        await client.query(begin);
        const result = await work(client);
        await client.query('commit');
        return result;
      } catch (error) {
        // The first failure tells more; a connection that cannot roll back is of no use any more.
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
      return await work(await this.#connected(signal));
    } catch (error) {
      signal.throwIfAborted();
      const fault = faultOf(error, this.system);
      if (fault.code === 'unavailable') this.#drop();
      throw fault;
    } finally {
      signal.removeEventListener('abort', cut);
    }
  }

  async #connected(signal: AbortSignal): Promise<pg.Client> {
    if (this.#client) return this.#client;
    const { host, port = 5432, database, auth, tls = 'verify', ca } = this.options;
    const password = await this.access.secret(auth.password, signal);
    const ssl = tls === 'none' || host.startsWith('/') ? false : ca === undefined ? true : { ca: await readCa(ca) };
    signal.throwIfAborted();
    if (this.#closed) throw new Fault('unavailable', 'the session was closed', { next: 'open another session' });
    const waitMs = Math.min(CONNECT_MS, this.access.patienceMs ?? CONNECT_MS);
    const client = new pg.Client({
      host,
      port,
      database,
      user: auth.username,
      password,
      connectionTimeoutMillis: waitMs,
      query_timeout: SILENT_MS,
      keepAlive: true,
      application_name: 'drover',
      ssl,
    });
    // An error between statements: the next one meets a connection that is gone, and connects anew.
    client.on('error', () => this.#drop());
    this.#client = client;
    try {
      await client.connect();
    } catch (error) {
      this.#drop();
      throw connectFault(error, this.options, this.access.account, waitMs);
    }
    return client;
  }

  #drop(): void {
    const client = this.#client as (pg.Client & { connection?: { stream?: { destroy(): void } } }) | undefined;
    this.#client = undefined;
    client?.connection?.stream?.destroy();
  }
}
