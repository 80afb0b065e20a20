/** For each fault of the way to a database: what is said, where, and what to do. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { never } from '../../tests/conformance/collect.js';
import type { CarelessPort, Certificates } from '../../tests/servers/careless-ports.js';
import { refusedPort, startCertificates, startPort } from '../../tests/servers/careless-ports.js';
import type { ContactsServer, Options } from '../../tests/servers/contacts-table.js';
import { startContactsServer } from '../../tests/servers/contacts-table.js';
import type { Fault } from '../errors.js';
import { Database } from './database.js';

let server: ContactsServer;
let certificates: Certificates;
beforeAll(async () => {
  [server, certificates] = await Promise.all([startContactsServer(), startCertificates()]);
});
afterAll(async () => {
  await Promise.all([server?.stop(), certificates?.remove()]);
});
const ending: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

const failed = (opening: Promise<unknown> | undefined): Promise<Fault> =>
  (opening ?? Promise.resolve()).then(
    () => expect.fail('it was opened'),
    (fault: Fault) => fault,
  );

/** Answers the client's wish for TLS, and then offers a certificate. */
const withTls = (certificate: Certificates['good']) => () =>
  startPort((socket) => {
    socket.once('data', async () => {
      const { TLSSocket } = await import('node:tls');
      socket.write('S');
      new TLSSocket(socket, { isServer: true, ...certificate }).on('error', () => {});
    });
  });

interface Story {
  readonly port: () => Promise<CarelessPort>;
  readonly tls?: 'verify';
  readonly ca?: true;
  readonly code?: string;
  readonly what: string;
  readonly next: string | RegExp;
}

const STORIES: Readonly<Record<string, () => Story>> = {
  'nobody listens': () => ({
    port: refusedPort,
    what: 'nothing listens at AT: the connection was refused (ECONNREFUSED)',
    next: 'check host and port in the spec, and that the server runs',
  }),
  'no answer': () => ({
    port: () => startPort(),
    what: 'AT did not answer within 300 ms',
    next: 'check host and port in the spec; a firewall between the worker and the server may drop packets',
  }),
  'no TLS on the server': () => ({
    port: () => startPort((socket) => void socket.once('data', () => socket.write('N'))),
    tls: 'verify',
    code: 'spec',
    what: 'AT does not speak TLS',
    next: 'set up TLS on the server; tls: none sends everything in the clear',
  }),
  'another server than PostgreSQL': () => ({
    port: () => startPort((socket) => socket.write('* OK IMAP4rev1 ready\r\n')),
    tls: 'verify',
    code: 'spec',
    what: 'AT does not answer as PostgreSQL does',
    next: 'check host and port in the spec',
  }),
  'a certificate of a CA that nobody knows': () => ({
    port: withTls(certificates.good),
    tls: 'verify',
    code: 'spec',
    what: 'the certificate of AT is signed by nobody whom the worker trusts (UNABLE_TO_VERIFY_LEAF_SIGNATURE)',
    next: "if it is signed by your own CA, name that CA's PEM file on the worker with ca",
  }),
  'a certificate that has expired': () => ({
    port: withTls(certificates.expired),
    tls: 'verify',
    ca: true,
    code: 'spec',
    what: 'the certificate of AT has expired (CERT_HAS_EXPIRED)',
    next: 'renew it on the server',
  }),
  'a certificate for other names': () => ({
    port: withTls(certificates.others),
    tls: 'verify',
    ca: true,
    code: 'spec',
    what: 'the certificate of AT is for mail.example, imap.example (ERR_TLS_CERT_ALTNAME_INVALID)',
    next: 'use one of these names as host',
  }),
};

it.each(Object.entries(STORIES))('%s', async (_, story) => {
  const { port: start, tls = 'none', ca, code = 'unavailable', what, next } = story();
  const port = await start();
  ending.push(() => port.stop());
  const auth = { username: 'anna', password: { env: 'X' } };
  const options = { ...port, database: 'people', tls, auth, ...(ca && { ca: certificates.ca }) } as const;
  const secret = async () => 'secret';
  const database = new Database(options, { account: 'anna', kind: 'contacts', secret, patienceMs: 300 });
  const fault = await failed(database.query(never, 'select 1'));
  database.close();
  const said = fault.message.replaceAll(`${port.host}:${port.port}`, 'AT');
  expect({ code: fault.code, what: said, next: fault.next }).toEqual({ code, what, next });
  expect(fault.systemWide).toBe(true);
});

const opening = (options: Options): Promise<Fault> => failed(server.source(options).place(never));

it('names the login that is refused, and where its password comes from', async () => {
  await server.sql("create role anna login password 'right'");
  const auth = { username: 'anna', password: { env: 'NEW_PASSWORD' } };
  const fault = await opening({ auth, password: 'wrong-one' });
  expect(fault.message).toMatch(
    /^\S+:\d+ refuses the login \{account\} \(password from env NEW_PASSWORD\): .*password authentication failed.*\(28P01\)$/,
  );
  expect(fault).toMatchObject({
    code: 'credentials',
    refusedLogin: true,
    next: expect.stringContaining('NEW_PASSWORD'),
  });
  expect(`${fault.message} ${fault.next}`).not.toContain('wrong-one');
});

it('names the database that is not there, and the CA file', async () => {
  const missing = await opening({ database: 'persons' });
  expect(missing.message).toMatch(/^there is no database "persons" at \S+:\d+$/);
  expect(missing).toMatchObject({ code: 'spec', next: 'correct database in the spec' });
  const ca = await opening({ tls: 'verify', ca: '/no/such/ca.pem' });
  expect(ca).toMatchObject({ code: 'spec', message: 'the CA file /no/such/ca.pem cannot be read (ENOENT)' });
});
