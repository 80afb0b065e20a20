/** What a server tells of an entry: one PROPFIND for an entry, or for the members of a folder. */
import type { DavHttp } from '../dav/http.js';
import type { Resource } from '../dav/multistatus.js';
import { document, propsAsked } from '../dav/xml.js';
import { Fault } from '../errors.js';
import type { FileMeta } from '../files.js';
import { memberName } from './paths.js';

export interface Entry {
  readonly folder: boolean;
  /** ETag without quotes and without the mark of weak ones; where there is none, size and date. */
  readonly version: string;
  /** The server says that another content may have the same (RFC 9110, 8.8.1), as Apache does within a second. */
  readonly weak: boolean;
  readonly bytes: number;
  /** ISO 8601; whole seconds. */
  readonly modified: string | undefined;
  readonly created: string | undefined;
}

export interface Member extends Entry {
  readonly name: string;
  readonly safe: boolean;
}

const ASKED = document(
  'D:propfind',
  propsAsked(['D:getetag', 'D:getcontentlength', 'D:getlastmodified', 'D:creationdate', 'D:resourcetype']),
);

/** Members of a folder (a request's path with a slash at its end). Throws `Fault('not-found')` when it is not there. */
export async function* membersOf(http: DavHttp, folder: string, signal: AbortSignal): AsyncGenerator<Member> {
  const asking = { method: 'PROPFIND', path: folder, headers: { depth: '1' }, body: ASKED };
  let itself = false;
  for await (const member of http.members(asking, signal)) {
    if (!('resource' in member)) continue;
    const { resource } = member;
    if (resource.status !== undefined && resource.status >= 400) continue;
    const named = memberName(folder, resource.href);
    if (named) yield { ...named, ...entryOf(resource) };
    else itself = true;
  }
  // A proxy that rewrites hrefs must not make a full folder look empty.
  if (itself) return;
  throw new Fault('unavailable', `${http.where(asking)}: the listing does not speak of the folder asked for`, {
    next: 'check that url is the address under which the server knows itself',
  });
}

/** One entry; undefined when it is not there. Throws `Fault` for any other answer. */
export async function entryAt(http: DavHttp, path: string, signal: AbortSignal): Promise<Entry | undefined> {
  const asking = { method: 'PROPFIND', path, headers: { depth: '0' }, body: ASKED };
  let found: Resource | undefined;
  try {
    for await (const member of http.members(asking, signal)) if ('resource' in member) found ??= member.resource;
  } catch (error) {
    if (error instanceof Fault && error.code === 'not-found') return undefined;
    throw error;
  }
  return found && (found.status ?? 200) < 400 ? entryOf(found) : undefined;
}

/** Bytes that still fit (RFC 4331); undefined where the server does not tell. */
export async function roomIn(http: DavHttp, folder: string, signal: AbortSignal): Promise<number | undefined> {
  const body = document('D:propfind', propsAsked(['D:quota-available-bytes']));
  let room: number | undefined;
  for await (const member of http.members(
    { method: 'PROPFIND', path: folder, headers: { depth: '0' }, body },
    signal,
  )) {
    const told = 'resource' in member ? member.resource.props.get('D:quota-available-bytes')?.text.trim() : undefined;
    if (told !== undefined && /^\d+$/.test(told)) room ??= Number(told);
  }
  return room;
}

export function metaOf({ folder, modified, created }: Entry): FileMeta {
  return {
    type: folder ? 'folder' : 'file',
    ...(modified !== undefined && !folder && { modified }),
    ...(created !== undefined && !folder && { created }),
  };
}

function entryOf({ props }: Resource): Entry {
  const text = (name: string): string => props.get(name)?.text.trim() ?? '';
  const folder = (props.get('D:resourcetype')?.children ?? []).some(({ name }) => name === 'D:collection');
  const bytes = folder ? 0 : Number(text('D:getcontentlength')) || 0;
  const modified = isoOf(text('D:getlastmodified'));
  const etag = text('D:getetag');
  return {
    folder,
    version: etag === '' ? `${bytes}.${modified ?? ''}` : plainEtag(etag),
    weak: etag === '' || isWeak(etag),
    bytes,
    modified,
    created: isoOf(text('D:creationdate')),
  };
}

export function isoOf(told: string): string | undefined {
  const at = Date.parse(told);
  return Number.isNaN(at) ? undefined : new Date(at).toISOString();
}

export const isWeak = (etag: string): boolean => etag.trimStart().startsWith('W/');

/** Without quotes, without the mark of weak ones, and without what Apache adds to those of compressed answers. */
export function plainEtag(etag: string): string {
  return etag
    .trim()
    .replace(/^W\//, '')
    .replace(/^"(.*)"$/s, '$1')
    .replace(/-gzip$/, '');
}
