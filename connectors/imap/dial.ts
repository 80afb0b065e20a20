/** From host and port to a greeted connection, encrypted as the spec says. */
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { connect as connectPlain, isIP } from 'node:net';
import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { connect as connectTls } from 'node:tls';
import { Fault } from '../errors.js';
import type { WayThere } from '../wire/unreachable.js';
import { silent } from '../wire/unreachable.js';
import { ImapConnection } from './connection.js';
import { faultFromNetwork } from './faults.js';
import type { ImapOptions } from './manifest.js';
import { imapPort, wayTo } from './way.js';

const CONNECT_MS = 30_000;
const REPLY_MS = 120_000;
const KEEP_ALIVE_MS = 30_000;
const WHERE = 'check host and port in the spec; a firewall between the worker and the server may drop packets';
/** Whoever expects TLS from the first byte waits for us to speak; who is not an IMAP server may do so, too. */
const SILENT = {
  implicit: 'check host and port in the spec, and that an IMAP server with TLS answers there',
  starttls: 'if the port expects TLS from its first byte, as 993 does, set tls: implicit; else check host and port',
  none: 'if the port expects TLS from its first byte, as 993 does, set tls: implicit; else check host and port',
} as const;

/**
 * Connects and takes the greeting. `onConnection` gets the connection as soon as there is one to destroy.
 * The secrets are kept out of faults. Throws `Fault`: `unavailable`, `throttled`, `spec` for TLS that cannot be.
 */
export async function dial(
  options: ImapOptions,
  secrets: string[],
  onConnection: (connection: ImapConnection) => void,
  patienceMs = Number.POSITIVE_INFINITY,
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
  const way = wayTo(options);
  const replyMs = options.timeouts?.replyMs ?? REPLY_MS;
  const connection = new ImapConnection(socket, { replyMs, secrets, way }, raw);
  onConnection(connection);
  const connectMs = Math.min(options.timeouts?.connectMs ?? CONNECT_MS, patienceMs);
  const timer = setTimeout(() => {
    const what = raw.connecting ? 'did not take the connection' : 'did not greet';
    connection.destroy(silent(way, what, connectMs, raw.connecting ? WHERE : SILENT[tls]));
  }, connectMs);
  let greeted = false;
  try {
    const greeting = await connection.greeting();
    greeted = true;
    if (tls === 'starttls') {
      // RFC 9051, section 11.1: a server that is logged in at once cannot be told to encrypt any more.
      if (greeting.status === 'PREAUTH') throw withoutStartTls(way.at, 'greets as if already logged in');
      await startTls(connection, way, tlsOptions);
    }
    return connection;
  } catch (thrown) {
    const error = greeted ? thrown : (ungreeted(connection, way.at, SILENT[tls]) ?? thrown);
    connection.destroy(error instanceof Fault ? error : new Fault('internal', 'connecting', { cause: error }));
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** What stands there is another server, or one that expects something else first. */
function ungreeted({ ending, dead }: ImapConnection, at: string, next: string): Fault | undefined {
  if (dead?.systemWide) return undefined;
  if (ending === 'closed') return new Fault('unavailable', `${at} ended the connection before it greeted`, { next });
  if (ending !== 'garbled') return undefined;
  return new Fault('unavailable', `${at} does not greet as an IMAP server does`, {
    next: 'check host and port in the spec',
    systemWide: true,
  });
}

async function startTls(connection: ImapConnection, way: WayThere, tlsOptions: TlsOptions): Promise<void> {
  if (connection.capabilities.size === 0) await connection.run({ name: 'CAPABILITY', pieces: ['CAPABILITY'] });
  if (!connection.has('STARTTLS')) throw withoutStartTls(way.at, 'does not offer STARTTLS');
  await connection.run({ name: 'STARTTLS', pieces: ['STARTTLS'], phase: 'login' });
  await connection.upgrade((plain) => handshake(plain, tlsOptions, way));
}

function handshake(socket: Socket, tlsOptions: TlsOptions, way: WayThere): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const secure = connectTls({ socket, ...tlsOptions });
    const failed = (error: Error) => {
      socket.destroy();
      reject(faultFromNetwork(' during the TLS handshake', error, way));
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

function withoutStartTls(at: string, why: string): Fault {
  return new Fault('spec', `STARTTLS: ${at} ${why}`, {
    next: 'use tls: implicit, on port 993 as a rule; tls: none sends the password in the clear',
    systemWide: true,
  });
}
