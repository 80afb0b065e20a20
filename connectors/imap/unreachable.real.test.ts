/** A lying or careless server for each fault of the way to it: what is said, where, and what to do. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { never } from '../../tests/conformance/collect.js';
import type { CarelessPort, Certificates } from '../../tests/servers/careless-ports.js';
import { refusedPort, startCertificates, startPort } from '../../tests/servers/careless-ports.js';
import { openSource } from '../../tests/servers/imap-account.js';
import { startScriptedImap } from '../../tests/servers/scripted-imap.js';
import type { Fault } from '../errors.js';

type Options = Parameters<typeof openSource>[2];

let certificates: Certificates;
beforeAll(async () => {
  certificates = await startCertificates();
});
afterAll(() => certificates?.remove());
const ending: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

async function at(port: Promise<CarelessPort>): Promise<CarelessPort> {
  const started = await port;
  ending.push(() => started.stop());
  return started;
}

async function faultOf(
  server: { readonly host: string; readonly port: number },
  options: Options,
  account = 'anna@old.example',
): Promise<Fault> {
  const source = openSource(server, account, { timeouts: { connectMs: 300 }, ...options });
  try {
    return await source.place(never).then(
      () => expect.fail('it was opened'),
      (fault: Fault) => fault,
    );
  } finally {
    source.close();
  }
}

const says = (text: string) => (socket: { write(text: string): void }) => void socket.write(text);
const GREETING = '* OK [CAPABILITY IMAP4rev1] ready\r\n';

interface Story {
  readonly server: () => Promise<CarelessPort>;
  readonly options: Options;
  /** `AT` stands for host and port. */
  readonly what: string;
  readonly next: string;
  readonly code?: string;
}

const STORIES: Readonly<Record<string, Story>> = {
  'nobody listens': {
    server: refusedPort,
    options: { tls: 'none' },
    what: 'nothing listens at AT: the connection was refused (ECONNREFUSED)',
    next: 'check host and port in the spec, and that the server runs',
  },
  'no greeting, without TLS': {
    server: () => startPort(),
    options: { tls: 'none' },
    what: 'AT did not greet within 300 ms',
    next: 'if the port expects TLS from its first byte, as 993 does, set tls: implicit; else check host and port',
  },
  'no greeting, with STARTTLS': {
    server: () => startPort(),
    options: { tls: 'starttls' },
    what: 'AT did not greet within 300 ms',
    next: 'if the port expects TLS from its first byte, as 993 does, set tls: implicit; else check host and port',
  },
  'no answer to the TLS handshake': {
    server: () => startPort(),
    options: { tls: 'implicit' },
    what: 'AT did not greet within 300 ms',
    next: 'check host and port in the spec, and that an IMAP server with TLS answers there',
  },
  'plain words on a TLS port': {
    server: () => startPort(says(GREETING), certificates.good),
    options: { tls: 'none' },
    what: 'AT did not greet within 300 ms',
    next: 'if the port expects TLS from its first byte, as 993 does, set tls: implicit; else check host and port',
  },
  'TLS on a plain port': {
    server: () => startPort(says(GREETING)),
    options: { tls: 'implicit' },
    code: 'spec',
    what: 'AT does not speak TLS (ERR_SSL_WRONG_VERSION_NUMBER)',
    next: 'set tls: starttls, or the port that speaks TLS from its first byte, 993 as a rule',
  },
  'STARTTLS that is not offered': {
    server: () => startPort(says(GREETING)),
    options: { tls: 'starttls' },
    code: 'spec',
    what: 'STARTTLS: AT does not offer STARTTLS',
    next: 'use tls: implicit, on port 993 as a rule; tls: none sends the password in the clear',
  },
  'a certificate of a CA that nobody knows': {
    server: () => startPort(says(GREETING), certificates.good),
    options: { tls: 'implicit' },
    code: 'spec',
    what: 'the certificate of AT is signed by nobody whom the worker trusts (UNABLE_TO_VERIFY_LEAF_SIGNATURE)',
    next: "if it is signed by your own CA, name that CA's PEM file on the worker with ca",
  },
  'a certificate that has expired': {
    server: () => startPort(says(GREETING), certificates.expired),
    options: { tls: 'implicit', ca: 'CA' },
    code: 'spec',
    what: 'the certificate of AT has expired (CERT_HAS_EXPIRED)',
    next: 'renew it on the server',
  },
  'a certificate for other names': {
    server: () => startPort(says(GREETING), certificates.others),
    options: { tls: 'implicit', ca: 'CA' },
    code: 'spec',
    what: 'the certificate of AT is for mail.example, imap.example (ERR_TLS_CERT_ALTNAME_INVALID)',
    next: 'use one of these names as host, or name it with servername',
  },
  'a connection that ends at once': {
    server: () => startPort((socket) => socket.end()),
    options: { tls: 'none' },
    what: 'AT ended the connection before it greeted',
    next: 'if the port expects TLS from its first byte, as 993 does, set tls: implicit; else check host and port',
  },
  'another server than one for IMAP': {
    server: () => startPort(says('220 mail.example ESMTP\r\n')),
    options: { tls: 'none' },
    what: 'AT does not greet as an IMAP server does',
    next: 'check host and port in the spec',
  },
  'a server for POP3': {
    server: () => startPort(says('+OK ready\r\n')),
    options: { tls: 'none' },
    what: 'AT does not greet as an IMAP server does',
    next: 'check host and port in the spec',
  },
};

describe('the way to the server', () => {
  it.each(Object.entries(STORIES))('%s', async (_, { server, options, what, next, code = 'unavailable' }) => {
    const port = await at(server());
    const ca = options?.ca === 'CA' ? { ca: certificates.ca } : {};
    const fault = await faultOf(port, { ...options, ...ca });
    const said = fault.message.replaceAll(`${port.host}:${port.port}`, 'AT');
    expect({ code: fault.code, what: said, next: fault.next }).toEqual({ code, what, next });
  });

  it('a host that is not there', async () => {
    const fault = await faultOf({ host: 'no-such-host.invalid', port: 993 }, { tls: 'implicit', timeouts: {} });
    expect(fault).toMatchObject({ code: 'unavailable', systemWide: true });
    expect(fault.message).toMatch(/^the name in no-such-host.invalid:993 (is not known|could not)/);
  });

  it('waits no longer than a person does', async () => {
    const port = await at(startPort());
    const { connector } = await import('./index.js');
    const options = { ...port, tls: 'none', auth: { username: 'anna', password: { env: 'P' } } } as const;
    const secret = async () => 'secret';
    const source = connector.source?.(options as never, { account: 'anna', kind: 'mail', secret, patienceMs: 100 });
    await expect(source?.place(never)).rejects.toThrow('did not greet within 100 ms');
    source?.close();
  });
});

describe('a login that is refused', () => {
  it.each([
    ['the account itself', { username: 'anna@old.example' }, '{account}'],
    ['a master user', { username: 'anna@old.example*master' }, '{account}*master'],
    ['another name', { username: 'admin' }, 'admin'],
  ])('is named with its system and where its secret comes from: %s', async (_, auth, name) => {
    const server = await startScriptedImap({
      answer: ({ tag, text }) =>
        /^(LOGIN|AUTHENTICATE)/.test(text)
          ? `${tag} NO [AUTHENTICATIONFAILED] no secret for anna@old.example\r\n`
          : false,
    });
    ending.push(() => server.stop());
    const fault = await faultOf(server, { auth: { ...auth, password: { env: 'OLD_PASSWORD' } } });
    expect(fault.message).toBe(
      `127.0.0.1:${server.port} refuses the login ${name} (password from env OLD_PASSWORD): ` +
        'LOGIN: the server answered NO [AUTHENTICATIONFAILED] no <secret> for <address>',
    );
    expect(fault).toMatchObject({
      code: 'credentials',
      refusedLogin: true,
      systemWide: false,
      next: 'set OLD_PASSWORD to the right password in the environment of the worker and start it again, or correct username in the spec; then run `migrate credentials`',
    });
  });
});
