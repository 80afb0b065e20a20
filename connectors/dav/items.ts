/** Items of a collection: names and versions without content, content by the hundred. */
import { Fault } from '../errors.js';
import { compareKeys } from '../key-order.js';
import type { DavAccount } from './account.js';
import { whole } from './answer-body.js';
import { encodePath, nameIn } from './hrefs.js';
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

/** Every item by name, unsorted, as the server tells them. `collection` is a container's key. */
export async function* listItems(account: DavAccount, collection: string, signal: AbortSignal): AsyncGenerator<Listed> {
  const body = document('D:propfind', propsAsked(['D:getetag', 'D:getcontentlength', 'D:resourcetype']));
  const asking = { method: 'PROPFIND', path: collection, headers: { depth: '1' }, body };
  for await (const member of account.http.members(asking, signal)) {
    if (!('resource' in member)) continue;
    const { href, props } = member.resource;
    const name = nameIn(collection, href);
    const etag = props.get('D:getetag')?.text;
    if (name === undefined || !etag || (props.get('D:resourcetype')?.children.length ?? 0) > 0) continue;
    yield { name, version: versionOf(etag), bytes: Number(props.get('D:getcontentlength')?.text) || 0 };
  }
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
    const asking = { method: 'PROPFIND', path: collection + name, headers: { depth: '0' }, body };
    try {
      for await (const member of account.http.members(asking, signal)) {
        const etag = 'resource' in member ? member.resource.props.get('D:getetag')?.text : undefined;
        if (etag) yield { name, version: versionOf(etag) };
      }
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'not-found') throw error;
    }
  }
}

/** All of them in the order of listings. About 100 bytes an item are held. */
export async function listSorted(account: DavAccount, collection: string, signal: AbortSignal): Promise<Listed[]> {
  const all: Listed[] = [];
  for await (const one of listItems(account, collection, signal)) all.push(one);
  return all.sort((a, b) => compareKeys(a.name, b.name));
}

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

/**
 * Content by name, in the order asked; names that are not there are left out. A server that refuses to answer for many
 * at once, or answers badly, is asked for each. `refused` hears of items that the server does not give even then;
 * without it, the first of them is thrown.
 */
export async function* getItems(
  account: DavAccount,
  collection: string,
  names: readonly string[],
  signal: AbortSignal,
  refused?: (name: string, fault: Fault) => void,
): AsyncGenerator<Content> {
  const single = async (name: string): Promise<Content | undefined> => {
    try {
      return await getItem(account, collection, name, signal);
    } catch (error) {
      if (!refused || !(error instanceof Fault) || error.code !== 'refused') throw error;
      refused(name, error);
      return undefined;
    }
  };
  let size = FIRST;
  for (let at = 0; at < names.length; ) {
    const batch = names.slice(at, at + size);
    at += batch.length;
    const found = await multiget(account, collection, batch, signal);
    const bytes = [...found.values()].reduce((sum, one) => sum + (one?.body.length ?? 0), 0);
    size = Math.min(MOST, size * 4, Math.max(1, Math.floor((BYTES * batch.length) / Math.max(1, bytes))));
    for (const name of batch) {
      const content = found.get(name) ?? (found.has(name) ? undefined : await single(name));
      if (content) yield content;
    }
  }
}

/** Undefined: it is not there. What the answer leaves out is not in the map. */
async function multiget(
  account: DavAccount,
  collection: string,
  names: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, Content | undefined>> {
  const { multiget: report, data } = account.flavour;
  const hrefs = names.map((name) => `<D:href>${encodePath(collection + name).replaceAll('&', '&amp;')}</D:href>`);
  const body = document(report, propsAsked(['D:getetag', data]) + hrefs.join(''));
  const found = new Map<string, Content | undefined>();
  try {
    const asking = { method: 'REPORT', path: collection, headers: { depth: '1' }, body };
    for await (const member of account.http.members(asking, signal)) {
      if (!('resource' in member)) continue;
      const { href, props, status } = member.resource;
      const name = nameIn(collection, href);
      if (name === undefined) continue;
      const etag = props.get('D:getetag')?.text;
      const text = props.get(data)?.text;
      if (status === 404 || status === 410) found.set(name, undefined);
      else if (etag && text) found.set(name, { name, version: versionOf(etag), body: contentOf(text) });
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
  const asking = { method: 'GET', path: collection + name };
  const answer = await account.http.askFollowing(asking, signal);
  if (answer.status === 200) {
    const body = await whole(answer.body, MOST_ITEM);
    if (!body)
      throw new Fault('refused', `${account.http.where(asking)}: the item has more than 64 MiB`, {
        next: 'look at it in the source, and take out what is attached to it',
      });
    return { name, version: versionOf(answer.headers.etag ?? ''), body };
  }
  const fault = await account.http.fault(asking, answer);
  if (fault.code === 'not-found') return undefined;
  throw fault;
}
