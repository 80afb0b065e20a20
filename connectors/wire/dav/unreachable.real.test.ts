/** A lying or careless server for each fault of the way to DAV: what is said, where, and what to do; in each connector. */
import type { Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { never } from '../../../tests/conformance/collect.js';
import type { CarelessPort, Certificates } from '../../../tests/servers/careless-ports.js';
import { refusedPort, startCertificates, startPort } from '../../../tests/servers/careless-ports.js';
import type { Reply } from '../../../tests/servers/scripted-http.js';
import { startScriptedHttp } from '../../../tests/servers/scripted-http.js';
import { connector as caldav } from '../../caldav/index.js';
import { connector as carddav } from '../../carddav/index.js';
import type { Access, Kind, Source } from '../../contract.js';
import type { Fault } from '../../errors.js';
import { connector as nextcloud } from '../../nextcloud/index.js';
import { connector as webdav } from '../../webdav/index.js';

let certificates: Certificates;
beforeAll(async () => {
  certificates = await startCertificates();
});
afterAll(() => certificates?.remove());
const ending: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

const OPENERS: Readonly<Record<string, readonly [Kind, (options: object, access: Access) => Source]>> = {
  caldav: ['calendar', (options, access) => caldav.source?.(options as never, access) as Source],
  carddav: ['contacts', (options, access) => carddav.source?.(options as never, access) as Source],
  webdav: ['files', (options, access) => webdav.source?.(options as never, access) as unknown as Source],
  nextcloud: ['files', (options, access) => nextcloud.source?.(options as never, access) as unknown as Source],
};

async function faultOf(name: string, url: string, options: object = {}, account = 'anna'): Promise<Fault> {
  const [kind, open] = OPENERS[name] as (typeof OPENERS)[string];
  const auth = { username: account, password: { file: `/run/secrets/${account}` } };
  const timeouts = { connectMs: 300, replyMs: 300 };
  const source = open({ url, auth, timeouts, ...options }, { account, kind, secret: async () => 'hunter-2' });
  try {
    return await source.place(never).then(
      () => expect.fail('it was opened'),
      (fault: Fault) => fault,
    );
  } finally {
    source.close();
  }
}

/** What is said, with AT for host and port, and REQUEST for method and address. */
function said(fault: Fault, at: string): { code: string; what: string; next: string | undefined } {
  const what = fault.message.replace(/(PROPFIND|GET|OPTIONS) https?:\/\/\S+: /g, 'REQUEST: ').replaceAll(at, 'AT');
  return { code: fault.code, what, next: fault.next };
}

const says = (text: string) => (socket: Socket) => void socket.once('data', () => socket.end(text));

interface Story {
  readonly server: () => Promise<CarelessPort>;
  readonly tls?: boolean;
  readonly ca?: boolean;
  readonly code?: string;
  readonly what: string;
  readonly next: string;
}

const STORIES: Readonly<Record<string, Story>> = {
  'nobody listens': {
    server: refusedPort,
    what: 'nothing listens at AT: the connection was refused (ECONNREFUSED)',
    next: 'check url in the spec, and that the server runs',
  },
  'no answer to a request': {
    server: () => startPort(),
    what: 'REQUEST: AT took the request and did not answer in time',
    next: 'see whether the server is overloaded, and whether url is right; it is tried again',
  },
  'https on a port for http': {
    server: () => startPort(says('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n')),
    tls: true,
    code: 'spec',
    what: 'AT does not speak TLS (ERR_SSL_WRONG_VERSION_NUMBER)',
    next: 'the url begins with https://: name the port that speaks TLS, 443 as a rule; http:// sends the password in the clear',
  },
  'http on a port for https, which says so': {
    server: () =>
      startPort(
        says(
          'HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n<html>The plain HTTP request was sent to HTTPS port</html>',
        ),
      ),
    code: 'spec',
    what: 'REQUEST: the server answered 400: the port speaks TLS, and url begins with http://',
    next: 'write https:// in url',
  },
  'http on a port for https, which only ends it': {
    server: () => startPort(() => {}, certificates.good),
    what: 'REQUEST: AT ended the connection (UND_ERR_SOCKET)',
    next: 'if the port speaks TLS, url begins with https://; else check that the server runs, and its log; it is tried again',
  },
  'another protocol': {
    server: () => startPort((socket) => socket.write('220 mail.example ESMTP\r\n')),
    what: 'REQUEST: AT does not answer in HTTP (HPE_INVALID_CONSTANT)',
    next: 'if the port speaks TLS, url begins with https://; else check the port in url',
  },
  'a certificate of a CA that nobody knows': {
    server: () => startPort(() => {}, certificates.good),
    tls: true,
    code: 'spec',
    what: 'the certificate of AT is signed by nobody whom the worker trusts (UNABLE_TO_VERIFY_LEAF_SIGNATURE)',
    next: "if it is signed by your own CA, name that CA's PEM file on the worker with ca",
  },
  'a certificate that has expired': {
    server: () => startPort(() => {}, certificates.expired),
    tls: true,
    ca: true,
    code: 'spec',
    what: 'the certificate of AT has expired (CERT_HAS_EXPIRED)',
    next: 'renew it on the server',
  },
  'a certificate for other names': {
    server: () => startPort(() => {}, certificates.others),
    tls: true,
    ca: true,
    code: 'spec',
    what: 'the certificate of AT is for mail.example, imap.example (ERR_TLS_CERT_ALTNAME_INVALID)',
    next: 'use one of these names in url',
  },
};

describe.each(Object.keys(OPENERS))('%s: the way to the server', (name) => {
  it.each(Object.entries(STORIES))('%s', async (_, { server, tls, ca, code = 'unavailable', what, next }) => {
    const port = await server();
    ending.push(() => port.stop());
    const at = `${port.host}:${port.port}`;
    const fault = await faultOf(name, `http${tls ? 's' : ''}://${at}/dav/`, ca ? { ca: certificates.ca } : {});
    expect(said(fault, at)).toEqual({ code, what, next });
  });
});

async function answering(name: string, answer: (path: string) => Reply, account?: string) {
  const server = await startScriptedHttp(({ path }) => answer(path));
  ending.push(() => server.stop());
  const at = new URL(server.url).host;
  return said(await faultOf(name, `${server.url}/dav/`, {}, account), at);
}

const page = (status: number): Reply => ({
  status,
  headers: { 'content-type': 'text/html' },
  body: '<!DOCTYPE html><html><title>Log in</title></html>',
});

describe.each(Object.keys(OPENERS))('%s: what the server answers', (name) => {
  it('401: which login is refused, and where its secret comes from', async () => {
    const { code, what, next } = await answering(name, () => page(401), 'anna@old.example');
    expect(code).toBe('credentials');
    expect(what).toBe(
      'AT refuses the login {account} (password from file /run/secrets/{account}): REQUEST: the server answered 401',
    );
    expect(next).toBe(
      'put the right password into /run/secrets/{account} on the worker, or correct username in the spec; then run `migrate credentials`',
    );
  });
});

describe('what stands at the address', () => {
  it.each(['caldav', 'carddav'])('%s: says what each address that was tried answers', async (name) => {
    const fault = await answering(name, (path) => (path.startsWith('/dav') ? page(200) : { status: 404 }));
    expect(fault).toEqual({
      code: 'spec',
      what: `http://AT: no home of ${name} collections was found for the account (/dav/ is a web page, /.well-known/${name} answers 404, / answers 404)`,
      next: 'name the path of the home with `home`, or the whole URL with `url`',
    });
  });

  it.each(['caldav', 'carddav'])('%s: 403 is not a wrong password', async (name) => {
    const fault = await answering(name, () => ({ status: 403 }));
    expect(fault.code).toBe('spec');
    expect(fault.next).toBe(
      'the login is taken and has no rights there: give them to it, or name the path of its own home with `home`',
    );
  });

  it('webdav: a page for people', async () => {
    expect(await answering('webdav', () => page(200))).toEqual({
      code: 'unavailable',
      what: 'REQUEST: the server answered 200, with a web page instead of WebDAV',
      next: 'check url: it has to lead to WebDAV, and not to a login page or a proxy',
    });
  });

  it('webdav: 403, and no WebDAV', async () => {
    expect((await answering('webdav', () => ({ status: 403 }))).next).toMatch(/^give the account the rights/);
    expect(await answering('webdav', () => ({ status: 405 }))).toEqual({
      code: 'refused',
      what: 'REQUEST: the server answered 405',
      next: 'check url: no WebDAV is offered there',
    });
  });

  it.each([200, 404])('nextcloud: a page for people with status %i', async (status) => {
    expect(await answering('nextcloud', () => page(status))).toEqual({
      code: 'spec',
      what: 'http://AT/dav/: this is not the address of a Nextcloud',
      next: 'check url; for other WebDAV servers, ownCloud among them, use type webdav',
    });
  });
});

it('says no secret', async () => {
  const server = await startScriptedHttp(({ headers }) => ({ status: 401, body: `no ${headers.authorization}` }));
  ending.push(() => server.stop());
  for (const name of Object.keys(OPENERS)) {
    const { message, next } = await faultOf(name, server.url);
    const secret = ['hunter-2', Buffer.from('anna:hunter-2').toString('base64')];
    for (const one of secret) expect(`${message} ${next}`).not.toContain(one);
  }
});
