/** The connection to a server: whom it trusts, and what it means when it fails. */
import { readFileSync } from 'node:fs';
import { Fault } from '../../errors.js';
import type { WayThere } from '../unreachable.js';
import { unreachable } from '../unreachable.js';

/** What an error of the connection means; the signal's own reason where it ended. */
export function broken(error: unknown, where: string, origin: string, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof Fault) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const way = wayTo(origin);
  const fault = unreachable(error, way);
  if (fault) return fault;
  if (code?.startsWith('HPE_')) {
    return new Fault('unavailable', `${where}: ${way.at} does not answer in HTTP (${code})`, {
      next: origin.startsWith('http:')
        ? 'if the port speaks TLS, url begins with https://; else check the port in url'
        : 'check host and port in url',
      cause: error,
    });
  }
  if (code === 'UND_ERR_HEADERS_TIMEOUT') {
    return new Fault('unavailable', `${where}: ${way.at} took the request and did not answer in time`, {
      next: 'see whether the server is overloaded, and whether url is right; it is tried again',
      cause: error,
    });
  }
  if (code === 'UND_ERR_SOCKET' || code === 'ECONNRESET') {
    const tls = origin.startsWith('http:') ? 'if the port speaks TLS, url begins with https://; else ' : '';
    return new Fault('unavailable', `${where}: ${way.at} ended the connection (${code})`, {
      next: `${tls}check that the server runs, and its log; it is tried again`,
      cause: error,
    });
  }
  return new Fault('unavailable', `${where}: ${code ?? ''} ${message || 'the connection failed'}`.replace('  ', ' '), {
    next: 'check that the server runs and can be reached from the worker; it is tried again',
    cause: error,
  });
}

/** `origin`: scheme, host and port. */
function wayTo(origin: string): WayThere {
  const { protocol, hostname, port } = new URL(origin);
  return {
    at: `${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`,
    address: 'url',
    onPlainPort:
      'the url begins with https://: name the port that speaks TLS, 443 as a rule; http:// sends the password in the clear',
    onOtherNames: 'use one of these names in url',
  };
}

export function readCa(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Fault('spec', `the CA file cannot be read: ${(error as Error).message}`, {
      next: 'check the path of ca on the worker',
      cause: error,
    });
  }
}
