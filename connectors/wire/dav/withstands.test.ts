/** What servers were seen to answer at bad moments, and what becomes of the items then. */
import { afterEach, describe, expect, it } from 'vitest';
import { event } from '../../../tests/conformance/odd-events.js';
import type { Asked, Reply, ScriptedHttp } from '../../../tests/servers/scripted-http.js';
import { davError, multistatus, resource, startScriptedHttp } from '../../../tests/servers/scripted-http.js';
import { connector } from '../../caldav/index.js';
import type { Access, Change, Container, Source, Target, TargetContainer, Write, WriteAnswer } from '../../contract.js';
import { kinds } from '../../kinds/kinds.js';

const never = new AbortController().signal;
const ending: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

type Answer = (asked: Asked) => Reply | undefined;

const CALENDAR =
  '<D:resourcetype><D:collection/><C:calendar/></D:resourcetype><D:displayname>Work</D:displayname>' +
  '<D:sync-token>urn:t:2</D:sync-token><D:supported-report-set><D:supported-report><D:report><D:sync-collection/></D:report></D:supported-report></D:supported-report-set>';

/** Of items that are there. */
const VERSIONS: Readonly<Record<string, string>> = {
  '/h/work/a.ics': 'v1',
  '/h/work/a%2Fb.ics': 'v1',
  '/h/work/b%20c.ics': 'v 3',
};

/** A server with one calendar `/h/work/`; `special` goes first, and passes on what it answers with undefined. */
async function serve(special: Answer): Promise<ScriptedHttp> {
  const server = await startScriptedHttp((asked) => {
    const reply = special(asked);
    if (reply) return reply;
    const { method, path, headers } = asked;
    if (method === 'OPTIONS') return { status: 200, headers: { dav: '1, calendar-access' } };
    if (method === 'PROPFIND' && path === '/h/') {
      const below = headers.depth === '1' ? resource('/h/work/', CALENDAR) : '';
      return multistatus(resource('/h/', '<D:resourcetype><D:collection/></D:resourcetype>') + below);
    }
    if (method === 'PROPFIND' && path === '/h/work/') return multistatus(resource('/h/work/', CALENDAR));
    const version = VERSIONS[path];
    if (method === 'PROPFIND' && version) return multistatus(resource(path, `<D:getetag>"${version}"</D:getetag>`));
    return { status: 404 };
  });
  ending.push(() => server.stop());
  return server;
}

const access: Access = { account: 'anna', kind: 'calendar', secret: async () => 'secret' };
const options = (server: ScriptedHttp) => ({
  url: server.url,
  home: '/h/',
  auth: { username: 'anna', password: { env: 'X' } },
});

async function target(special: Answer): Promise<{ session: Target<Buffer>; server: ScriptedHttp }> {
  const server = await serve(special);
  const session = connector.target(options(server), access);
  ending.push(() => session.close());
  return { session, server };
}

async function source(special: Answer): Promise<{ session: Source<Buffer>; server: ScriptedHttp }> {
  const server = await serve(special);
  const session = connector.source(options(server), access);
  ending.push(() => session.close());
  return { session, server };
}

const work: TargetContainer = { key: '/h/work/', path: ['Work'], validity: '1', created: false, items: 0 };
const calendar: Container = { key: '/h/work/', path: ['Work'], validity: '1' };

function create(n: number): Write<Buffer> {
  const body = event(n);
  return { op: 'create', token: `t${n}`, body, bytes: body.length, meta: {}, digest: kinds.calendar.digest(body) };
}

const update = (n: number, ref: string, version: string): Write<Buffer> => ({
  ...(create(n) as Write<Buffer> & { op: 'create' }),
  op: 'update',
  ref,
  version,
});

async function drained<T>(from: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of from) all.push(one);
  return all;
}

/** Writes one item while every PUT and DELETE is answered so. */
async function writing(reply: Reply | Answer, write: Write<Buffer> = create(1)): Promise<WriteAnswer | undefined> {
  const { session } = await target((asked) => {
    if (asked.method !== 'PUT' && asked.method !== 'DELETE')
      return typeof reply === 'function' ? reply(asked) : undefined;
    return typeof reply === 'function' ? reply(asked) : reply;
  });
  const answers = await drained(session.write(work, [write], never));
  expect(answers.length).toBe(1);
  return answers[0];
}

/** As Xandikos refuses a PUT. */
const failedInside = (status: number, inner: string): Reply =>
  multistatus(
    `<D:response><D:href>http%3A//x/a</D:href><D:status>HTTP/1.1 ${status} No</D:status><D:error>${inner}</D:error><D:responsedescription>not so</D:responsedescription></D:response>`,
  );

const NOBODYS = '"drover: no item has this version"';

/** Stores each name once, as `If-None-Match: *` asks. */
function stores(etag: string): Answer {
  const names = new Set<string>();
  return ({ method, path, headers }) => {
    if (method !== 'PUT') return undefined;
    if (names.has(path) && headers['if-none-match'] === '*') return { status: 412 };
    names.add(path);
    return { status: 201, headers: { etag } };
  };
}

describe('writing', () => {
  it('tells reference and version of what was stored as it came', async () => {
    expect(await writing(stores('"v1"'))).toMatchObject({ token: 't1', version: 'v1' });
    expect(await writing({ status: 204, headers: { etag: '"v2"' } }, update(1, 'a.ics', 'v1'))).toMatchObject({
      token: 't1',
      ref: 'a.ics',
      version: 'v2',
    });
  });

  it('asks that nothing stands there, and that the copy is the one we know', async () => {
    const once = stores('"v1"');
    const { session, server } = await target((asked) => {
      if (asked.headers['if-match'] === NOBODYS) return { status: 412 };
      return asked.method === 'DELETE' ? { status: 204 } : once(asked);
    });
    const remove: Write<Buffer> = { op: 'remove', token: 'r', ref: 'b c.ics', version: 'v 3' };
    await drained(session.write(work, [create(1), update(2, 'a/b.ics'.replace('/', '%2F'), 'v1'), remove], never));
    const sent = server.asked.filter(({ method }) => method === 'PUT' || method === 'DELETE');
    expect(sent.map(({ headers }) => [headers['if-none-match'], headers['if-match']])).toEqual([
      ['*', undefined],
      // The first of each sort is tried with a condition that does not hold, to see whether it is honoured.
      ['*', undefined],
      [undefined, NOBODYS],
      [undefined, '"v1"'],
      [undefined, NOBODYS],
      [undefined, '"v 3"'],
    ]);
    expect(sent.slice(3).map(({ path }) => path)).toEqual([
      '/h/work/a%2Fb.ics',
      '/h/work/b%20c.ics',
      '/h/work/b%20c.ics',
    ]);
    expect(sent[0]?.headers['content-type']).toContain('text/calendar');
  });

  it.each<[string, Reply, object]>([
    ['412 though nothing stands there', { status: 412 }, { refused: 't1' }],
    [
      '409 no-uid-conflict with the other one',
      davError(409, '<C:no-uid-conflict><D:href>/h/work/other%40x.ics</D:href></C:no-uid-conflict>'),
      { conflicted: 't1', ref: 'other@x.ics' },
    ],
    [
      '412 no-uid-conflict with the other one',
      davError(412, '<C:no-uid-conflict><D:href>/h/work/other.ics</D:href></C:no-uid-conflict>'),
      { conflicted: 't1', ref: 'other.ics' },
    ],
    ['403 no-uid-conflict without an href', davError(403, '<C:no-uid-conflict/>'), { conflicted: 't1' }],
    ['207 with no-uid-conflict inside', failedInside(412, '<C:no-uid-conflict/>'), { conflicted: 't1' }],
    ['207 with valid-calendar-data inside', failedInside(412, '<C:valid-calendar-data/>'), { refused: 't1' }],
    ['412 supported-calendar-component', davError(412, '<C:supported-calendar-component/>'), { refused: 't1' }],
    ['a bare 409 while the collection is there', { status: 409 }, { conflicted: 't1' }],
    ['403 valid-calendar-data', davError(403, '<C:valid-calendar-data/>'), { refused: 't1' }],
    ['403 max-resource-size', davError(403, '<C:max-resource-size/>'), { refused: 't1' }],
    ['415', { status: 415 }, { refused: 't1' }],
    ['413', { status: 413 }, { refused: 't1' }],
    ['400', { status: 400, body: 'Bad Request' }, { refused: 't1' }],
    ['404 while the collection is there', { status: 404 }, { refused: 't1', reason: expect.stringContaining('404') }],
    [
      '500 while the collection is there',
      davError(500, '<D:responsedescription>a TZID that it does not know</D:responsedescription>'),
      { refused: 't1', reason: expect.stringContaining('500 (a TZID that it does not know)') },
    ],
  ])('%s is an answer about this item alone', async (_, reply, answer) => {
    expect(await writing(reply)).toMatchObject(answer);
  });

  it.each<[string, Reply, object]>([
    ['401', { status: 401 }, { code: 'credentials' }],
    ['403 need-privileges', davError(403, '<D:need-privileges/>'), { code: 'refused' }],
    ['403 quota-not-exceeded', davError(403, '<D:quota-not-exceeded/>'), { code: 'quota' }],
    ['507', { status: 507 }, { code: 'quota' }],
    ['207 with 507 inside', failedInside(507, '<D:quota-not-exceeded/>'), { code: 'quota' }],
    ['423', { status: 423 }, { code: 'unavailable' }],
    ['429', { status: 429, headers: { 'retry-after': '7' } }, { code: 'throttled', retryAfterMs: 7_000 }],
    [
      '503 with Retry-After',
      { status: 503, headers: { 'retry-after': '9' } },
      { code: 'throttled', retryAfterMs: 9_000 },
    ],
    ['503', { status: 503 }, { code: 'unavailable' }],
    ['502', { status: 502 }, { code: 'unavailable' }],
  ])('%s stops the writing', async (_, reply, fault) => {
    await expect(writing(reply)).rejects.toMatchObject(fault);
  });

  it('of what stands there already is a conflict', async () => {
    const there: Answer = ({ method, path }) => {
      if (method === 'PUT') return { status: 412 };
      return path.startsWith('/h/work/') ? multistatus(resource(path, '<D:getetag>"v1"</D:getetag>')) : undefined;
    };
    expect(await writing(there)).toMatchObject({ conflicted: 't1', ref: expect.stringContaining('.ics') });
  });

  it('stops where the server has trouble with everything', async () => {
    const broken: Answer = ({ path }) => (path.startsWith('/h/work/') ? { status: 500 } : undefined);
    await expect(writing(broken)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('says that the collection is away, where it is', async () => {
    const gone: Answer = ({ method, path }) =>
      method === 'PUT' || path === '/h/work/' ? { status: method === 'PUT' ? 409 : 404 } : undefined;
    await expect(writing(gone)).rejects.toMatchObject({ code: expect.stringMatching(/not-found|unavailable/) });
  });

  it('looks first where a server ignores the condition, and replaces nothing', async () => {
    const held = new Map<string, string>([['/h/work/theirs.ics', 'theirs']]);
    const { session, server } = await target(({ method, path, body, headers }) => {
      if (method === 'PUT') {
        held.set(path, body);
        return { status: 201 };
      }
      if (method !== 'PROPFIND' || !path.startsWith('/h/work/')) return undefined;
      const items = [...held.keys()].filter((name) => headers.depth === '1' || name === path);
      return multistatus(items.map((name) => resource(name, '<D:getetag>"now"</D:getetag>')).join(''));
    });
    const [first] = await drained(session.write(work, [create(1)], never));
    expect(first).toMatchObject({ token: 't1', version: 'now' });
    const theirs = `/h/work/${(await drained(session.write(work, [create(2)], never)))
      .map((one) => 'ref' in one && one.ref)
      .join()}`;
    held.set(theirs, 'edited by a person');
    const answers = await drained(session.write(work, [create(2), create(3)], never));
    expect(answers.map((one) => ('conflicted' in one ? one.conflicted : 'written'))).toEqual(['t2', 'written']);
    expect(held.get(theirs)).toBe('edited by a person');
    const told = await session.describe(never);
    expect(told.find(({ name }) => name === 'If-None-Match')?.value).toContain('ignored');
    expect(server.asked.filter(({ method }) => method === 'PUT').length).toBe(4);
  });

  it('asks for the versions that a server does not tell, once for many', async () => {
    const once = stores('W/"weak"');
    const { session, server } = await target((asked) => {
      if (asked.method !== 'PROPFIND' || asked.path !== '/h/work/') return once(asked);
      const put = server.asked.filter(({ method }) => method === 'PUT').map(({ path }) => path);
      return multistatus([...new Set(put)].map((path, n) => resource(path, `<D:getetag>"e${n}"</D:getetag>`)).join(''));
    });
    const answers = await drained(session.write(work, [1, 2, 3, 4, 5].map(create), never));
    expect(answers.map((one) => 'version' in one && one.version)).toEqual(['e0', 'e1', 'e2', 'e3', 'e4']);
    expect(server.asked.filter(({ method, path }) => method === 'PROPFIND' && path === '/h/work/').length).toBe(1);
  });

  it('keeps what was written when the line breaks behind it', async () => {
    let puts = 0;
    const { session } = await target(({ method }) =>
      method === 'PUT' ? { status: ++puts === 1 ? 201 : 412, ...(puts > 2 && { cut: 'before' }) } : undefined,
    );
    const got: WriteAnswer[] = [];
    const taking = (async () => {
      for await (const answer of session.write(work, [create(1), create(2)], never)) got.push(answer);
    })();
    await expect(taking).rejects.toMatchObject({ code: 'unavailable' });
    expect(got).toMatchObject([{ token: 't1' }]);
  });

  it('follows an item to the name that the server gave it', async () => {
    const answer = await writing(({ method, path }) => {
      if (method === 'PUT') return { status: 302, headers: { location: '/h/work/own-name.ics' } };
      if (method === 'GET' && path === '/h/work/own-name.ics')
        return { status: 200, headers: { etag: '"v1"' }, body: event(1) };
      return undefined;
    });
    expect(answer).toMatchObject({ token: 't1', ref: 'own-name.ics', version: 'v1' });
  });

  it('does not take a redirect to somewhere else for success', async () => {
    const answer = await writing({ status: 302, headers: { location: '/login' } });
    expect(answer).toHaveProperty('refused', 't1');
  });

  it('of an update that lost against another writer is a conflict', async () => {
    for (const status of [412, 404, 410]) {
      expect(await writing({ status }, update(1, 'a.ics', 'v1'))).toMatchObject({ conflicted: 't1', ref: 'a.ics' });
    }
  });

  it('does not take a refusal inside of 207 for removed', async () => {
    const remove: Write<Buffer> = { op: 'remove', token: 'r', ref: 'a.ics', version: 'v1' };
    await expect(writing(failedInside(423, '<D:lock-token-submitted/>'), remove)).rejects.toMatchObject({
      code: 'unavailable',
    });
  });

  it('takes what is gone already for removed', async () => {
    for (const status of [200, 204, 404, 410]) {
      expect(await writing({ status }, { op: 'remove', token: 'r', ref: 'a.ics', version: 'v1' })).toEqual({
        token: 'r',
      });
    }
  });

  it.each(['before', 'within'] as const)(
    'is in doubt when the connection ends %s the answer, and not sent again',
    async (cut) => {
      const { session, server } = await target(({ method }) =>
        method === 'PUT' ? { status: 201, body: 'what follows is cut off', cut } : undefined,
      );
      await expect(drained(session.write(work, [create(1)], never))).rejects.toMatchObject({ code: 'unavailable' });
      expect(server.asked.filter(({ method }) => method === 'PUT').length).toBe(1);
    },
  );
});

describe('reading', () => {
  const refs = (...keys: string[]) => keys.map((key) => ({ key, version: 'v', bytes: 1, rank: 0, meta: {} }));
  const data = (n: number): string => `<D:getetag>"v${n}"</D:getetag><C:calendar-data>${event(n)}</C:calendar-data>`;

  it('gives each item its own answer in a multi-status with failures', async () => {
    const { session } = await source(({ method, path }) => {
      if (method === 'GET') return path.endsWith('b.ics') ? { status: 403, body: 'no' } : { status: 404 };
      if (method !== 'REPORT') return undefined;
      return multistatus(
        resource('/h/work/a.ics', data(1)) +
          '<D:response><D:href>/h/work/b.ics</D:href><D:status>HTTP/1.1 403 Forbidden</D:status></D:response>' +
          '<D:response><D:href>/h/work/c.ics</D:href><D:status>HTTP/1.1 404 Not Found</D:status></D:response>' +
          resource('http://other.example/h/work/d%2Eics', data(4)),
      );
    });
    const answers = await drained(session.read(calendar, refs('a.ics', 'b.ics', 'c.ics', 'd.ics'), never));
    expect(answers.map((one) => ('body' in one ? one.key : `no ${one.refused}`))).toEqual([
      'a.ics',
      'no b.ics',
      'no c.ics',
      'd.ics',
    ]);
  });

  it('asks one by one where the server cannot answer for many', async () => {
    for (const reply of [{ status: 500 }, { status: 501 }, { status: 403 }, { status: 207, body: '<D:multi' }]) {
      const { session } = await source(({ method, path }) => {
        if (method === 'REPORT') return reply;
        if (method !== 'GET') return undefined;
        return { status: 200, headers: { etag: '"1"' }, body: event(Number(path.at(-5))) };
      });
      const answers = await drained(session.read(calendar, refs('1.ics', '2.ics'), never));
      expect(answers.map((one) => 'body' in one && one.body.equals(event(Number(one.key[0]))))).toEqual([true, true]);
    }
  });

  it('gives up at once when throttled, and says for how long', async () => {
    const { session, server } = await source(({ method }) =>
      method === 'REPORT' || method === 'GET' ? { status: 429, headers: { 'retry-after': '3' } } : undefined,
    );
    await expect(drained(session.read(calendar, refs('a.ics', 'b.ics'), never))).rejects.toMatchObject({
      code: 'throttled',
      retryAfterMs: 3_000,
    });
    expect(server.asked.filter(({ method }) => method === 'GET')).toEqual([]);
  });
});

describe('listing', () => {
  it('ascends by key, whatever the order and spelling of hrefs', async () => {
    const { session } = await source(({ method, path }) => {
      if (method !== 'PROPFIND' || path !== '/h/work/') return undefined;
      const hrefs = [
        '/h/work/%C3%A4.ics',
        '/h/work/b%20c.ics',
        '/h/work/a%2fb.ics',
        "/h/work/'q'.ics",
        '/h/work/x+y.ics',
      ];
      const items = hrefs.map((href) =>
        resource(href, '<D:getetag>"1"</D:getetag><D:getcontentlength>7</D:getcontentlength>'),
      );
      return multistatus(resource('/h/work/', CALENDAR) + items.join(''));
    });
    const [page] = await drained(session.list(calendar, undefined, never));
    const keys = page?.entries.map((one) => one.key) ?? [];
    expect(keys).toEqual(["'q'.ics", 'a%2Fb.ics', 'b c.ics', 'x+y.ics', 'ä.ics']);
    expect(page?.entries[0]).toMatchObject({ bytes: 7, version: '1' });
    const rest = await drained(session.list(calendar, 'b c.ics', never));
    expect(rest.flatMap((one) => one.entries.map((item) => item.key))).toEqual(['x+y.ics', 'ä.ics']);
  });

  it('of a collection that vanished says so', async () => {
    const { session } = await source(({ path }) => (path === '/h/work/' ? { status: 404 } : undefined));
    await expect(drained(session.list(calendar, undefined, never))).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('changes', () => {
  const token = 'sync:urn:t:1';
  const changes = (session: Source<Buffer>): Promise<Change[]> =>
    drained((session.changes as NonNullable<Source<Buffer>['changes']>)(calendar, token, never)).then((pages) =>
      pages.flatMap((page) => [...page.entries]),
    );
  const gone = (href: string): string =>
    `<D:response><D:href>${href}</D:href><D:status>HTTP/1.1 404 Not Found</D:status></D:response>`;
  const more =
    '<D:response><D:href>/h/work/</D:href><D:status>HTTP/1.1 507 Insufficient Storage</D:status><D:error><D:number-of-matches-within-limits/></D:error></D:response>';

  it('are asked for page by page while the server says 507', async () => {
    const pages: Readonly<Record<string, string>> = {
      'urn:t:1': `${resource('/h/work/a.ics', '<D:getetag>"1"</D:getetag>')}${more}<D:sync-token>urn:t:1.5</D:sync-token>`,
      'urn:t:1.5': `${gone('/h/work/b.ics')}${resource('/h/work/c.ics', '<D:getetag>"3"</D:getetag>')}${more}<D:sync-token>urn:t:1.7</D:sync-token>`,
      'urn:t:1.7': `${gone('/h/work/a.ics')}<D:sync-token>urn:t:2</D:sync-token>`,
    };
    const { session, server } = await source(({ method, body }) => {
      if (method !== 'REPORT') return undefined;
      return multistatus(pages[/sync-token>([^<]*)</.exec(body)?.[1] ?? ''] ?? 'x');
    });
    const found = await changes(session);
    expect(found.map((one) => `${one.change} ${one.change === 'gone' ? one.key : one.item.key}`).sort()).toEqual([
      'gone a.ics',
      'gone b.ics',
      'upsert c.ics',
    ]);
    expect(server.asked.filter(({ method }) => method === 'REPORT').length).toBe(3);
  });

  it.each<[string, Reply]>([
    ['403 valid-sync-token', davError(403, '<D:valid-sync-token/>')],
    ['409 valid-sync-token', davError(409, '<D:valid-sync-token/>')],
    ['507 that leads nowhere', multistatus(`${more}<D:sync-token>urn:t:1</D:sync-token>`)],
    ['a bare 403', { status: 403 }],
    ['400', { status: 400 }],
    ['410', { status: 410 }],
    ['412', { status: 412 }],
  ])('that end with %s are listed instead', async (_, reply) => {
    const { session } = await source(({ method }) => (method === 'REPORT' ? reply : undefined));
    await expect(changes(session)).rejects.toMatchObject({ code: 'cursor-lost' });
  });

  it('wait for a server in trouble', async () => {
    const { session } = await source(({ method }) =>
      method === 'REPORT' ? { status: 503, headers: { 'retry-after': '5' } } : undefined,
    );
    await expect(changes(session)).rejects.toMatchObject({ code: 'throttled', retryAfterMs: 5_000 });
  });
});
