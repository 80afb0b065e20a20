/** An account on a DAV test server, used as another program would use it: with plain HTTP, and without our connectors. */
import { connector as caldav } from '../../connectors/caldav/index.js';
import { connector as carddav } from '../../connectors/carddav/index.js';
import type { Access, Source, Target } from '../../connectors/contract.js';
import { kinds } from '../../connectors/kinds/kinds.js';
import type { DavOptions } from '../../connectors/wire/dav/options.js';
import type { ItemKind, Others } from '../conformance/items.js';

export interface DavAccountAt {
  /** Without a slash at its end, e.g. `http://127.0.0.1:5232`. */
  readonly url: string;
  /** Encoded, with slashes at both ends. */
  readonly home: string;
  readonly user: string;
}

export interface DavAccountWorld extends Others {
  source(options?: Partial<DavOptions>): Source<Buffer>;
  target(options?: Partial<DavOptions>): Target<Buffer>;
  makeContainer(name: string, segment: string): Promise<void>;
  dropContainer(path: readonly string[]): Promise<void>;
  /** The plain way to the server; throws for a status that is no success. */
  ask(
    method: string,
    path: string,
    headers?: Readonly<Record<string, string>>,
    body?: string | Buffer,
  ): Promise<Response>;
}

export function davAccount(at: DavAccountAt, kind: ItemKind): DavAccountWorld {
  const calendars = kind === 'calendar';
  const connector = calendars ? caldav : carddav;
  const type = calendars ? 'C:calendar' : 'CR:addressbook';
  const suffix = calendars ? '.ics' : '.vcf';
  const authorization = `Basic ${Buffer.from(`${at.user}:secret`).toString('base64')}`;
  const access: Access = { account: at.user, kind, secret: async () => 'secret' };
  const options = (more: Partial<DavOptions> = {}): DavOptions => ({
    url: at.url,
    auth: { username: at.user, password: { env: 'PASSWORD' } },
    ...more,
  });

  const ask: DavAccountWorld['ask'] = async (method, path, headers = {}, body) => {
    const response = await fetch(at.url + path, {
      method,
      headers: { authorization, ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : new Uint8Array(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response;
  };

  /** Href and inner XML of each resource right below. */
  const below = async (path: string): Promise<{ href: string; inner: string }[]> => {
    const body = '<?xml version="1.0"?><propfind xmlns="DAV:"><prop><displayname/><resourcetype/></prop></propfind>';
    const xml = await (await ask('PROPFIND', path, { depth: '1', 'content-type': 'application/xml' }, body)).text();
    return xml
      .split(/<(?:\w+:)?response[ >]/)
      .slice(1)
      .map((inner) => ({ inner, href: /href>([^<]*)</.exec(inner)?.[1] ?? '' }))
      .filter(({ href }) => decodeURIComponent(href) !== decodeURIComponent(path));
  };

  const collection = async (path: readonly string[]): Promise<string | undefined> => {
    const named = `displayname>${path.join('/')}<`;
    // SOGo has a file to download beside each, of the same name.
    return (await below(at.home)).find(({ href, inner }) => href.endsWith('/') && inner.includes(named))?.href;
  };

  const makeContainer = async (name: string, segment: string): Promise<void> => {
    const body =
      '<?xml version="1.0"?><D:mkcol xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CR="urn:ietf:params:xml:ns:carddav">' +
      `<D:set><D:prop><D:resourcetype><D:collection/><${type}/></D:resourcetype><D:displayname>${name}</D:displayname></D:prop></D:set></D:mkcol>`;
    const path = `${at.home}${encodeURIComponent(segment)}/`;
    await ask('MKCOL', path, { 'content-type': 'application/xml' }, body);
    // SOGo drops what it is to be made with.
    const naming =
      '<?xml version="1.0"?><D:propertyupdate xmlns:D="DAV:"><D:set><D:prop>' +
      `<D:displayname>${name}</D:displayname></D:prop></D:set></D:propertyupdate>`;
    if ((await collection([name])) === undefined)
      await ask('PROPPATCH', path, { 'content-type': 'application/xml' }, naming);
  };

  const existing = async (path: readonly string[]): Promise<string> => {
    const found = await collection(path);
    if (found === undefined) throw new Error(`there is no collection ${path.join('/')}`);
    return found;
  };

  return {
    kind,
    ask,
    makeContainer,
    source: (more) => connector.source(options(more), access),
    target: (more) => connector.target(options(more), access),
    async put(path, body) {
      const found = await collection(path);
      if (found === undefined) await makeContainer(path.join('/'), `made by others ${path.join(' ')}`);
      const uid = kinds[kind].identities(body, ['uid'])[0]?.slice('uid:'.length);
      const name = `other ${uid}${suffix}`;
      await ask('PUT', (found ?? (await existing(path))) + encodeURIComponent(name), contentType(calendars), body);
      return name;
    },
    async edit(path, name, body) {
      await ask('PUT', (await existing(path)) + encodeURIComponent(name), contentType(calendars), body);
    },
    async drop(path, name) {
      await ask('DELETE', (await existing(path)) + encodeURIComponent(name));
    },
    async dropContainer(path) {
      await ask('DELETE', await existing(path));
    },
    async stored(path) {
      const found = await collection(path);
      if (found === undefined) return [];
      const bodies: Buffer[] = [];
      for (const { href } of await below(found)) bodies.push(Buffer.from(await (await ask('GET', href)).arrayBuffer()));
      return bodies;
    },
    async close() {
      for (const { href, inner } of await below(at.home)) if (inner.includes('collection')) await ask('DELETE', href);
    },
  };
}

/** An account of a person of its own each time, for servers that keep what is in a home when it is emptied. */
export function freshAccounts(
  server: { readonly url: string; addUser(name: string): Promise<void> },
  home: (user: string) => string,
  kind: ItemKind,
): () => Promise<DavAccountWorld> {
  let n = 0;
  return async () => {
    const user = `person${++n}`;
    await server.addUser(user);
    return { ...davAccount({ url: server.url, home: home(user), user }, kind), close: async () => {} };
  };
}

function contentType(calendars: boolean): Readonly<Record<string, string>> {
  return { 'content-type': calendars ? 'text/calendar; charset=utf-8' : 'text/vcard; charset=utf-8' };
}
