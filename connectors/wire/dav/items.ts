/** Items of a collection: names and versions without content, content by the hundred. */
import { Fault } from '../../errors.js';
import { compareKeys } from '../../kinds/key-order.js';
import type { DavAccount } from './account.js';
import { drain, whole } from './answer-body.js';
import { HttpFault } from './faults.js';
import { encodePath, nameIn, pathOf, withSlash } from './hrefs.js';
import type { Resource } from './multistatus.js';
import { document, propsAsked } from './xml.js';

export interface Listed {
  readonly name: string;
  readonly version: string;
  readonly bytes: number;
}

/** An ETag as a version: without quotes, which not every server writes everywhere, and without the mark of weak ones. */
export function versionOf(etag: string): string {
  return etag
    .trim()
    .replace(/^W\//, '')
    .replace(/^"(.*)"$/s, '$1');
}

/** The condition that an item still has this version. */
export function ifMatch(version: string): Record<string, string> {
  return { 'if-match': `"${version}"` };
}

/** The server listed a part of the collection, and said so. */
export class ListingCut extends Fault {
  constructor(where: string, cause?: unknown) {
    super('refused', `${where}: the server lists only a part of the collection (507)`, {
      next: 'raise its limit of results, or split the collection',
      ...(cause !== undefined && { cause }),
    });
  }
}

/** What is asked of each item in a listing. */
export const LISTED = propsAsked(['D:getetag', 'D:getcontentlength', 'D:resourcetype']);

/**
 * Every item by name, unsorted, as the server tells them. `collection` is a container's key. What it names and does not
 * describe has the version `''`. Throws `ListingCut` at the end of a listing that is not whole.
 */
export async function* listItems(account: DavAccount, collection: string, signal: AbortSignal): AsyncGenerator<Listed> {
  const body = document('D:propfind', LISTED);
  const request = { method: 'PROPFIND', path: collection, headers: { depth: '1' }, body };
  let cut = false;
  try {
    for await (const member of account.http.members(request, signal)) {
      if (!('resource' in member)) continue;
      if (isCut(collection, member.resource)) cut = true;
      const one = listedIn(collection, member.resource);
      if (one) yield one;
    }
  } catch (error) {
    // As the answer to the whole: a limit of results, not of room.
    if (error instanceof HttpFault && error.status === 507) throw new ListingCut(account.http.where(request), error);
    throw error;
  }
  if (cut) throw new ListingCut(account.http.where(request));
}

/** RFC 6578, 3.6: 507 for the collection itself says that there is more. */
export function isCut(collection: string, { href, status }: Resource): boolean {
  return status === 507 && withSlash(pathOf(href) ?? '') === collection;
}

/** The item that a member of a listing is; undefined for what is none, or gone. */
export function listedIn(collection: string, { href, props, status }: Resource): Listed | undefined {
  const name = nameIn(collection, href);
  if (name === undefined || (props.get('D:resourcetype')?.children.length ?? 0) > 0) return undefined;
  if (status === 404 || status === 410) return undefined;
  const etag = props.get('D:getetag')?.text;
  return { name, version: etag ? versionOf(etag) : '', bytes: Number(props.get('D:getcontentlength')?.text) || 0 };
}

/** Those of a few items, each asked for by itself; what is not there is left out. */
export async function* versionsOf(
  account: DavAccount,
  collection: string,
  names: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<Pick<Listed, 'name' | 'version'>> {
  const body = document('D:propfind', propsAsked(['D:getetag']));
  for (const name of names) {
    const request = { method: 'PROPFIND', path: collection + name, headers: { depth: '0' }, body };
    try {
      for await (const member of account.http.members(request, signal)) {
        const etag = 'resource' in member ? member.resource.props.get('D:getetag')?.text : undefined;
        if (etag) yield { name, version: versionOf(etag) };
      }
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'not-found') throw error;
    }
  }
}

/** All that are described, in the order of listings. About 100 bytes an item are held. */
export async function listSorted(account: DavAccount, collection: string, signal: AbortSignal): Promise<Listed[]> {
  const all: Listed[] = [];
  for await (const one of listItems(account, collection, signal)) if (one.version !== '') all.push(one);
  return all.sort(byName);
}

export const byName = (a: Listed, b: Listed): number => compareKeys(a.name, b.name);

export interface Content {
  readonly name: string;
  readonly version: string;
  readonly body: Buffer;
}

/** Names asked for in one request: more save little, and are held at once. */
const MOST = 100;
const FIRST = 20;
/** What an answer should hold, about. */
const BYTES = 2 * 1024 * 1024;

/** Hears of an item that the server does not give; `again`: it may later. */
export type Refusing = (name: string, fault: Fault, again: boolean) => void;

/**
 * Content by name, in the order asked; names that are not there are left out. What a server does not answer for many at
 * once, or answers badly, is asked for by itself. `refused` hears of items that it does not give even then; without it,
 * the first of them is thrown.
 */
export async function* getItems(
  account: DavAccount,
  collection: string,
  names: readonly string[],
  signal: AbortSignal,
  refused?: Refusing,
): AsyncGenerator<Content> {
  let size = FIRST;
  for (let at = 0; at < names.length; ) {
    const batch = names.slice(at, at + size);
    at += batch.length;
    const found = await multiget(account, collection, batch, signal);
    const bytes = [...found.values()].reduce((sum, one) => sum + one.body.length, 0);
    size = Math.min(MOST, size * 4, Math.max(1, Math.floor((BYTES * batch.length) / Math.max(1, bytes))));
    for (const name of batch) {
      // Also what it says is not there: it was listed a moment ago.
      const content = found.get(name) ?? (await getAlone(account, collection, name, signal, refused));
      if (content) yield content;
    }
  }
}

async function getAlone(
  account: DavAccount,
  collection: string,
  name: string,
  signal: AbortSignal,
  refused?: Refusing,
): Promise<Content | undefined> {
  try {
    return await getItem(account, collection, name, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!refused || !(error instanceof Fault)) throw error;
    const again = error.code === 'unavailable' && (await answers(account, collection, signal));
    if (!again && error.code !== 'refused') throw error;
    refused(name, error, again);
    return undefined;
  }
}

/** Whether the server is well but for one item. */
async function answers(account: DavAccount, collection: string, signal: AbortSignal): Promise<boolean> {
  const request = { method: 'PROPFIND', path: collection, headers: { depth: '0' } };
  try {
    const answer = await account.http.ask(request, signal);
    await drain(answer.body);
    return answer.status === 207;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}

/** What the answer gives; what it leaves out, or says is not there, is not in the map. */
async function multiget(
  account: DavAccount,
  collection: string,
  names: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, Content>> {
  const { multiget: report, data } = account.flavour;
  const hrefs = names.map((name) => `<D:href>${encodePath(collection + name).replaceAll('&', '&amp;')}</D:href>`);
  const body = document(report, propsAsked(['D:getetag', data]) + hrefs.join(''));
  const found = new Map<string, Content>();
  try {
    const request = { method: 'REPORT', path: collection, headers: { depth: '1' }, body };
    for await (const member of account.http.members(request, signal)) {
      if (!('resource' in member)) continue;
      const { href, props } = member.resource;
      const name = nameIn(collection, href);
      const etag = props.get('D:getetag')?.text;
      const text = props.get(data)?.text;
      if (name !== undefined && etag && text)
        found.set(name, { name, version: versionOf(etag), body: contentOf(text) });
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof Fault) || !['refused', 'unavailable', 'internal', 'conflict'].includes(error.code))
      throw error;
    // One item that the server cannot put into XML must not cost its neighbours.
  }
  return found;
}

/** XML makes every line end a line feed (XML 1.0, 2.11); both formats end their lines with CRLF. */
function contentOf(text: string): Buffer {
  return Buffer.from(text.replace(/^\s+(?=BEGIN:)/i, '').replace(/\r\n|\r|\n/g, '\r\n'));
}

/** As much as one component of an export file may have. */
const MOST_ITEM = 64 * 1024 * 1024;

/** Undefined when it is not there. Throws `Fault` for any other answer. */
export async function getItem(
  account: DavAccount,
  collection: string,
  name: string,
  signal: AbortSignal,
): Promise<Content | undefined> {
  const request = { method: 'GET', path: collection + name } as const;
  const answer = await account.http.askFollowing(request, signal);
  if (answer.status === 200) {
    const body = await whole(answer.body, MOST_ITEM);
    if (!body)
      throw new Fault('refused', `${account.http.where(request)}: the item has more than 64 MiB`, {
        next: 'look at it in the source, and take out what is attached to it',
      });
    return { name, version: versionOf(answer.headers.etag ?? ''), body };
  }
  const fault = await account.http.fault(request, answer);
  if (fault.code === 'not-found') return undefined;
  throw fault;
}
