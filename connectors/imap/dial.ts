/** From host and port to a greeted connection, encrypted as the spec says. */
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { connect as connectPlain, isIP } from 'node:net';
import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { connect as connectTls } from 'node:tls';
import { Fault } from '../errors.js';
import { ImapConnection } from './connection.js';
import { faultFromNetwork } from './faults.js';
import type { ImapOptions } from './manifest.js';

const CONNECT_MS = 30_000;
const REPLY_MS = 120_000;
const KEEP_ALIVE_MS = 30_000;

export function imapPort(options: ImapOptions): number {
  return options.port ?? ((options.tls ?? 'implicit') === 'implicit' ? 993 : 143);
}

/**
 * Connects and takes the greeting. `onConnection` gets the connection as soon as there is one to destroy.
 * The secrets are kept out of faults. Throws `Fault`: `unavailable`, `throttled`, `spec` for TLS that cannot be.
 */
export async function dial(
  options: ImapOptions,
  secrets: string[],
  onConnection: (connection: ImapConnection) => void,
): Promise<ImapConnection> {
  const tls = options.tls ?? 'implicit';
  const tlsOptions = tls === 'none' ? {} : await readTlsOptions(options);
  const address = {
    host: options.host,
    port: imapPort(options),
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_MS,
  };
  const raw = connectPlain(address);
  const socket = tls === 'implicit' ? connectTls({ ...tlsOptions, socket: raw }) : raw;
  const connection = new ImapConnection(socket, { replyMs: options.timeouts?.replyMs ?? REPLY_MS, secrets }, raw);
  onConnection(connection);
  const connectMs = options.timeouts?.connectMs ?? CONNECT_MS;
  const timer = setTimeout(() => {
    connection.destroy(
      new Fault('unavailable', `${options.host}:${address.port} did not greet within ${connectMs} ms`),
    );
  }, connectMs);
  try {
    const greeting = await connection.greeting();
    if (tls === 'starttls') {
      // RFC 9051, section 11.1: a server that is logged in at once cannot be told to encrypt any more.
      if (greeting.status === 'PREAUTH') throw withoutStartTls(options.host, 'greets as if already logged in');
      await startTls(connection, options.host, tlsOptions);
    }
    return connection;
  } catch (error) {
    connection.destroy(error instanceof Fault ? error : new Fault('internal', 'connecting', { cause: error }));
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function startTls(connection: ImapConnection, host: string, tlsOptions: TlsOptions): Promise<void> {
  if (connection.capabilities.size === 0) await connection.run({ name: 'CAPABILITY', pieces: ['CAPABILITY'] });
  if (!connection.has('STARTTLS')) throw withoutStartTls(host, 'does not offer STARTTLS');
  await connection.run({ name: 'STARTTLS', pieces: ['STARTTLS'], phase: 'login' });
  await connection.upgrade((plain) => handshake(plain, tlsOptions));
}

function handshake(socket: Socket, tlsOptions: TlsOptions): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const secure = connectTls({ socket, ...tlsOptions });
    const failed = (error: Error) => {
      socket.destroy();
      reject(faultFromNetwork(' during the TLS handshake', error));
    };
    secure.once('error', failed);
    secure.once('close', () => failed(new Error('the server closed it')));
    secure.once('secureConnect', () => {
      secure.removeAllListeners('close');
      secure.removeListener('error', failed);
      resolve(secure);
    });
  });
}

async function readTlsOptions(options: ImapOptions): Promise<TlsOptions> {
  const servername = options.servername ?? (isIP(options.host) === 0 ? options.host : undefined);
  return {
    ...(servername === undefined ? {} : { servername }),
    // Without a servername Node checks the certificate against this host, addresses included.
    host: options.host,
    ...(options.ca === undefined ? {} : { ca: await readCa(options.ca) }),
  };
}

async function readCa(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new Fault('spec', `reading the CA file ${path}`, {
      cause,
      next: 'ca names a PEM file that the worker can read',
    });
  }
}

function withoutStartTls(host: string, why: string): Fault {
  return new Fault('spec', `STARTTLS: ${host} ${why}`, {
    next: 'use tls: implicit; tls: none sends the password in the clear',
  });
}
