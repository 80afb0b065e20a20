/** One account on one server: found once, then known to the session that asks. */
import dns from 'node:dns/promises';
import type { Access, Place } from '../../contract.js';
import type { FaultCode } from '../../errors.js';
import { Fault } from '../../errors.js';
import type { Collection, Collections } from './collections.js';
import { collectionsOf } from './collections.js';
import { HttpFault } from './faults.js';
import type { Flavour } from './flavour.js';
import { parentOf, pathOf, withSlash } from './hrefs.js';
import { DavHttp } from './http.js';
import type { Resource } from './multistatus.js';
import type { DavOptions } from './options.js';
import type { Name } from './xml.js';
import { child, document, propsAsked, textIn } from './xml.js';

export class DavAccount {
  readonly options: DavOptions;
  readonly flavour: Flavour;
  readonly #access: Access;
  #http: DavHttp | undefined;
  #home: string | undefined;
  #closed = false;
  /** The status that the last resource was refused with, while the home is looked for. */
  #answered: number | undefined;
  #collections: Collections | undefined;

  constructor(options: DavOptions, access: Access, flavour: Flavour) {
    this.options = options;
    this.flavour = flavour;
    this.#access = access;
  }

  close(): void {
    this.#closed = true;
    this.#http?.close();
  }

  get http(): DavHttp {
    if (!this.#http) throw new Fault('internal', 'the account was used before its home was found');
    return this.#http;
  }

  async place(signal: AbortSignal): Promise<Place> {
    const home = await this.home(signal);
    const system = `${this.flavour.scheme}:${this.http.origin}`;
    return { proof: `${system}${home}`, system };
  }

  /** The collection that holds the account's calendars or address books. Throws `Fault`. */
  async home(signal: AbortSignal): Promise<string> {
    if (this.#closed) throw new Fault('unavailable', 'the session was closed', { next: 'open another session' });
    signal.throwIfAborted();
    this.#home ??= await this.#find(signal);
    return this.#home;
  }

  /** The collections, without their states; asked for once, or `fresh`. */
  async collections(signal: AbortSignal, fresh = false): Promise<readonly Collection[]> {
    return (await this.inHome(signal, fresh)).own;
  }

  /** The same, with what else stands in the home. */
  async inHome(signal: AbortSignal, fresh = false): Promise<Collections> {
    if (fresh || !this.#collections) this.#collections = await collectionsOf(this, signal, { states: false });
    return this.#collections;
  }

  forgetCollections(): void {
    this.#collections = undefined;
  }

  async #find(signal: AbortSignal): Promise<string> {
    const { url, home } = this.options;
    const start = url.includes('://') ? new URL(url) : await lookUp(url, this.flavour.scheme, signal);
    this.#http ??= new DavHttp(this.options, this.#access, start.origin);
    if (home !== undefined) return this.#checked(withSlash(home), signal);
    const tried = new Map<string, string>();
    const wellKnown = `/.well-known/${this.flavour.scheme}`;
    const path = pathOf(start.pathname) ?? '/';
    for (const at of path === '/' ? [wellKnown, '/'] : [path, wellKnown, '/']) {
      if (tried.has(at)) continue;
      this.#answered = undefined;
      const found = await this.#homeFrom(at, signal);
      if (found !== undefined) return found;
      tried.set(at, answerWords(this.#answered));
    }
    const answers = [...tried].map(([at, said]) => `${at} ${said}`).join(', ');
    const denied = [...tried.values()].some((said) => said === answerWords(403));
    throw new Fault(
      'spec',
      `${this.http.origin}: no home of ${this.flavour.scheme} collections was found for the account (${answers})`,
      {
        next: denied
          ? 'the login is taken and has no rights there: give them to it, or name the path of its own home with `home`'
          : 'name the path of the home with `home`, or the whole URL with `url`',
      },
    );
  }

  /** From any resource of the account to its home: itself, its principal, or what its principal names. */
  async #homeFrom(path: string, signal: AbortSignal): Promise<string | undefined> {
    const { homeSet, type } = this.flavour;
    const here = await this.#propertiesOf(path, [homeSet, 'D:current-user-principal', 'D:resourcetype'], signal);
    if (!here) return undefined;
    const named = this.#hrefIn(here, homeSet);
    if (named !== undefined) return withSlash(named);
    const types = here.props.get('D:resourcetype');
    // A single collection: its neighbours are the account's others.
    if (child(types, type)) return parentOf(withSlash(pathOf(here.href) ?? path));
    const principal = this.#hrefIn(here, 'D:current-user-principal');
    if (principal === undefined) return undefined;
    const person = await this.#propertiesOf(principal, [homeSet], signal);
    const home = person && this.#hrefIn(person, homeSet);
    return home === undefined ? undefined : withSlash(home);
  }

  async #propertiesOf(path: string, names: readonly Name[], signal: AbortSignal): Promise<Resource | undefined> {
    const body = document('D:propfind', propsAsked(names));
    try {
      for await (const member of this.http.members(
        { method: 'PROPFIND', path, headers: { depth: '0' }, body },
        signal,
      )) {
        if ('resource' in member) return member.resource;
      }
    } catch (error) {
      // Not what we look for stands there; the next place is tried.
      const isPage = error instanceof HttpFault && error.status < 300;
      if (!isPage && !(error instanceof Fault && ELSEWHERE.has(error.code))) throw error;
      if (error instanceof HttpFault) this.#answered = error.status;
      return undefined;
    }
    return undefined;
  }

  /** The path in a property of one href. Throws `Fault('spec')` for another server: the login is not sent there unasked. */
  #hrefIn({ props }: Resource, name: Name): string | undefined {
    const href = textIn(props.get(name), 'D:href');
    if (href === undefined) return undefined;
    const { origin } = new URL(href, this.http.origin);
    if (/^https?:/i.test(href) && origin !== this.http.origin) {
      throw new Fault(
        'spec',
        `${this.http.origin} keeps the account at ${origin}, where the login is not sent unasked`,
        {
          next: `set url to ${origin}, if that is yours, too`,
        },
      );
    }
    return pathOf(href);
  }

  async #checked(home: string, signal: AbortSignal): Promise<string> {
    if (await this.#propertiesOf(home, ['D:resourcetype'], signal)) return home;
    throw new Fault('spec', `${this.http.origin}${home}: there is no such home`, { next: 'correct `home`' });
  }
}

const ELSEWHERE: ReadonlySet<FaultCode> = new Set(['not-found', 'refused', 'conflict']);

function answerWords(status: number | undefined): string {
  if (status === undefined) return 'names none';
  return status < 300 ? 'is a web page' : `answers ${status}`;
}

/**
 * A domain's server by DNS (RFC 6764, section 6): SRV names host and port, TXT the path; without them, the domain itself.
 * Whoever can answer for the DNS must not get the login: a server outside of the domain has to be named in the spec
 * (section 8). Throws `Fault('spec')` for one.
 */
async function lookUp(domain: string, scheme: Flavour['scheme'], signal: AbortSignal): Promise<URL> {
  const service = `_${scheme}s._tcp.${domain}`;
  // A domain without records is the usual case; the well-known address is tried then.
  const records = await dns.resolveSrv(service).catch(() => []);
  signal.throwIfAborted();
  const [best] = records
    .filter((one) => one.name !== '')
    .sort((a, b) => a.priority - b.priority || b.weight - a.weight);
  if (!best) return new URL(`https://${domain}/`);
  if (!isWithin(domain, best.name)) {
    throw new Fault('spec', `DNS names ${best.name}:${best.port} for ${domain}, which is outside of that domain`, {
      next: `set url to https://${best.name}:${best.port}/, if that is yours: the login is not sent there unasked`,
    });
  }
  const texts = (await dns.resolveTxt(service).catch(() => [])).map((parts) => parts.join(''));
  const path = texts.find((text) => text.startsWith('path='))?.slice('path='.length) ?? '/';
  return new URL(path, `https://${best.name}:${best.port}/`);
}

function isWithin(domain: string, host: string): boolean {
  const [outer, inner] = [domain, host].map((name) => name.toLowerCase().replace(/\.$/, '')) as [string, string];
  return inner === outer || inner.endsWith(`.${outer}`);
}
