/** Ports at which something is wrong: nobody listens, nobody speaks, another protocol is spoken, a certificate is wrong. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo, Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { promisify } from 'node:util';
import { makeCertificates } from './dovecot.js';

export interface Certificate {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** By one CA: for localhost and 127.0.0.1, for the same and run out yesterday, and for other names. */
export interface Certificates {
  /** Path of its PEM file. */
  readonly ca: string;
  readonly good: Certificate;
  readonly expired: Certificate;
  readonly others: Certificate;
  remove(): Promise<void>;
}

export async function startCertificates(): Promise<Certificates> {
  const dir = await mkdtemp(join(tmpdir(), 'certificates-'));
  const openssl = (args: string) => promisify(execFile)('openssl', args.split(' '), { cwd: dir });
  const signed = 'x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial';
  await makeCertificates(dir);
  await openssl(`${signed} -days -1 -extfile san.ext -out expired.pem`);
  await writeFile(join(dir, 'others.ext'), 'subjectAltName=DNS:mail.example,DNS:imap.example\n');
  await openssl(`${signed} -days 30 -extfile others.ext -out others.pem`);
  const key = await readFile(join(dir, 'server.key'));
  const certificate = async (name: string): Promise<Certificate> => ({ cert: await readFile(join(dir, name)), key });
  return {
    ca: join(dir, 'ca.pem'),
    good: await certificate('server.pem'),
    expired: await certificate('expired.pem'),
    others: await certificate('others.pem'),
    remove: () => rm(dir, { recursive: true, force: true }),
  };
}

export interface CarelessPort {
  readonly host: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** One that was free a moment ago. */
export async function refusedPort(): Promise<CarelessPort> {
  const port = await listening(createServer());
  await port.stop();
  return port;
}

/** Takes connections, and does with each what `greet` does; by default it says nothing. */
export function startPort(
  greet: (socket: Socket) => void = () => {},
  certificate?: Certificate,
): Promise<CarelessPort> {
  return listening(certificate ? createTlsServer({ ...certificate }, greet) : createServer(greet));
}

async function listening(server: Server): Promise<CarelessPort> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
  });
  server.on('tlsClientError', () => {});
  await new Promise<void>((go) => server.listen(0, '127.0.0.1', go));
  const { port } = server.address() as AddressInfo;
  return {
    host: '127.0.0.1',
    port,
    async stop() {
      const ended = new Promise((go) => server.close(go));
      for (const socket of sockets) socket.destroy();
      await ended;
    },
  };
}
