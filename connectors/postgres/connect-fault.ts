/** Why a connection to the database cannot be had, and what in the spec, or on the server, to correct. */
import { Fault } from '../errors.js';
import { refusal, refusedLogin } from '../wire/refused-login.js';
import type { WayThere } from '../wire/unreachable.js';
import { silent, unreachable } from '../wire/unreachable.js';
import { faultOf } from './faults.js';
import type { PostgresOptions } from './manifest.js';

export function connectFault(error: unknown, options: PostgresOptions, account: string, waitedMs: number): unknown {
  if (error instanceof Fault || !(error instanceof Error)) return error;
  const { host, port = 5432, database, auth } = options;
  const way: WayThere = {
    at: `${host}:${port}`,
    address: 'host and port',
    onPlainPort: 'check host and port: this is not PostgreSQL, or something between that ends TLS',
    onOtherNames: 'use one of these names as host',
  };
  const { code } = error as { code?: unknown };
  const systemWide = true;
  if (code === '3D000') {
    return new Fault('spec', `there is no database ${JSON.stringify(database)} at ${way.at}`, {
      next: 'correct database in the spec',
      systemWide,
      cause: error,
    });
  }
  if (code === '28P01' || /^SASL|password/i.test(error.message)) {
    const words = `${way.at} ${refusedLogin(auth, account)}: ${faultOf(error, `database ${database}`).message}`;
    return new Fault('credentials', words, { ...refusal(auth, account), cause: error });
  }
  if (code === '28000' && /pg_hba/.test(error.message)) {
    const tls = /no encryption|SSL off/i.test(error.message) ? '; or set tls: verify, if it wants TLS' : '';
    const words = `${way.at} admits no such login from the worker: ${faultOf(error, `database ${database}`).message}`;
    return new Fault('credentials', words, { next: `let pg_hba.conf of the server admit it${tls}`, cause: error });
  }
  if (/does not support SSL/.test(error.message)) {
    const next = 'set up TLS on the server; tls: none sends everything in the clear';
    return new Fault('spec', `${way.at} does not speak TLS`, { next, systemWide, cause: error });
  }
  if (/establishing an SSL connection/.test(error.message)) {
    const next = 'check host and port in the spec';
    return new Fault('spec', `${way.at} does not answer as PostgreSQL does`, { next, systemWide, cause: error });
  }
  if (/timeout expired/.test(error.message)) {
    const next = 'check host and port in the spec; a firewall between the worker and the server may drop packets';
    return silent(way, 'did not answer', waitedMs, next);
  }
  return unreachable(error, way) ?? error;
}
