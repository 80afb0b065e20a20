/** What servers were seen to answer at bad moments, and what a source makes of it. */
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { all, entries, never } from '../../tests/conformance/collect.js';
import { gathered } from '../../tests/conformance/trees.js';
import type { Asked, Reply, ScriptedHttp } from '../../tests/servers/scripted-http.js';
import { multistatus, resource, startScriptedHttp } from '../../tests/servers/scripted-http.js';
import type { Access, Container, ItemRef } from '../contract.js';
import type { FileSource } from '../kinds/files.js';
import { isUnseen } from '../kinds/files.js';
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

  it.each([403, 500])('names an entry of which the server says %i, and shows the others', async (status) => {
    const said = (href: string) =>
      `<D:response><D:href>${href}</D:href><D:status>HTTP/1.1 ${status} No</D:status></D:response>`;
    const { session } = await source(listing(said('/f/d') + file('e', 5) + said('/f/g/')));
    const refs = await list(session);
    expect(refs.map(({ key }) => key)).toEqual(['d', 'e', 'g/']);
    expect(refs.map(isUnseen)).toEqual([true, false, true]);
    const reason = expect.stringContaining(String(status));
    expect(await read(session, ...refs.filter(isUnseen))).toEqual([
      { refused: 'd', reason },
      { refused: 'g/', reason },
    ]);
  });

  it('names what it does not describe', async () => {
    const { session } = await source(listing(resource('/f/d', '<D:resourcetype/>') + file('e', 5)));
    const refs = await list(session);
    expect(refs.map(isUnseen)).toEqual([true, false]);
    expect(await read(session, refs[0] as ItemRef)).toMatchObject([{ refused: 'd' }]);
  });

  it.each([
    [401, {}],
    [403, {}],
    [404, {}],
    [423, {}],
    [500, {}],
    [503, {}],
    [200, { body: '<html>Log in</html>' }],
    [207, { ...multistatus(resource('/f/d/', FOLDER) + file('d/a', 5)), cut: 'within' }],
    [207, multistatus(resource('/other/', FOLDER))],
  ] as const)('names a folder that is answered with %i, and lists its neighbours', async (status, more) => {
    const { session, server } = await source((asked) => {
      if (asked.path === '/f/d/') return { ...more, status };
      if (asked.path === '/f/e/') return multistatus(resource('/f/e/', FOLDER) + file('e/a', 5));
      return listing(resource('/f/d/', FOLDER) + resource('/f/e/', FOLDER) + file('z', 5))(asked);
    });
    const refs = await list(session);
    expect(refs.map(({ key }) => key)).toEqual(['d/', 'e/', 'e/a', 'z']);
    expect(refs.map(isUnseen)).toEqual([true, false, false, false]);
    const before = server.asked.length;
    expect(await read(session, refs[0] as ItemRef)).toMatchObject([{ refused: 'd/', reason: expect.any(String) }]);
    expect(server.asked.slice(before)).toEqual([]);
  });

  it('fails when the server fails: then it says nothing of one folder', async () => {
    let away = false;
    const { session } = await source((asked) => {
      if (asked.path === '/f/d/') away = true;
      return away ? { status: 503 } : listing(resource('/f/d/', FOLDER))(asked);
    });
    await expect(list(session)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('opens no folder that nothing is wanted of', async () => {
    const { session, server } = await source((asked) => {
      if (asked.path === '/f/d/') return { status: 500 };
      if (asked.path === '/f/e/') return multistatus(resource('/f/e/', FOLDER) + file('e/a', 5));
      return listing(resource('/f/d/', FOLDER) + resource('/f/e/', FOLDER))(asked);
    });
    const refs = await entries(session.list(root, undefined, never, (folder) => folder !== 'd/'));
    expect(refs.map(({ key }) => key)).toEqual(['d/', 'e/', 'e/a']);
    expect(refs.some(isUnseen)).toBe(false);
    expect(server.asked.some(({ path }) => path === '/f/d/')).toBe(false);
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
    expect(await read(cut.session, ref('a.txt'))).toMatchObject([{ refused: 'a.txt', again: true }]);
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

  it.each([
    ['500', { status: 500 }],
    ['423', { status: 423 }],
    ['503', { status: 503 }],
    ['401, as for a folder with a login of its own', { status: 401 }],
    ['404, though it is listed', { status: 404 }],
    ['a reset', { status: 200, cut: 'before' as const }],
    ['half of it', { status: 200, headers: { etag: '"1"' }, body: '0123456789', cut: 'within' as const }],
    ['chunks that end too early', { status: 200, headers: { etag: '"1"' }, body: '01234', chunked: true }],
    [
      'chunks that break off',
      { status: 200, headers: { etag: '"1"' }, body: '0123456789', chunked: true, cut: 'within' as const },
    ],
    ['more than is listed', { status: 200, headers: { etag: '"1"' }, body: '0123456789+' }],
    ['less than is listed', { status: 200, headers: { etag: '"1"' }, body: '01234' }],
    ['more than is listed, in chunks', { status: 200, headers: { etag: '"1"' }, body: '0123456789+', chunked: true }],
    ['an unknown coding', { status: 200, headers: { etag: '"1"', 'content-encoding': 'zstd' }, body: '01234' }],
    ['what is not in its coding', { status: 200, headers: { etag: '"1"', 'content-encoding': 'gzip' }, body: '01234' }],
  ] satisfies [string, Reply][])(
    'leaves one file for later that is answered with %s, and reads the next',
    async (_what, reply) => {
      const { session } = await source(
        getting(({ path }) =>
          path === '/f/a.txt' ? reply : { status: 200, headers: { etag: '"1"' }, body: '9876543210' },
        ),
      );
      const answers = await read(session, ref('a.txt'), ref('b.txt'));
      expect(answers).toMatchObject([
        { refused: 'a.txt', again: true, reason: expect.stringMatching(/./) },
        { key: 'b.txt', body: { bytes: Buffer.from('9876543210') } },
      ]);
    },
  );

  it('asks for the content as it is, and decodes what is compressed all the same', async () => {
    const content = Buffer.from('0123456789');
    for (const [coding, body] of [
      ['gzip', gzipSync(content)],
      ['x-gzip', gzipSync(content)],
      ['deflate', deflateSync(content)],
      ['br', brotliCompressSync(content)],
    ] as const) {
      const headers = { etag: '"1"', 'content-encoding': coding };
      const { session, server } = await source(getting(() => ({ status: 200, headers, body, chunked: true })));
      expect(await read(session, ref('a.txt'))).toMatchObject([{ body: { bytes: content } }]);
      expect(await open(session, 3, 4)).toBe('3456');
      expect(await open(session, 3, 7)).toBe('3456789');
      const gets = server.asked.filter(({ method }) => method === 'GET');
      expect(gets.map(({ headers }) => headers['accept-encoding'])).toEqual(['identity', 'identity', 'identity']);
    }
  });

  it('leaves a file as it is that is compressed by itself: Apache names its coding', async () => {
    const body = gzipSync('a whole archive');
    const etag = '"1"';
    const archive = ref('a.txt', body.length);
    const { session } = await source(({ method, path, headers }) => {
      if (method !== 'GET') return path === '/f/a.txt' ? multistatus(file('a.txt', body.length)) : undefined;
      const coding = { etag, 'content-encoding': 'x-gzip' };
      if (headers.range === undefined) return { status: 200, headers: coding, body };
      const range = { ...coding, 'content-range': `bytes 2-5/${body.length}` };
      return { status: 206, headers: range, body: body.subarray(2, 6) };
    });
    expect(await read(session, archive)).toMatchObject([{ body: { bytes: body } }]);
    expect(await gathered(session.open(root, archive, { from: 2, bytes: 4 }, never))).toEqual(body.subarray(2, 6));
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
    [502, {}, { code: 'unavailable' }],
    [429, { 'retry-after': '7' }, { code: 'throttled', retryAfterMs: 7_000 }],
    [503, { 'retry-after': '2' }, { code: 'throttled', retryAfterMs: 2_000 }],
  ])('ends with %i in the middle, when it is not one file that is answered so', async (status, headers, fault) => {
    const { session } = await source(({ method, path }) => {
      if (path === '/f/b.txt') return { status, headers };
      return method === 'GET' ? { status: 200, body: 'fine' } : undefined;
    });
    const reading = session.read(root, [ref('a.txt', 4), ref('b.txt')], never)[Symbol.asyncIterator]();
    expect(await reading.next()).toMatchObject({ value: { key: 'a.txt' } });
    await expect(reading.next()).rejects.toMatchObject(fault);
    await expect(open(session, 0, 5, ref('b.txt'))).rejects.toMatchObject(fault);
  });

  it('follows a redirect within the server, with its query', async () => {
    const { session, server } = await source(
      getting(({ path }) => {
        if (path === '/f/a.txt') return { status: 307, headers: { location: '/store/1?sign=a%2Fb&x=%20' } };
        return { status: 200, body: 'content' };
      }),
    );
    expect(await read(session, ref('a.txt', 7))).toMatchObject([{ body: { bytes: Buffer.from('content') } }]);
    expect(server.asked.at(-1)).toMatchObject({ path: '/store/1?sign=a%2Fb&x=%20' });
    expect(server.asked.at(-1)?.headers.authorization).toMatch(/^Basic /);
  });

  it.each([301, 302, 303, 307, 308])('follows %i to another server without the login', async (status) => {
    const other = await start(({ path, headers }) => {
      if (path === '/one?sign=1') return { status: 302, headers: { location: '/two' } };
      const body = headers.range === 'bytes=2-3' ? '23' : '0123456789';
      const part = { 'content-range': 'bytes 2-3/10' };
      return {
        status: body.length === 2 ? 206 : 200,
        headers: { etag: '"theirs"', ...(body.length === 2 && part) },
        body,
      };
    });
    const { session } = await source(getting(() => ({ status, headers: { location: `${other.url}/one?sign=1` } })));
    expect(await read(session, ref('a.txt'))).toMatchObject([{ body: { bytes: Buffer.from('0123456789') } }]);
    expect(await open(session, 2, 2)).toBe('23');
    expect(other.asked.map(({ path }) => path)).toEqual(['/one?sign=1', '/two', '/one?sign=1', '/two']);
    expect(other.asked.some(({ headers }) => headers.authorization || headers.cookie)).toBe(false);
  });

  it.each([
    ['403', { status: 403 }],
    ['401', { status: 401, headers: { 'www-authenticate': 'Digest realm="a", nonce="b"' } }],
    ['404', { status: 404 }],
    ['429', { status: 429, headers: { 'retry-after': '100' } }],
    ['500', { status: 500 }],
    ['a page of its own', { status: 200, body: '<html>Log in' }],
    ['a circle', { status: 302, headers: { location: '/again' } }],
    ['a way to nowhere', { status: 302, headers: { location: 'ftp://other/x' } }],
    ['a way without an end', { status: 302, headers: { location: 'http://[' } }],
  ] satisfies [string, Reply][])('refuses one file that another server answers with %s', async (_what, reply) => {
    const other = await start(() => reply);
    const { session } = await source(
      getting(({ path }) => {
        if (path === '/f/a.txt') return { status: 302, headers: { location: `${other.url}/one` } };
        return { status: 200, body: 'fine' };
      }),
    );
    const answers = await read(session, ref('a.txt'), ref('b.txt', 4));
    expect(answers).toMatchObject([{ refused: 'a.txt' }, { key: 'b.txt' }]);
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
    ['another size', { ...part(3, 6), headers: { etag: '"1"', 'content-range': 'bytes 3-6/11' } }],
  ])('tells that the source changed: %s', async (_what, reply) => {
    const { session } = await source(({ method, path }) => {
      if (method === 'GET') return reply;
      return path === '/f/a.txt' ? multistatus(file('a.txt', 11, '"2"')) : undefined;
    });
    await expect(open(session, 3, 4)).rejects.toMatchObject({ code: 'source-changed' });
  });

  it.each([
    ['206 with its right size', { ...part(3, 6), headers: { etag: '"1"', 'content-range': 'bytes 3-6/13' } }],
    ['200', { status: 200, headers: { etag: '"1"' }, body: `${CONTENT}+++` }],
    ['200 without a version', { status: 200, body: `${CONTENT}+++` }],
    ['200 in chunks', { status: 200, headers: { etag: '"1"' }, body: `${CONTENT}+++`, chunked: true }],
  ] satisfies [string, Reply][])('is not had where more is sent than is listed: %s', async (_what, reply) => {
    const { session } = await source(getting(() => reply));
    await expect(open(session, 6, 4)).rejects.toMatchObject({ code: expect.stringMatching(/refused|unavailable/) });
  });

  it.each([
    [401, 'unavailable'],
    [403, 'refused'],
    [404, 'unavailable'],
    [416, 'unavailable'],
    [423, 'unavailable'],
    [500, 'unavailable'],
  ])('of a file that is listed, and answered with %i, is %s', async (status, code) => {
    const { session } = await source(getting(() => ({ status })));
    await expect(open(session, 3, 4)).rejects.toMatchObject({ code });
  });

  it('tells so when the change came while it was read', async () => {
    const { session } = await source((asked) => {
      if (asked.method === 'GET') return part(3, 6);
      return asked.path === '/f/a.txt' ? multistatus(file('a.txt', 10, '"2"')) : undefined;
    });
    await expect(open(session, 3, 4)).rejects.toMatchObject({ code: 'source-changed' });
  });
});
