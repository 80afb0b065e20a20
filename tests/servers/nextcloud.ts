/**
 * A Nextcloud for tests: the endpoints that move files, written from the developer manual and from what the server's
 * sources do where the manual is silent, in front of a real Apache with mod_dav that holds the content. It keeps nothing
 * of Nextcloud's web pages, shares, trash or versions; requests for the last two are counted, for nobody may make them.
 */
import { mkdir, readdir } from 'node:fs/promises';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, relative } from 'node:path';
import { give, startApache } from './apache.js';
import { NEVER } from './keep-alive.js';
import { Refusal, refusals, send, sendRefusal } from './nextcloud-answers.js';
import { serveBulk } from './nextcloud-bulk.js';
import { filePath, serveFiles } from './nextcloud-files.js';
import { forbidden } from './nextcloud-names.js';
import type { NextcloudSettings, State } from './nextcloud-state.js';
import { createState, storedAt } from './nextcloud-state.js';
import { Storage } from './nextcloud-storage.js';
import { serveUploads } from './nextcloud-uploads.js';

/** The app password of every account here. */
export const APP_PASSWORD = 'secret';

export interface NextcloudOptions extends NextcloudSettings {
  /** User id. Default: `anna`. */
  readonly user?: string;
  /** What is written at the login, where it is not the id. */
  readonly login?: string;
}

export interface Asked {
  readonly method: string;
  /** Decoded. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly status: number;
}

export interface Nextcloud {
  readonly url: string;
  readonly user: string;
  readonly login: string;
  /** Every request so far, when it was answered. */
  readonly asked: readonly Asked[];
  /** How many requests were made of trash and versions. */
  forbiddenRequests(): number;
  /** Other settings from now on. */
  set(settings: Partial<NextcloudSettings>): void;
  maintenance(on: boolean): void;
  /** Somebody else holds a file locked, or no longer. */
  lock(path: string, on?: boolean): void;
  /** The next bodies that arrive are damaged on their way. */
  damage(bodies: number): void;
  /** The next MOVE of chunks is answered 504; the file is put together when `land` is called. */
  slowAssembly(): { land(): Promise<void> };
  /** What the job does that runs once a day: uploads without an end are gone. */
  expireUploads(): Promise<void>;
  /** Tokens of uploads that are there. */
  uploads(): Promise<string[]>;
  /** All there is below a folder, sorted; folders with a slash behind. */
  list(folder: string): Promise<string[]>;
  /** Another program at work, with the same account; throws for a status that is no success. */
  ask(method: string, path: string, headers?: Readonly<Record<string, string>>, body?: Buffer): Promise<Response>;
  stop(): Promise<void>;
}

export async function startNextcloud(options: NextcloudOptions = {}): Promise<Nextcloud> {
  const { user = 'anna', login = user, ...settings } = options;
  const apache = await startApache({ users: ['nextcloud'] });
  const folder = join(apache.folder, 'nextcloud');
  for (const name of [['files'], ['files', user], ['uploads'], ['uploads', user], ['aside']]) {
    await mkdir(join(folder, ...name));
    await give(join(folder, ...name));
  }
  const authorization = basic('nextcloud', 'secret');
  const storage = new Storage({ url: `${apache.url}/nextcloud`, folder, authorization });
  const state = createState(user, storage, settings);
  const asked: Asked[] = [];

  const server = createServer({ noDelay: true, keepAliveTimeout: NEVER }, (request, response) => {
    const { method = '', url = '', headers } = request;
    response.once('close', () => {
      const status = response.headersSent ? response.statusCode : 0;
      asked.push({ method, path: decodeURIComponent(url), headers, status });
    });
    serve(state, login, request, response).catch((error: unknown) => {
      // What was not read of the body would be taken for the next request.
      if (!request.complete) response.shouldKeepAlive = false;
      sendRefusal(response, error);
    });
  });
  await new Promise<void>((go) => server.listen(0, '127.0.0.1', go));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    url,
    user,
    login,
    asked,
    forbiddenRequests: () => asked.filter(({ path }) => /\/dav\/(trashbin|versions)\//.test(path)).length,
    set: (more) => {
      state.settings = { ...state.settings, ...more };
    },
    maintenance: (on) => {
      state.maintenance = on;
    },
    lock: (path, on = true) => void (on ? state.locked.add(path) : state.locked.delete(path)),
    damage: (bodies) => {
      state.damaged = bodies;
    },
    slowAssembly() {
      let go = (): void => {};
      state.slow = new Promise<void>((resolve) => {
        go = resolve;
      });
      return {
        async land() {
          go();
          await Promise.all(state.background);
        },
      };
    },
    async expireUploads() {
      for (const { name } of await storage.members(`uploads/${user}`))
        await storage.done('DELETE', `uploads/${user}/${name}/`);
    },
    uploads: async () => (await storage.members(`uploads/${user}`)).map(({ name }) => name),
    async list(below) {
      const at = storage.fileAt(storedAt(state, below));
      const found = await readdir(at, { recursive: true, withFileTypes: true });
      return found.map((one) => join(relative(at, one.parentPath), one.name) + (one.isDirectory() ? '/' : '')).sort();
    },
    async ask(method, path, headers = {}, body) {
      const at = `${url}/remote.php/dav/files/${user}/${path.split('/').map(encodeURIComponent).join('/')}`;
      const response = await fetch(at, {
        method,
        headers: { authorization: basic(login, APP_PASSWORD), ...headers },
        ...(body !== undefined && { body: new Uint8Array(body) }),
      });
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
      return response;
    },
    async stop() {
      await new Promise<void>((go) => {
        server.close(() => go());
        server.closeAllConnections();
      });
      storage.close();
      await apache.stop();
    },
  };
}

async function serve(state: State, login: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { url = '', headers } = request;
  const path = url.replace(/[?#].*$/s, '');
  if (path === '/status.php') return sendJson(response, statusOf(state));
  if (state.maintenance) {
    const told = { 'retry-after': '120', 'x-nextcloud-maintenance-mode': '1' };
    throw new Refusal(503, 'Sabre\\DAV\\Exception\\ServiceUnavailable', 'System is in maintenance mode.', told);
  }
  const known = headers.authorization === basic(login, APP_PASSWORD);
  if (path === '/ocs/v2.php/cloud/capabilities') return sendOcs(response, known ? capabilitiesOf(state) : {});
  if (!known) {
    const asks = { 'www-authenticate': 'Basic realm="Nextcloud", charset="UTF-8"' };
    throw new Refusal(401, 'Sabre\\DAV\\Exception\\NotAuthenticated', 'No public access to this resource.', asks);
  }
  if (path === '/ocs/v2.php/cloud/user') return sendOcs(response, { id: state.user, enabled: true });
  if (path === '/remote.php/dav/bulk' && request.method === 'POST') return serveBulk(state, request, response);
  const file = filePath(state, url);
  if (file !== undefined) return serveFiles(state, file, request, response);
  const uploads = `/remote.php/dav/uploads/${encodeURIComponent(state.user)}/`;
  if (path.startsWith(uploads)) return serveUploads(state, path.slice(uploads.length), request, response);
  throw refusals.notFound(path);
}

function statusOf({ maintenance }: State): object {
  return {
    installed: true,
    maintenance,
    needsDbUpgrade: false,
    version: '31.0.5.1',
    versionstring: '31.0.5',
    edition: '',
    productname: 'Nextcloud',
    extendedSupport: false,
  };
}

function capabilitiesOf({ settings }: State): object {
  const { characters, names, basenames, extensions } = forbidden(settings.names);
  return {
    version: { major: 31, minor: 0, micro: 5, string: '31.0.5', edition: '', extendedSupport: false },
    capabilities: {
      dav: { chunking: '1.0', ...(settings.bulkUpload !== false && { bulkupload: '1.0' }) },
      files: {
        bigfilechunking: true,
        blacklisted_files: names,
        forbidden_filenames: names,
        forbidden_filename_basenames: basenames,
        forbidden_filename_characters: characters,
        forbidden_filename_extensions: extensions,
        chunked_upload: { max_size: settings.maxChunkBytes ?? 104_857_600, max_parallel_count: 5 },
        undelete: true,
        versioning: true,
      },
    },
  };
}

function sendOcs(response: ServerResponse, data: object): void {
  sendJson(response, { ocs: { meta: { status: 'ok', statuscode: 200, message: 'OK' }, data } });
}

function sendJson(response: ServerResponse, value: object): void {
  send(response, 200, { 'content-type': 'application/json; charset=utf-8' }, JSON.stringify(value));
}

function basic(name: string, password: string): string {
  return `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;
}
