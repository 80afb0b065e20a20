/**
 * A WebDAV server as WsgiDAV and golang.org/x/net/webdav are: a PUT is written into the file itself while it arrives, so
 * that what is cut off, or does not fit, stays there as it is. In memory, and with bad habits to be set by a test.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { NEVER } from './keep-alive.js';

export interface Habits {
  /** Whether it looks at If-Match, If-None-Match and If: WsgiDAV does, x/net/webdav does not. */
  conditions: boolean;
  /** Bytes that fit in all; what goes beyond is answered with `full`, and what came by then stays. */
  room: number;
  full: number;
  /** Resets the connection of a PUT when so many bytes of it have come. */
  cut: ((path: string) => number | undefined) | undefined;
  /** What stands instead of an answer to any request; undefined: it is served. */
  reply: ((method: string, path: string, to: string | undefined) => number | undefined) | undefined;
  /** Takes it, gives it when it is asked for by its name, and does not list it. */
  hides: ((name: string) => boolean) | undefined;
  /** Collects a whole PUT before it writes anything, as servers behind nginx are given it. */
  whole: boolean;
  /** MOVE takes away what stands in its place first, and then fails with 500: once. */
  stumbles: boolean;
}

export interface InPlaceDav {
  readonly url: string;
  readonly habits: Habits;
  /** Content by path, folders by a path with a slash at the end. */
  readonly files: Map<string, { bytes: Buffer; version: number; modified: number }>;
  /** `METHOD path`, in order; a PROPFIND of depth 1 is `PROPFIND listing path`. */
  readonly asked: string[];
  /** What another program puts there. */
  put(path: string, content: Buffer | string, modified?: number): void;
  stop(): Promise<void>;
}

export async function startInPlaceDav(habits: Partial<Habits> = {}): Promise<InPlaceDav> {
  const files: InPlaceDav['files'] = new Map();
  const set: Habits = {
    conditions: true,
    room: Number.POSITIVE_INFINITY,
    full: 507,
    cut: undefined,
    reply: undefined,
    hides: undefined,
    whole: false,
    stumbles: false,
    ...habits,
  };
  const asked: string[] = [];
  let versions = 0;
  const put = (path: string, content: Buffer | string, modified = Date.now()): void => {
    for (let at = path.indexOf('/', 1); at !== -1; at = path.indexOf('/', at + 1)) folder(path.slice(0, at + 1));
    if (!path.endsWith('/')) files.set(path, { bytes: Buffer.from(content), version: ++versions, modified });
  };
  const folder = (path: string): void => {
    if (!files.has(path)) files.set(path, { bytes: Buffer.alloc(0), version: ++versions, modified: Date.now() });
  };
  folder('/');
  const etag = (path: string): string => `"${files.get(path)?.bytes.length}-${files.get(path)?.version}"`;
  const used = (): number => [...files.values()].reduce((sum, { bytes }) => sum + bytes.length, 0);
  const parent = (path: string): string => path.slice(0, path.replace(/\/$/, '').lastIndexOf('/') + 1);

  const describe = (path: string): string => {
    const { bytes, modified } = files.get(path) as { bytes: Buffer; modified: number };
    const href = path.split('/').map(encodeURIComponent).join('/');
    const what = path.endsWith('/')
      ? '<D:resourcetype><D:collection/></D:resourcetype>'
      : `<D:resourcetype/><D:getcontentlength>${bytes.length}</D:getcontentlength><D:getetag>${etag(path).replaceAll('"', '&quot;')}</D:getetag>`;
    const date = new Date(modified).toUTCString();
    return `<D:response><D:href>${href}</D:href><D:propstat><D:prop>${what}<D:getlastmodified>${date}</D:getlastmodified></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>`;
  };

  const holds = ({ headers }: IncomingMessage, path: string): boolean => {
    if (!set.conditions) return true;
    if (headers['if-none-match'] === '*' && files.has(path)) return false;
    const wanted = headers['if-match'];
    if (typeof wanted === 'string' && (!files.has(path) || (wanted !== '*' && wanted !== etag(path)))) return false;
    const tagged = /^<([^>]*)> \(\[(.*)\]\)$/.exec(typeof headers.if === 'string' ? headers.if : '');
    return !tagged || etag(decodeURIComponent(new URL(tagged[1] as string).pathname)) === tagged[2];
  };

  const write = async (request: IncomingMessage, path: string): Promise<number> => {
    if (!files.has(parent(path))) return 409;
    if (files.has(`${path}/`)) return 405;
    if (!holds(request, path)) return 412;
    const made = !files.has(path);
    const file = { bytes: Buffer.alloc(0), version: ++versions, modified: Date.now() };
    const cut = set.cut?.(path);
    if (!set.whole) files.set(path, file);
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      const next = Buffer.concat([file.bytes, chunk as Buffer]);
      const most = Math.min(cut ?? next.length, file.bytes.length + set.room - used());
      file.bytes = Buffer.from(next.subarray(0, most));
      if (cut !== undefined && next.length >= cut) return 0;
      if (most < next.length) return set.full;
    }
    files.set(path, file);
    return made ? 201 : 204;
  };

  const move = (request: IncomingMessage, path: string): number => {
    const to = decodeURIComponent(new URL(String(request.headers.destination)).pathname);
    const file = files.get(path);
    if (!file) return 404;
    if (!files.has(parent(to))) return 409;
    if (request.headers.overwrite === 'F' && files.has(to)) return 412;
    if (!holds(request, to)) return 412;
    const made = !files.delete(to);
    if (set.stumbles) {
      set.stumbles = false;
      return 500;
    }
    files.set(to, file);
    files.delete(path);
    return made ? 201 : 204;
  };

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const method = request.method as string;
    const path = decodeURIComponent(request.url as string);
    asked.push(`${method}${request.headers.depth === '1' ? ' listing' : ''} ${path}`);
    const answer = (status: number, body: Buffer | string = '', headers: Record<string, string> = {}): void => {
      if (status === 0) return void request.socket.resetAndDestroy();
      response.writeHead(status, { dav: '1', ...headers, 'content-length': String(Buffer.byteLength(body)) });
      response.end(method === 'HEAD' ? '' : body);
    };
    const to = request.headers.destination;
    const told = set.reply?.(method, path, typeof to === 'string' ? to : undefined);
    if (told !== undefined) {
      request.resume();
      return answer(told);
    }
    switch (method) {
      case 'OPTIONS':
        return answer(200);
      case 'PROPFIND': {
        request.resume();
        const at = files.has(path) ? path : `${path}/`;
        if (!files.has(at)) return answer(404);
        const inner = [...files.keys()].filter((one) => one !== at && parent(one) === at);
        const shown = inner.filter((one) => !set.hides?.(one.slice(at.length).replace(/\/$/, '')));
        const all = request.headers.depth === '0' ? [at] : [at, ...shown];
        const xml = `<?xml version="1.0"?><D:multistatus xmlns:D="DAV:">${all.map(describe).join('')}</D:multistatus>`;
        return answer(207, xml, { 'content-type': 'application/xml' });
      }
      case 'PUT': {
        const status = await write(request, path);
        request.resume();
        return answer(status, '', status < 300 && status > 0 && set.conditions ? { etag: etag(path) } : {});
      }
      case 'GET': {
        const file = files.get(path);
        if (!file || path.endsWith('/')) return answer(file ? 405 : 404);
        const date = new Date(file.modified).toUTCString();
        return answer(200, file.bytes, { etag: etag(path), 'last-modified': date });
      }
      case 'MKCOL':
        if (files.has(path) || files.has(path.slice(0, -1))) return answer(405);
        if (!files.has(parent(path))) return answer(409);
        folder(path);
        return answer(201);
      case 'MOVE':
        return answer(move(request, path));
      case 'DELETE': {
        if (!holds(request, path)) return answer(412);
        const gone = [...files.keys()].filter((one) => one === path || (path.endsWith('/') && one.startsWith(path)));
        for (const one of gone) files.delete(one);
        return answer(gone.length > 0 ? 204 : 404);
      }
      default:
        return answer(405);
    }
  };

  const server = createServer({ noDelay: true, keepAliveTimeout: NEVER }, (request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((go) => server.listen(0, '127.0.0.1', go));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    habits: set,
    files,
    asked,
    put,
    stop: () =>
      new Promise((go) => {
        server.close(() => go());
        server.closeAllConnections();
      }),
  };
}
