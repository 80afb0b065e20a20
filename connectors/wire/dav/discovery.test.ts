/** Finding an account, and where its credentials go, on a server that answers as told. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Asked, Reply, ScriptedHttp } from '../../../tests/servers/scripted-http.js';
import { multistatus, resource, startScriptedHttp } from '../../../tests/servers/scripted-http.js';
import { connector as caldav } from '../../caldav/index.js';
import { connector as carddav } from '../../carddav/index.js';
import type { Access, Source } from '../../contract.js';
import type { DavOptions } from './options.js';

const never = new AbortController().signal;
const servers: ScriptedHttp[] = [];
const sessions: { close(): void }[] = [];

afterEach(async () => {
  for (const session of sessions.splice(0)) session.close();
  for (const server of servers.splice(0)) await server.stop();
});

async function serve(answer: (asked: Asked) => Reply | undefined): Promise<ScriptedHttp> {
  const server = await startScriptedHttp(answer);
  servers.push(server);
  return server;
}

type Options = Partial<DavOptions> & Pick<DavOptions, 'url'>;

function open(options: Options, connector = caldav): Source<Buffer> {
  const access: Access = { account: 'anna', kind: 'calendar', secret: async () => 'ex-secret' };
  const auth = { username: 'anna', password: { env: 'X' } };
  const session = connector.source({ auth, ...options }, access);
  sessions.push(session);
  return session;
}

const place = async (options: Options, connector = caldav): Promise<string> =>
  (await open(options, connector).place(never)).proof;

const notFound: Reply = { status: 404 };
const moved = (location: string): Reply => ({ status: 301, headers: { location } });
const principal = (href: string): string =>
  `<D:current-user-principal><D:href>${href}</D:href></D:current-user-principal>`;
const home = (href: string): string => `<C:calendar-home-set><D:href>${href}</D:href></C:calendar-home-set>`;
const plain = '<D:resourcetype><D:collection/></D:resourcetype>';
const calendar = '<D:resourcetype><D:collection/><C:calendar/></D:resourcetype>';

/** Answers PROPFINDs by path; everything else is not there. */
const tree =
  (replies: Readonly<Record<string, string | Reply>>) =>
  ({ path }: Asked): Reply => {
    const reply = replies[path];
    if (reply === undefined) return notFound;
    return typeof reply === 'string' ? multistatus(resource(path, reply)) : reply;
  };

describe('discovery', () => {
  it('goes from the well-known address over a redirect and the principal to the home', async () => {
    const server = await serve(
      tree({
        '/.well-known/caldav': moved('/dav/'),
        '/dav/': plain + principal('/dav/people/anna/'),
        '/dav/people/anna/': home('/dav/calendars/anna%40x'),
      }),
    );
    expect(await place({ url: server.url })).toBe(`caldav:${server.url}/dav/calendars/anna@x/`);
    expect(server.asked.every(({ method }) => method === 'PROPFIND')).toBe(true);
    expect(server.asked[0]?.headers.depth).toBe('0');
  });

  it.each([
    ['the server', '/'],
    ['a server that keeps its root elsewhere', '/dav/'],
    ['the principal', '/dav/people/anna/'],
    ['the home', '/dav/calendars/anna/'],
    ['one collection', '/dav/calendars/anna/work/'],
  ])('finds the same place from the URL of %s', async (_, path) => {
    const person = principal('/dav/people/anna/');
    const server = await serve(
      tree({
        '/': plain + person,
        '/dav/': plain + person,
        '/dav/people/anna/': plain + person + home('/dav/calendars/anna/'),
        '/dav/calendars/anna/': plain + person,
        '/dav/calendars/anna/work/': calendar + person,
      }),
    );
    expect(await place({ url: server.url + path })).toBe(`caldav:${server.url}/dav/calendars/anna/`);
  });

  it('takes hrefs that are whole URLs of the same server', async () => {
    const server: ScriptedHttp = await serve(({ path }) =>
      path === '/' ? multistatus(resource('/', plain + home(`${server.url}/cal%20s/`))) : notFound,
    );
    expect(await place({ url: server.url })).toBe(`caldav:${server.url}/cal s/`);
  });

  it('names the other server where the account is kept, and does not log in there', async () => {
    const other = await serve(() => multistatus(''));
    const server = await serve(tree({ '/': plain + home(`${other.url}/1234/calendars/`) }));
    await expect(place({ url: server.url })).rejects.toMatchObject({
      code: 'spec',
      next: expect.stringContaining(other.url),
    });
    expect(other.asked).toEqual([]);
  });

  it('asks for the address books of a CardDAV account', async () => {
    const server = await serve(
      tree({
        '/.well-known/carddav': plain + principal('/me/'),
        '/me/': '<CR:addressbook-home-set><D:href>/books/</D:href></CR:addressbook-home-set>',
      }),
    );
    expect(await place({ url: server.url }, carddav)).toBe(`carddav:${server.url}/books/`);
  });

  it('takes the home that the spec names', async () => {
    const server = await serve(tree({ '/x/anna%20b/': plain }));
    expect(await place({ url: server.url, home: '/x/anna b' })).toBe(`caldav:${server.url}/x/anna b/`);
    expect(server.asked.map(({ path }) => path)).toEqual(['/x/anna%20b/']);
  });

  it('says what to do when there is no account', async () => {
    const server = await serve(() => notFound);
    await expect(place({ url: server.url })).rejects.toMatchObject({
      code: 'spec',
      next: expect.stringContaining('home'),
    });
  });

  it('says that the login is refused', async () => {
    const server = await serve(() => ({ status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }));
    await expect(place({ url: server.url })).rejects.toMatchObject({ code: 'credentials' });
  });

  it('does not take a server in trouble for one without an account', async () => {
    const server = await serve(() => ({ status: 502, body: '<html>' }));
    await expect(place({ url: server.url })).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('does not take a page of HTML for an account', async () => {
    const server = await serve(() => ({ status: 207, body: '<html><body>Log in' }));
    await expect(place({ url: server.url })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('html'),
    });
  });
});

describe('credentials', () => {
  it('go as Basic with any letters, or as Bearer', async () => {
    const server = await serve(tree({ '/h/': plain }));
    await place({ url: server.url, home: '/h/', auth: { username: 'änna', password: { env: 'X' } } });
    await place({ url: server.url, home: '/h/', auth: { accessToken: { env: 'X' } } });
    expect(server.asked.map(({ headers }) => headers.authorization)).toEqual([
      `Basic ${Buffer.from('änna:ex-secret').toString('base64')}`,
      'Bearer ex-secret',
    ]);
  });

  it('never follow a redirect to another server', async () => {
    const other = await serve(() => multistatus(''));
    const server = await serve(() => moved(`${other.url}/dav/`));
    await expect(place({ url: server.url })).rejects.toMatchObject({
      code: 'spec',
      message: expect.stringContaining(other.url),
    });
    expect(other.asked).toEqual([]);
  });

  it('do not go in circles', async () => {
    const server = await serve(({ path }) => moved(`${path}x/`));
    await expect(place({ url: server.url })).rejects.toMatchObject({ code: expect.stringMatching(/spec|unavailable/) });
    expect(server.asked.length).toBeLessThan(30);
  });

  it('are looked up anew after a refusal', async () => {
    const server = await serve(({ headers, path }) =>
      headers.authorization === 'Bearer second' ? tree({ '/h/': plain })({ path } as Asked) : { status: 401 },
    );
    const tokens = ['first', 'second'];
    const access: Access = { account: 'anna', kind: 'calendar', secret: async () => tokens.shift() as string };
    const session = caldav.source({ url: server.url, home: '/h/', auth: { accessToken: { env: 'X' } } }, access);
    sessions.push(session);
    await expect(session?.place(never)).rejects.toMatchObject({ code: 'credentials' });
    await session?.place(never);
    expect(tokens).toEqual([]);
  });

  it('stay out of what is said of a refusal', async () => {
    const server = await serve(() => ({ status: 401, body: 'not ex-secret please' }));
    const failed = (await place({ url: server.url }).catch((error: unknown) => error)) as Error;
    expect(failed.message).not.toContain('ex-secret');
  });
});

describe('connections', () => {
  it('that nobody answers are given up on request', async () => {
    const server = await serve(() => undefined);
    const ending = new AbortController();
    const waiting = open({ url: server.url }).place(ending.signal);
    while (server.asked.length === 0) await new Promise((go) => setImmediate(go));
    ending.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow();
  });

  it('end while a call waits, when the session is closed', async () => {
    const server = await serve(() => undefined);
    const session = open({ url: server.url });
    const waiting = session.place(never);
    while (server.asked.length === 0) await new Promise((go) => setImmediate(go));
    session.close();
    session.close();
    await expect(waiting).rejects.toMatchObject({ code: 'unavailable' });
    await expect(session.place(never)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('that break, or are not there, are unavailable', async () => {
    const torn = await serve(({ path }) => ({ ...tree({ [path]: plain })({ path } as Asked), cut: 'within' }));
    await expect(place({ url: torn.url, home: '/h/' })).rejects.toMatchObject({ code: 'unavailable' });
    await torn.stop();
    await expect(place({ url: torn.url, home: '/h/' })).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('that stay silent count as lost after the time the spec says', async () => {
    const server = await serve(() => undefined);
    await expect(place({ url: server.url, timeouts: { replyMs: 100 } })).rejects.toMatchObject({ code: 'unavailable' });
  });
});
