/** Servers that ignore conditions, leave items out, cut listings off, close connections, or send on to other servers. */

import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { event } from '../../../tests/conformance/odd-events.js';
import type { Asked, Reply, ScriptedHttp } from '../../../tests/servers/scripted-http.js';
import { multistatus, resource, startScriptedHttp } from '../../../tests/servers/scripted-http.js';
import { connector } from '../../caldav/index.js';
import type {
  Access,
  Container,
  ItemRef,
  Source,
  Target,
  TargetContainer,
  Write,
  WriteAnswer,
} from '../../contract.js';
import { kinds } from '../../kinds/kinds.js';

const never = new AbortController().signal;
const ending: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

const COLLECTION = '<D:resourcetype><D:collection/><C:calendar/></D:resourcetype><D:displayname>Work</D:displayname>';
const calendar: Container = { key: '/h/work/', path: ['Work'], validity: '1' };
const work: TargetContainer = { key: '/h/work/', path: ['Work'], validity: '1', created: false, items: 0 };
const access: Access = { account: 'anna', kind: 'calendar', secret: async () => 'secret' };

/** One calendar with these items; `special` answers first. */
async function serve(
  held: Map<string, { etag: string; body: string }>,
  special: (asked: Asked) => Reply | undefined = () => undefined,
): Promise<ScriptedHttp> {
  const described = (path: string): string =>
    resource(path, `<D:getetag>"${held.get(path)?.etag}"</D:getetag><D:resourcetype/>`);
  let written = 0;
  const server = await startScriptedHttp((asked) => {
    const { method, path, headers, body } = asked;
    const reply = special(asked);
    if (reply) return reply;
    const item = held.get(path);
    const matches = headers['if-match'] === undefined || headers['if-match'] === `"${item?.etag}"`;
    switch (method) {
      case 'OPTIONS':
        return { status: 200, headers: { dav: '1' } };
      case 'PROPFIND':
        if (item) return multistatus(described(path));
        if (path !== '/h/work/' && path !== '/h/') return { status: 404 };
        return multistatus(
          resource('/h/work/', COLLECTION) + (headers.depth === '1' ? [...held.keys()].map(described).join('') : ''),
        );
      case 'GET':
        return item ? { status: 200, headers: { etag: `"${item.etag}"` }, body: item.body } : { status: 404 };
      case 'PUT':
        if (!matches || (item && headers['if-none-match'])) return { status: 412 };
        held.set(path, { etag: `w${++written}`, body });
        return { status: 204, headers: { etag: `"w${written}"` } };
      case 'DELETE':
        if (!matches) return { status: 412 };
        return { status: held.delete(path) ? 204 : 404 };
      default:
        return { status: 501 };
    }
  });
  ending.push(() => server.stop());
  return server;
}

const options = (url: string) => ({ url, home: '/h/', auth: { username: 'anna', password: { env: 'X' } } });

function source({ url }: { readonly url: string }): Source<Buffer> {
  const session = connector.source(options(url), access);
  ending.push(() => session.close());
  return session;
}

function target({ url }: ScriptedHttp): Target<Buffer> {
  const session = connector.target(options(url), access);
  ending.push(() => session.close());
  return session;
}

const items = (...names: string[]): Map<string, { etag: string; body: string }> =>
  new Map(names.map((name, n) => [`/h/work/${name}`, { etag: 'v1', body: event(n).toString() }]));
const ref = (key: string): ItemRef => ({ key, version: 'v1', bytes: 1, rank: 0, meta: {} });

async function drained<T>(from: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of from) all.push(one);
  return all;
}

const said = (answers: readonly WriteAnswer[]): string[] =>
  answers.map((one) => ('token' in one ? 'done' : 'conflicted' in one ? 'conflicted' : one.reason));

describe('a server that ignores If-Match', () => {
  const remove = (name: string): Write<Buffer> => ({ op: 'remove', token: name, ref: name, version: 'v1' });
  const update = (name: string): Write<Buffer> => {
    const body = event(9);
    const digest = kinds.calendar.digest(body);
    return { op: 'update', token: name, ref: name, version: 'v1', body, bytes: body.length, meta: {}, digest };
  };

  it.each(['DELETE', 'PUT'])('of %s does not get what somebody edited', async (ignoring) => {
    const held = items('a.ics', 'b.ics', 'c.ics', 'edited.ics');
    held.set('/h/work/edited.ics', { etag: 'v2', body: 'by hand' });
    const server = await serve(held, ({ method, headers }) => {
      if (method === ignoring) delete headers['if-match'];
      return undefined;
    });
    const session = target(server);
    const change = ignoring === 'DELETE' ? remove : update;

    const answers = await drained(session.write(work, ['a.ics', 'edited.ics', 'b.ics', 'gone.ics'].map(change), never));

    expect(said(answers).slice(0, 3)).toEqual(['done', 'conflicted', 'done']);
    expect(said(answers)[3]).toBe(ignoring === 'DELETE' ? 'done' : 'conflicted');
    expect(held.get('/h/work/edited.ics')?.body).toBe('by hand');
    const told = (await session.describe(never)).find(({ name }) => name === `If-Match of ${ignoring}`);
    expect(told?.value).toContain('ignored');
  });

  it('is told from one that honours it, which is then not asked twice', async () => {
    const held = items('a.ics', 'b.ics', 'edited.ics');
    held.set('/h/work/edited.ics', { etag: 'v2', body: 'by hand' });
    const server = await serve(held);
    const session = target(server);

    const answers = await drained(session.write(work, ['a.ics', 'edited.ics', 'b.ics'].map(remove), never));

    expect(said(answers)).toEqual(['done', 'conflicted', 'done']);
    expect([...held.keys()]).toEqual(['/h/work/edited.ics']);
    expect(server.asked.filter(({ method }) => method === 'PROPFIND').map(({ path }) => path)).toEqual([
      '/h/',
      '/h/work/a.ics',
    ]);
    const told = (await session.describe(never)).find(({ name }) => name === 'If-Match of DELETE');
    expect(told?.value).toBe('honoured');
  });
});

describe('a listing', () => {
  const keys = async (session: Source<Buffer>): Promise<string[]> =>
    (await drained(session.list(calendar, undefined, never))).flatMap(({ entries }) => entries.map(({ key }) => key));
  const CUT =
    '<D:response><D:href>/h/work/</D:href><D:status>HTTP/1.1 507 Insufficient Storage</D:status><D:error><D:number-of-matches-within-limits/></D:error></D:response>';

  it('names what the server names and does not describe, and reading says why it cannot be had', async () => {
    const undescribed =
      '<D:response><D:href>/h/work/broken.ics</D:href><D:status>HTTP/1.1 500 No</D:status></D:response>' +
      '<D:response><D:href>/h/work/bare.ics</D:href><D:propstat><D:prop><D:getetag/></D:prop><D:status>HTTP/1.1 404 Not Found</D:status></D:propstat></D:response>';
    const server = await serve(items('a.ics'), ({ method, path, headers }) => {
      if (path === '/h/work/broken.ics') return { status: 403, body: 'no' };
      if (method !== 'PROPFIND' || path !== '/h/work/' || headers.depth !== '1') return undefined;
      return multistatus(
        resource('/h/work/', COLLECTION) + resource('/h/work/a.ics', '<D:getetag>"v1"</D:getetag>') + undescribed,
      );
    });
    const session = source(server);

    expect(await keys(session)).toEqual(['a.ics', 'bare.ics', 'broken.ics']);
    const answers = await drained(session.read(calendar, ['a.ics', 'bare.ics', 'broken.ics'].map(ref), never));
    expect(answers.map((one) => ('refused' in one ? one.reason : 'read'))).toEqual([
      'read',
      expect.stringContaining('says now that it is not there'),
      expect.stringContaining('403'),
    ]);
  });

  it('that is cut off is completed by the changes since ever', async () => {
    const server = await serve(items('a.ics'), ({ method, path, headers }) => {
      if (method === 'REPORT') {
        return multistatus(
          ['a.ics', 'b.ics'].map((name) => resource(`/h/work/${name}`, '<D:getetag>"v1"</D:getetag>')).join('') +
            '<D:sync-token>urn:1</D:sync-token>',
        );
      }
      if (method !== 'PROPFIND' || path !== '/h/work/' || headers.depth !== '1') return undefined;
      return multistatus(resource('/h/work/a.ics', '<D:getetag>"v1"</D:getetag>') + CUT);
    });

    expect(await keys(source(server))).toEqual(['a.ics', 'b.ics']);
    expect(server.asked.at(-1)?.body).toContain('<D:sync-token></D:sync-token>');
  });

  it.each<[string, Reply]>([
    ['inside', multistatus(resource('/h/work/a.ics', '<D:getetag>"v1"</D:getetag>') + CUT)],
    ['as a whole', { status: 507 }],
  ])('that is cut off %s gives what it has, and is not complete', async (_, reply) => {
    const server = await serve(items('a.ics'), ({ method, path, headers }) =>
      method === 'PROPFIND' && path === '/h/work/' && headers.depth === '1' ? reply : undefined,
    );
    const seen: string[] = [];
    const listing = (async () => {
      for await (const { entries } of source(server).list(calendar, undefined, never)) {
        seen.push(...entries.map(({ key }) => key));
      }
    })();

    await expect(listing).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('only a part') });
    expect(seen).toEqual(reply.status === 207 ? ['a.ics'] : []);
  });
});

describe('one item', () => {
  it('that many at once leave out, or say is not there, is asked for by itself', async () => {
    const held = items('a.ics', 'left-out.ics', 'denied.ics');
    const server = await serve(held, ({ method }) =>
      method === 'REPORT'
        ? multistatus(
            resource('/h/work/a.ics', `<D:getetag>"v1"</D:getetag><C:calendar-data>${event(0)}</C:calendar-data>`) +
              '<D:response><D:href>/h/work/denied.ics</D:href><D:status>HTTP/1.1 404 Not Found</D:status></D:response>',
          )
        : undefined,
    );

    const answers = await drained(
      source(server).read(calendar, ['a.ics', 'denied.ics', 'left-out.ics'].map(ref), never),
    );

    expect(answers.map((one) => ('body' in one ? one.key : one.reason))).toEqual([
      'a.ics',
      'denied.ics',
      'left-out.ics',
    ]);
  });

  it.each<[string, Reply]>([
    ['500', { status: 500 }],
    ['423', { status: 423 }],
    ['a reset', { status: 200, cut: 'before' }],
    ['half of it', { status: 200, body: event(1), cut: 'within' }],
  ])('that is answered with %s may be had later, and its neighbours are read', async (_, reply) => {
    const server = await serve(items('a.ics', 'bad.ics', 'c.ics'), ({ method, path }) =>
      method === 'GET' && path === '/h/work/bad.ics' ? reply : undefined,
    );

    const answers = await drained(source(server).read(calendar, ['a.ics', 'bad.ics', 'c.ics'].map(ref), never));

    expect(answers.map((one) => ('body' in one ? one.key : [one.refused, one.again]))).toEqual([
      'a.ics',
      ['bad.ics', true],
      'c.ics',
    ]);
  });

  it('is not to blame where the server has trouble with all', async () => {
    const server = await serve(items('a.ics'), ({ path }) =>
      path.startsWith('/h/work/') ? { status: 500 } : undefined,
    );

    await expect(drained(source(server).read(calendar, [ref('a.ics')], never))).rejects.toMatchObject({
      code: 'unavailable',
    });
  });
});

describe('a connection that the server closed', () => {
  /** Answers, and closes without having said so, as sogod does after OPTIONS. */
  async function closing(): Promise<{ readonly url: string; readonly asked: string[] }> {
    const asked: string[] = [];
    const server = createServer((socket) => {
      let answered = false;
      socket.on('error', () => {});
      socket.on('data', (data) => {
        const [first = ''] = data.toString('latin1').split('\r\n', 1);
        asked.push(first.split(' ')[0] as string);
        // The second request of a connection is never answered.
        if (answered) return void socket.destroy();
        answered = true;
        const { body = '' } = multistatus(resource('/h/', '<D:resourcetype><D:collection/></D:resourcetype>'));
        socket.write(
          `HTTP/1.1 207 OK\r\ncontent-type: application/xml\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
        );
      });
    });
    await new Promise<void>((go) => server.listen(0, '127.0.0.1', go));
    ending.push(() => new Promise((go) => server.close(go)));
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
  }

  it('costs one more try of what may be repeated', async () => {
    const server = await closing();
    const session = source(server);
    await session.place(never);

    expect(await drained(session.containers(never))).toEqual([]);
    expect(server.asked.length).toBeGreaterThan(2);
  });

  it('does not have anything written twice', async () => {
    const server = await closing();
    const session = connector.target(options(server.url), access);
    ending.push(() => session.close());
    await session.place(never);
    const body = event(1);
    const create: Write<Buffer> = { op: 'create', token: 't', body, bytes: 1, meta: {}, digest: '' };
    const put = async (): Promise<unknown> => drained(session.write(work, [create], never));

    await put().catch((error) => expect(error).toMatchObject({ code: 'unavailable' }));
    expect(server.asked.filter((method) => method === 'PUT').length).toBeLessThan(3);
  });
});

describe('content elsewhere', () => {
  it('is fetched with its query, and without the login', async () => {
    const store = await startScriptedHttp(({ path }) =>
      path === '/blob/a%2Fb?sig=x%2By&e=1'
        ? { status: 200, body: event(1), headers: { etag: '"store"' } }
        : { status: 403 },
    );
    ending.push(() => store.stop());
    const server = await serve(items(), ({ method, path }) =>
      method === 'GET' && path === '/h/work/a.ics'
        ? { status: 302, headers: { location: `${store.url}/blob/a%2Fb?sig=x%2By&e=1` } }
        : undefined,
    );

    const [answer] = await drained(source(server).read(calendar, [ref('a.ics')], never));

    expect(answer).toMatchObject({ key: 'a.ics', body: event(1) });
    expect(store.asked.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });

  it('costs only itself where that server refuses', async () => {
    const store = await startScriptedHttp(() => ({ status: 401 }));
    ending.push(() => store.stop());
    const server = await serve(items('b.ics'), ({ method, path }) =>
      method === 'GET' && path === '/h/work/a.ics'
        ? { status: 302, headers: { location: `${store.url}/x` } }
        : undefined,
    );

    const answers = await drained(source(server).read(calendar, ['a.ics', 'b.ics'].map(ref), never));

    expect(answers.map((one) => ('body' in one ? one.key : one.reason))).toEqual([
      expect.stringContaining('answers 401'),
      'b.ics',
    ]);
  });

  it('on the same server is fetched with its query', async () => {
    const server = await serve(items(), ({ method, path }) => {
      if (method !== 'GET') return undefined;
      if (path === '/h/work/a.ics') return { status: 307, headers: { location: '/raw?id=a+b&v=%2F' } };
      return path === '/raw?id=a+b&v=%2F' ? { status: 200, body: event(1) } : undefined;
    });

    expect(await drained(source(server).read(calendar, [ref('a.ics')], never))).toMatchObject([{ key: 'a.ics' }]);
  });
});
