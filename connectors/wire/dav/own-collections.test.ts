/** Which collections are the account's own, how they are found again, and what becomes of names and addresses that are taken. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Asked, Reply, ScriptedHttp } from '../../../tests/servers/scripted-http.js';
import { multistatus, resource, startScriptedHttp } from '../../../tests/servers/scripted-http.js';
import { connector as caldav } from '../../caldav/index.js';
import { connector as carddav } from '../../carddav/index.js';
import type { Access, Source, Target } from '../../contract.js';
import { syncTokenOf } from './collections.js';
import type { DavOptions } from './options.js';

const never = new AbortController().signal;
const ending: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

const CALENDAR = '<D:collection/><C:calendar/>';
const BOOK = '<D:collection/><CR:addressbook/>';
const HOME = '<D:resourcetype><D:collection/></D:resourcetype>';

const of = (type: string, name: string, more = ''): string =>
  `<D:resourcetype>${type}</D:resourcetype><D:displayname>${name}</D:displayname>${more}`;
const owner = (href: string): string => `<D:owner><D:href>${href}</D:href></D:owner>`;
const login = (href: string): string => `<D:current-user-principal><D:href>${href}</D:href></D:current-user-principal>`;

/** A home `/h/` with these collections, each with its properties; it may be added to. */
async function serve(
  held: Map<string, string>,
  special: (asked: Asked) => Reply | undefined = () => undefined,
  home = HOME,
): Promise<ScriptedHttp> {
  const server = await startScriptedHttp((asked) => {
    const { method, path, headers } = asked;
    const reply = special(asked);
    if (reply) return reply;
    if (method === 'OPTIONS') return { status: 200, headers: { dav: '1' } };
    if (method !== 'PROPFIND') return { status: 501 };
    if (path === '/h/') {
      const below = headers.depth === '1' ? [...held].map(([key, props]) => resource(key, props)).join('') : '';
      return multistatus(resource('/h/', home) + below);
    }
    const props = held.get(path);
    return props === undefined ? { status: 404 } : multistatus(resource(path, props));
  });
  ending.push(() => server.stop());
  return server;
}

const opening = (server: ScriptedHttp, more: Partial<DavOptions>): [DavOptions, Access] => [
  { url: server.url, home: '/h/', auth: { username: 'anna', password: { env: 'X' } }, ...more },
  { account: 'anna', kind: 'calendar', secret: async () => 'secret' },
];

function source(server: ScriptedHttp, more: Partial<DavOptions> = {}, connector = caldav): Source<Buffer> {
  const session = connector.source(...opening(server, more));
  ending.push(() => session.close());
  return session;
}

function target(server: ScriptedHttp, connector = caldav): Target<Buffer> {
  const session = connector.target(...opening(server, {}));
  ending.push(() => session.close());
  return session;
}

async function names(session: Source<Buffer>): Promise<string[]> {
  const all: string[] = [];
  for await (const { path, leftOut } of session.containers(never)) if (!leftOut) all.push(path.join('/'));
  return all.sort();
}

describe('owned by others', () => {
  const shared = (): Map<string, string> =>
    new Map([
      ['/h/work/', of(CALENDAR, 'Work', owner('/p/anna/'))],
      ['/h/bela_tw/', of(CALENDAR, 'Team of Bela', owner('/p/bela/'))],
      ['/h/untold/', of(CALENDAR, 'Untold')],
    ]);

  it.each<[string, string]>([
    ['the owner of the home', HOME + owner('/p/anna/')],
    ['the login', HOME + login('/p/anna')],
    ['the owner of the home, for whoever moves it', HOME + owner('/p/anna/') + login('/p/admin/')],
  ])('what is shared with the account is left out, by %s', async (_, home) => {
    const server = await serve(shared(), undefined, home);

    expect(await names(source(server))).toEqual(['Untold', 'Work']);
  });

  it('is counted, and taken along where the spec asks for it', async () => {
    const server = await serve(shared(), undefined, HOME + owner('/p/anna/'));
    const said = async (more: Partial<DavOptions>) =>
      (await source(server, more).describe(never)).find(({ name }) => name === 'owned by others')?.value;

    expect(await names(source(server, { shared: 'move' }))).toEqual(['Team of Bela', 'Untold', 'Work']);
    expect(await said({})).toBe('1, left out; `shared: move` takes them along');
    expect(await said({ shared: 'move' })).toContain('moved along');
  });

  it('is not told by a login that owns nothing there', async () => {
    const server = await serve(shared(), undefined, HOME + login('/p/admin/'));

    expect(await names(source(server))).toEqual(['Team of Bela', 'Untold', 'Work']);
  });

  it('never takes the directory of the company for an address book', async () => {
    const all = '<D:current-user-privilege-set><D:privilege><D:all/></D:privilege></D:current-user-privilege-set>';
    const server = await serve(
      new Map([
        ['/h/personal/', of(BOOK, 'Personal', owner('/p/anna/'))],
        ['/h/directory/', of(`${BOOK}<CR:directory/>`, 'Company directory', all)],
      ]),
      undefined,
      HOME + owner('/p/anna/'),
    );

    expect(await names(source(server, { shared: 'move' }, carddav))).toEqual(['Personal']);
  });
});

describe('a collection that was made', () => {
  /** Keeps the name as the XML it was sent as, and shows it so: DAViCal. */
  const asXml: (held: Map<string, string>) => (asked: Asked) => Reply | undefined =
    (held) =>
    ({ method, path, body }) => {
      if (method !== 'MKCALENDAR') return undefined;
      const name = /displayname>([^<]*)</.exec(body)?.[1] ?? '';
      held.set(path, of(CALENDAR, name.replaceAll('&', '&amp;')));
      return { status: 201 };
    };

  it('is found again though the server shows another name', async () => {
    const held = new Map<string, string>();
    const server = await serve(held, asXml(held));

    const first = await target(server).ensure({ path: ['Work & Fun'] }, never);
    const second = await target(server).ensure({ path: ['Work & Fun'] }, never);

    expect(first).toMatchObject({ created: true });
    expect(second).toMatchObject({ key: first.key, created: false });
    expect(held.size).toBe(1);
    expect(await names(source(server))).toEqual(['Work & Fun']);
  });

  it('is found by its address where the server calls everything by names of its own', async () => {
    const held = new Map<string, string>();
    const server = await serve(held, ({ method, path }) => {
      if (method !== 'MKCALENDAR') return undefined;
      held.set(path, of(CALENDAR, `Calendar ${held.size}`));
      return { status: 201 };
    });

    const first = await target(server).ensure({ path: ['Büro'] }, never);
    const second = await target(server).ensure({ path: ['Büro'] }, never);

    expect([second.key, second.created]).toEqual([first.key, false]);
  });

  it('gets its name afterwards where the server drops it', async () => {
    const held = new Map<string, string>();
    const server = await serve(held, ({ method, path, body }) => {
      if (method === 'MKCOL') held.set(path, of(BOOK, ''));
      else if (method === 'PROPPATCH') held.set(path, of(BOOK, /displayname>([^<]*)</.exec(body)?.[1] ?? ''));
      else return undefined;
      return method === 'MKCOL' ? { status: 201 } : multistatus(resource(path, '<D:displayname/>'));
    });

    const made = await target(server, carddav).ensure({ path: ['Odd cards'] }, never);

    expect(made).toMatchObject({ created: true });
    expect(made.notes).toBeUndefined();
    expect([...held.values()]).toEqual([of(BOOK, 'Odd cards')]);
  });

  it('gets another address where an address book of its name stands', async () => {
    const held = new Map<string, string>();
    const makes = ({ method, path, body }: Asked): Reply | undefined => {
      if (method !== 'MKCALENDAR' && method !== 'MKCOL') return undefined;
      if (held.has(path)) return { status: 409 };
      const type = body.includes('calendar') && !body.includes('<CR:addressbook') ? CALENDAR : BOOK;
      held.set(path, of(type, /displayname>([^<]*)</.exec(body)?.[1] ?? ''));
      return { status: 201 };
    };
    const server = await serve(held, makes);

    const book = await target(server, carddav).ensure({ path: ['Personal'] }, never);
    const calendar = await target(server).ensure({ path: ['Personal'] }, never);
    const again = await target(server).ensure({ path: ['Personal'] }, never);

    expect(calendar).toMatchObject({ created: true, key: book.key.replace(/\/$/, '-2/') });
    expect(again).toMatchObject({ created: false, key: calendar.key });
  });

  it('gets another address where something else is made there in the same moment', async () => {
    const held = new Map<string, string>();
    let first = true;
    const server = await serve(held, ({ method, path, body }) => {
      if (method !== 'MKCALENDAR' && method !== 'MKCOL') return undefined;
      if (first) held.set(path, of(BOOK, 'personal'));
      first = false;
      if (held.has(path)) return { status: 405 };
      held.set(path, of(CALENDAR, /displayname>([^<]*)</.exec(body)?.[1] ?? ''));
      return { status: 201 };
    });

    expect(await target(server).ensure({ path: ['personal'] }, never)).toMatchObject({ key: '/h/personal-2/' });
  });
});

describe('tokens in seconds', () => {
  const SYNCS =
    '<D:supported-report-set><D:supported-report><D:report><D:sync-collection/></D:report></D:supported-report></D:supported-report-set>';

  async function tokenAt(newest: number, now: number): Promise<string | undefined> {
    const held = new Map([['/h/work/', of(CALENDAR, 'Work', `<D:sync-token>${newest}</D:sync-token>${SYNCS}`)]]);
    const server = await serve(held, (asked) =>
      asked.method === 'PROPFIND' && asked.headers.depth === '0'
        ? { ...multistatus(resource('/h/', HOME)), headers: { date: new Date(now * 1000).toUTCString() } }
        : undefined,
    );
    for await (const { token } of source(server).containers(never)) return token;
    return undefined;
  }

  it('stand for what is over: what comes in the second of the newest change is told later', async () => {
    const now = 1_796_000_000;

    expect(await tokenAt(now - 60, now)).toBe(`sync:${now - 60}`);
    const since = async (newest: number) => Number(syncTokenOf((await tokenAt(newest, now)) ?? ''));
    expect(await since(now)).toBeLessThan(now);
    expect(await since(now - 1)).toBeLessThan(now - 1);
    // It does not promise that nothing changed.
    expect(await tokenAt(now, now)).not.toBe(await tokenAt(now, now));
  });
});
