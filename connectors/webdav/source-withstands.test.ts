/** What servers were seen to answer at bad moments, and what a source makes of it. */
import { afterEach, describe, expect, it } from 'vitest';
import { all, entries, never } from '../../tests/conformance/collect.js';
import { gathered } from '../../tests/conformance/trees.js';
import type { Asked, Reply, ScriptedHttp } from '../../tests/servers/scripted-http.js';
import { multistatus, resource, startScriptedHttp } from '../../tests/servers/scripted-http.js';
import type { Access, Container, ItemRef } from '../contract.js';
import type { FileSource } from '../files.js';
import { connector } from './index.js';

const ending: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

type Answer = (asked: Asked) => Reply | undefined;

const FOLDER = '<D:resourcetype><D:collection/></D:resourcetype>';
const file = (name: string, bytes: number, etag = '"1"'): string =>
  resource(
    `/f/${name}`,
    `<D:resourcetype/><D:getcontentlength>${bytes}</D:getcontentlength><D:getetag>${etag}</D:getetag>`,
  );

async function start(answer: Answer): Promise<ScriptedHttp> {
  const server = await startScriptedHttp(answer);
  ending.push(() => server.stop());
  return server;
}

/** A server with the folder `/f/`; `special` goes first, and passes on what it answers with undefined. */
async function source(special: Answer): Promise<{ session: FileSource; server: ScriptedHttp }> {
  const server = await start((asked) => {
    const reply = special(asked);
    if (reply) return reply;
    const { method, path, headers } = asked;
    if (method !== 'PROPFIND') return { status: 404 };
    if (path !== '/f/') return headers.depth === '0' ? multistatus(file(path.slice(3), 10)) : { status: 404 };
    return multistatus(resource('/f/', FOLDER) + (headers.depth === '1' ? file('a.txt', 10) : ''));
  });
  const access: Access = { account: 'anna', kind: 'files', secret: async () => 's3cret' };
  const options = { url: `${server.url}/f`, auth: { username: 'anna', password: { env: 'X' } } };
  const session = connector.source(options, access);
  ending.push(() => session.close());
  return { session, server };
}

const root: Container = { key: '/', path: [], validity: '1' };
const ref = (key: string, bytes = 10, version = '1'): ItemRef => ({
  key,
  version,
  bytes,
  rank: 0,
  meta: { type: key.endsWith('/') ? 'folder' : 'file' },
});

const list = (session: FileSource) => entries(session.list(root, undefined, never));
const read = (session: FileSource, ...refs: ItemRef[]) => all(session.read(root, refs, never));
const open = async (session: FileSource, from: number, bytes: number, of = ref('a.txt')) =>
  (await gathered(session.open(root, of, { from, bytes }, never))).toString();

const listing =
  (inner: string): Answer =>
  ({ method, path, headers }) =>
    method === 'PROPFIND' && path === '/f/' && headers.depth === '1'
      ? multistatus(resource('/f/', FOLDER) + inner)
      : undefined;

const getting =
  (reply: (asked: Asked) => Reply | undefined): Answer =>
  (asked) =>
    asked.method === 'GET' ? reply(asked) : undefined;

describe('a listing', () => {
  it('shows names that lead out, and asks for none of them', async () => {
    const evil = ['..', '%2e%2e', '%2e%2e/', '..%2f..%2fetc%2fpasswd', 'a%00b', '%2e'];
    const outside = resource('/f/../../etc/passwd', '') + resource('/etc/passwd', '') + resource('//other/x', '');
    const { session, server } = await source(
      listing(evil.map((name) => file(name, 5)).join('') + outside + file('good', 5)),
    );
    const refs = await list(session);
    expect(refs.filter(({ key }) => key.split('/').some((name) => name === '..' || name === '.'))).toEqual([]);
    expect(refs.map(({ key }) => key)).toContain('good');
    const unsafe = refs.filter(({ key }) => key !== 'good');
    expect(unsafe.length).toBeGreaterThan(3);
    const before = server.asked.length;
    for (const one of await read(session, ...unsafe)) expect(one).toHaveProperty('refused');
    for (const one of unsafe) await expect(open(session, 0, 5, one)).rejects.toMatchObject({ code: 'refused' });
    expect(server.asked.slice(before)).toEqual([]);
  });

  it('shows once what is told twice', async () => {
    const { session } = await source(listing(file('a', 5) + file('%61', 5)));
    expect((await list(session)).map(({ key }) => key)).toEqual(['a']);
  });

  it('leaves out a folder that goes away meanwhile, and nothing else', async () => {
    let folder = resource('/f/d/', FOLDER);
    const { session } = await source((asked) => {
      const answer = listing(folder + file('e', 5))(asked);
      if (answer) folder = '';
      return answer;
    });
    expect((await list(session)).map(({ key }) => key)).toEqual(['d/', 'e']);
  });

  it('does not take a folder for empty that is listed, and not found', async () => {
    const { session } = await source(listing(resource('/f/d/', FOLDER) + file('e', 5)));
    await expect(list(session)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it.each([403, 500])('does not take an entry for gone of which the server says %i', async (status) => {
    const said = `<D:response><D:href>/f/d</D:href><D:status>HTTP/1.1 ${status} No</D:status></D:response>`;
    const { session } = await source(listing(said + file('e', 5)));
    await expect(list(session)).rejects.toThrow(String(status));
  });

  it('fails when a folder may not be read: what is in it must not pass for deleted', async () => {
    const { session } = await source((asked) =>
      asked.path === '/f/d/' ? { status: 403 } : listing(resource('/f/d/', FOLDER))(asked),
    );
    await expect(list(session)).rejects.toMatchObject({ code: 'refused' });
  });

  it.each([
    ['a page of HTML', { status: 200, body: '<html>Log in</html>' }],
    ['a page of HTML as 207', { status: 207, body: '<html>Log in</html>' }],
    ['one that breaks off', { ...multistatus(resource('/f/', FOLDER) + file('a', 5)), cut: 'within' as const }],
    ['one of another folder', multistatus(resource('/g/', FOLDER) + resource('/g/a', ''))],
    ['an empty one', multistatus('')],
  ])('is none: %s', async (_what, reply) => {
    const { session } = await source(({ headers }) => (headers.depth === '1' ? reply : undefined));
    await expect(list(session)).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('the root', () => {
  it.each([
    [404, 'not-found'],
    [401, 'credentials'],
    [403, 'refused'],
    [503, 'unavailable'],
  ])('answered with %i is %s', async (status, code) => {
    const { session } = await source(() => ({ status }));
    await expect(all(session.containers(never))).rejects.toMatchObject({ code });
  });

  it('is no file', async () => {
    const { session } = await source(({ path }) =>
      path === '/f/' ? { status: 400 } : multistatus(resource('/f', '<D:resourcetype/>')),
    );
    await expect(all(session.containers(never))).rejects.toMatchObject({ code: 'not-found' });
  });

  it('never sends the login to where it is redirected', async () => {
    const other = await start(() => ({ status: 200 }));
    const { session } = await source(() => ({ status: 302, headers: { location: `${other.url}/f/` } }));
    await expect(session.place(never)).rejects.toMatchObject({ code: 'spec' });
    expect(other.asked).toEqual([]);
  });
});

describe('reading', () => {
  it('is not content with less than was listed, or announced', async () => {
    const short = await source(getting(() => ({ status: 200, headers: { etag: '"1"' }, body: 'five!' })));
    expect(await read(short.session, ref('a.txt'))).toMatchObject([{ refused: 'a.txt' }]);
    const cut = await source(
      getting(() => ({ status: 200, headers: { etag: '"1"' }, body: '0123456789', cut: 'within' })),
    );
    await expect(read(cut.session, ref('a.txt'))).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('takes the version that is there now, with its date', async () => {
    const headers = { etag: '"2"', 'last-modified': 'Mon, 04 Mar 2019 05:06:07 GMT' };
    const { session } = await source(({ method, path }) => {
      if (method === 'GET') return { status: 200, headers, body: 'edited' };
      return path === '/f/a.txt' ? multistatus(file('a.txt', 6, '"2"')) : undefined;
    });
    const [answer] = await read(session, ref('a.txt'));
    expect(answer).toMatchObject({ body: { bytes: Buffer.from('edited'), modified: '2019-03-04T05:06:07.000Z' } });
  });

  it('takes no page that comes with 200 for the file', async () => {
    const { session } = await source(getting(() => ({ status: 200, body: '<html>Log in' })));
    expect(await read(session, ref('a.txt'))).toMatchObject([{ refused: 'a.txt' }]);
    await expect(open(session, 3, 4)).rejects.toMatchObject({ code: 'refused' });
  });

  it('holds nothing that has grown to a large file', async () => {
    const { session } = await source(
      getting(() => ({ status: 200, headers: { etag: '"2"' }, body: Buffer.alloc(3 * 1024 * 1024) })),
    );
    expect(await read(session, ref('a.txt'))).toMatchObject([{ refused: 'a.txt' }]);
  });

  it.each([404, 410, 403, 400])('refuses one file that is answered with %i, and reads the next', async (status) => {
    const { session } = await source(
      getting(({ path }) => (path === '/f/a.txt' ? { status } : { status: 200, body: 'fine' })),
    );
    const answers = await read(session, ref('a.txt'), ref('b.txt', 4));
    expect(answers).toMatchObject([{ refused: 'a.txt' }, { key: 'b.txt' }]);
  });

  it.each([
    [401, {}, { code: 'credentials' }],
    [423, {}, { code: 'unavailable' }],
    [502, {}, { code: 'unavailable' }],
    [429, { 'retry-after': '7' }, { code: 'throttled', retryAfterMs: 7_000 }],
    [503, { 'retry-after': '2' }, { code: 'throttled', retryAfterMs: 2_000 }],
  ])('ends with %i in the middle', async (status, headers, fault) => {
    const { session } = await source(
      getting(({ path }) => (path === '/f/b.txt' ? { status, headers } : { status: 200, body: 'fine' })),
    );
    const reading = session.read(root, [ref('a.txt', 4), ref('b.txt')], never)[Symbol.asyncIterator]();
    expect(await reading.next()).toMatchObject({ value: { key: 'a.txt' } });
    await expect(reading.next()).rejects.toMatchObject(fault);
    await expect(open(session, 0, 5, ref('b.txt'))).rejects.toMatchObject(fault);
  });

  it('follows a redirect within the server with the login, and to another without', async () => {
    const other = await start(() => ({ status: 200, body: 'theirs' }));
    const { session } = await source(
      getting(({ path }) => {
        if (path === '/f/a.txt') return { status: 307, headers: { location: '/store/1' } };
        if (path === '/f/b.txt') return { status: 307, headers: { location: `${other.url}/store/1` } };
        return { status: 200, body: 'content' };
      }),
    );
    expect(await read(session, ref('a.txt', 7))).toMatchObject([{ body: { bytes: Buffer.from('content') } }]);
    // Of another size than listed: whatever that server gave is not taken for the file.
    expect(await read(session, ref('b.txt', 7))).toMatchObject([{ refused: 'b.txt' }]);
    expect(other.asked.map(({ headers }) => headers.authorization)).toContain(undefined);
    expect(other.asked.every(({ headers }) => headers.authorization === undefined)).toBe(true);
  });
});

describe('a range', () => {
  const CONTENT = '0123456789';
  const part = (from: number, to: number, etag = '"1"'): Reply => ({
    status: 206,
    headers: { etag, 'content-range': `bytes ${from}-${to}/10` },
    body: CONTENT.slice(from, to + 1),
  });

  it('is asked for by its bytes', async () => {
    const { session, server } = await source(getting(() => part(3, 6)));
    expect(await open(session, 3, 4)).toBe('3456');
    expect(server.asked.find(({ method }) => method === 'GET')?.headers.range).toBe('bytes=3-6');
  });

  it('is cut out of the whole where the server ignores it', async () => {
    const { session } = await source(getting(() => ({ status: 200, headers: { etag: '"1"' }, body: CONTENT })));
    expect([await open(session, 0, 10), await open(session, 3, 4), await open(session, 9, 1)]).toEqual([
      CONTENT,
      '3456',
      '9',
    ]);
  });

  it.each([
    ['another range', part(0, 3)],
    ['less of it', { ...part(3, 6), body: '345' }],
    ['more of it', { ...part(3, 6), body: '34567' }],
    ['one that breaks off', { ...part(3, 6), cut: 'within' as const }],
    ['the whole, cut short', { status: 200, headers: { etag: '"1"' }, body: '01234' }],
  ])('is not had from an answer with %s', async (_what, reply) => {
    const { session } = await source(getting(() => reply));
    await expect(open(session, 3, 4)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it.each([
    ['another version', part(3, 6, '"2"')],
    ['412', { status: 412 }],
    ['416', { status: 416 }],
  ])('tells that the source changed: %s', async (_what, reply) => {
    const { session } = await source(getting(() => reply));
    await expect(open(session, 3, 4)).rejects.toMatchObject({ code: 'source-changed' });
  });

  it('tells so when the change came while it was read', async () => {
    const { session } = await source((asked) => {
      if (asked.method === 'GET') return part(3, 6);
      return asked.path === '/f/a.txt' ? multistatus(file('a.txt', 10, '"2"')) : undefined;
    });
    await expect(open(session, 3, 4)).rejects.toMatchObject({ code: 'source-changed' });
  });
});
