/** One account of one instance: found once, then known to the session that asks. */
import type { Access, Place } from '../contract.js';
import { Fault } from '../errors.js';
import { encodePath, segmentOf } from '../wire/dav/hrefs.js';
import { DavHttp } from '../wire/dav/http.js';
import type { Capabilities } from './capabilities.js';
import { readCapabilities, readUserId } from './capabilities.js';
import type { NextcloudOptions } from './manifest.js';
import { namesOf } from './paths.js';
import { quotaOf } from './properties.js';

/** Where the account's things are. All paths are in the form of connectors/wire/dav/hrefs.ts and end with a slash. */
export interface Roots {
  /** Of the instance: `/`, or a folder of the web server. */
  readonly base: string;
  /** User id, as it stands in paths. */
  readonly user: string;
  /** The account's files, all of them. */
  readonly home: string;
  /** What is moved: the home, or a folder in it. */
  readonly files: string;
  /** Chunks of large files. */
  readonly uploads: string;
  readonly capabilities: Capabilities;
}

export class NextcloudSession {
  readonly options: NextcloudOptions;
  readonly access: Access;
  readonly http: DavHttp;
  #roots: Promise<Roots> | undefined;
  #known: Roots | undefined;
  #closed = false;

  constructor(options: NextcloudOptions, access: Access) {
    this.options = options;
    this.access = access;
    this.http = new DavHttp(options, access, new URL(options.url).origin);
  }

  close(): void {
    this.#closed = true;
    this.http.close();
  }

  /** Finds the account and proves the login, at the first call. Throws `Fault`. */
  async roots(signal: AbortSignal): Promise<Roots> {
    if (this.#closed) throw new Fault('unavailable', 'the session was closed', { next: 'open another session' });
    signal.throwIfAborted();
    this.#roots ??= this.#find(signal);
    try {
      this.#known = await this.#roots;
      return this.#known;
    } catch (error) {
      this.#roots = undefined;
      throw error;
    }
  }

  /** What was found, once it was. */
  get known(): Roots | undefined {
    return this.#known;
  }

  async place(signal: AbortSignal): Promise<Place> {
    const { base, files } = await this.roots(signal);
    const { host } = new URL(this.http.origin);
    const port = host.includes(':') ? host : `${host}:${this.http.origin.startsWith('https') ? 443 : 80}`;
    const below = files.slice(`${base}remote.php/dav`.length);
    return {
      proof: `nextcloud://${port}${encodePath(base.slice(0, -1) + below)}`,
      system: `nextcloud://${port}${encodePath(base.slice(0, -1))}`,
    };
  }

  async #find(signal: AbortSignal): Promise<Roots> {
    const { base, user: named, below } = addressOf(this.options);
    const user = named ?? segmentOf(await readUserId(this.http, base, signal));
    const dav = `${base}remote.php/dav/`;
    const home = `${dav}files/${user}/`;
    const capabilities = await readCapabilities(this.http, base, signal);
    // Capabilities are told to anybody: the home proves the login.
    await quotaOf(this.http, home, signal);
    return {
      base,
      user,
      home,
      files: home + below.map((name) => `${segmentOf(name)}/`).join(''),
      uploads: `${dav}uploads/${user}/`,
      capabilities,
    };
  }
}

/** Everything before `remote.php` is the instance; behind `dav/files` stands the user, and behind him a folder. */
function addressOf({ url, folder = '' }: NextcloudOptions): {
  readonly base: string;
  readonly user: string | undefined;
  readonly below: readonly string[];
} {
  const { pathname } = new URL(url);
  const [, before = pathname, behind] = /^(.*?)\/(?:index\.php\/)?remote\.php\/(.*)$/s.exec(pathname) ?? [];
  const base = before.replace(/(?<!\/)(?:\/index\.php)?\/*$/, '');
  const names = namesOf(base, decoded);
  const inside = namesOf(behind ?? '', decoded);
  const further = namesOf(folder);
  if (!names || !inside || !further) throw leads(url, folder);
  const at = names.map((name) => `/${segmentOf(name)}`).join('');
  if (inside.length === 0) return { base: `${at}/`, user: undefined, below: further };
  // The address of older clients: the files of whoever logs in.
  if (inside[0] === 'webdav') return { base: `${at}/`, user: undefined, below: [...inside.slice(1), ...further] };
  const [dav, files, user, ...below] = inside;
  if (dav !== 'dav' || (files !== undefined && files !== 'files')) throw leads(url, folder);
  return { base: `${at}/`, user: user === undefined ? undefined : segmentOf(user), below: [...below, ...further] };
}

function leads(url: string, folder: string): Fault {
  return new Fault(
    'spec',
    `${new URL(url).origin}: neither url nor folder (${folder || 'not set'}) may lead out of the files`,
    {
      next: 'use the URL of the instance, or .../remote.php/dav/files/USER, and a plain path as folder',
    },
  );
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    // Not encoded after all.
    return segment;
  }
}
