/** One folder on one server, and the connection to it. */
import type { Access, Place } from '../contract.js';
import { Fault } from '../errors.js';
import { encodePath, pathOf, withSlash } from '../wire/dav/hrefs.js';
import { DavHttp } from '../wire/dav/http.js';
import { entryAt, membersOf } from '../wire/webdav/entries.js';
import { requestPath } from '../wire/webdav/paths.js';
import type { Tree } from '../wire/webdav/tree.js';
import type { WebdavOptions } from './manifest.js';

export class WebdavSession {
  readonly access: Access;
  readonly http: DavHttp;
  /** The path of the folder, with a slash at its end, in the form of connectors/wire/dav/hrefs.ts. */
  readonly root: string;
  readonly tree: Tree;
  #closed = false;
  #proven: Promise<void> | undefined;

  constructor(options: WebdavOptions, access: Access) {
    const { origin, pathname } = new URL(options.url);
    this.access = access;
    this.http = new DavHttp(options, access, origin);
    this.root = withSlash(pathOf(pathname) as string);
    const { http, root } = this;
    this.tree = {
      http,
      system: 'the source',
      pathOf: (key) => requestPath(root, key),
      membersOf: (folder, signal) => membersOf(http, folder, signal),
      entryAt: (path, signal) => entryAt(http, path, signal),
    };
  }

  close(): void {
    this.#closed = true;
    this.http.close();
  }

  check(signal: AbortSignal): void {
    signal.throwIfAborted();
    if (this.#closed) throw new Fault('unavailable', 'the session was closed', { next: 'open another session' });
  }

  /** Proves the login and the folder, once. Throws `Fault('not-found')` where there is none. */
  async open(signal: AbortSignal): Promise<void> {
    this.check(signal);
    this.#proven ??= this.#prove(signal);
    try {
      await this.#proven;
    } catch (error) {
      this.#proven = undefined;
      throw error;
    }
  }

  async place(signal: AbortSignal): Promise<Place> {
    await this.login(signal);
    const { protocol, host, port } = new URL(this.http.origin);
    const at = port ? host : `${host}:${protocol === 'https:' ? 443 : 80}`;
    return { proof: `webdav://${at}${encodePath(this.root)}`, system: `webdav://${at}` };
  }

  /** Proves the login alone: a target's folder may still have to be made. */
  async login(signal: AbortSignal): Promise<void> {
    this.check(signal);
    await entryAt(this.http, this.root, signal);
  }

  async #prove(signal: AbortSignal): Promise<void> {
    const there = await entryAt(this.http, this.root, signal);
    if (there?.folder) return;
    const what = there ? 'is a file, not a folder' : 'is not there';
    throw new Fault('not-found', `${this.http.origin}${encodePath(this.root)} ${what}`, {
      next: 'correct url, or make the folder',
    });
  }
}
