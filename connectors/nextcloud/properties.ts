/**
 * What Nextcloud tells of an entry (developer manual, WebDAV, Basic APIs): one PROPFIND for an entry, or for the members
 * of a folder, in the order in which the server lists them.
 */
import { pathOf, withSlash } from '../dav/hrefs.js';
import type { DavHttp } from '../dav/http.js';
import type { Resource } from '../dav/multistatus.js';
import type { Element } from '../dav/xml.js';
import { document } from '../dav/xml.js';
import { Fault } from '../errors.js';
import { plainEtag } from '../webdav/entries.js';
import { memberName } from '../webdav/paths.js';

const OC = 'http://owncloud.org/ns';
const NC = 'http://nextcloud.org/ns';

export interface Properties {
  readonly folder: boolean;
  /** Without quotes. A folder's changes with everything below it. */
  readonly etag: string;
  readonly bytes: number;
  /** ISO 8601; whole seconds. */
  readonly modified: string | undefined;
  readonly created: string | undefined;
  /** oc:fileid: stays with a file when it is renamed. */
  readonly id: string | undefined;
}

export interface Member extends Properties {
  readonly name: string;
  readonly safe: boolean;
}

const ASKED = document(
  'D:propfind',
  '<D:prop><D:getetag/><D:getcontentlength/><D:getlastmodified/><D:resourcetype/>' +
    `<o:fileid xmlns:o="${OC}"/><o:size xmlns:o="${OC}"/><n:creation_time xmlns:n="${NC}"/></D:prop>`,
);

/** Members of a folder that are there; throws `Fault('not-found')` when it is not, `conflict` when it is a file. */
export async function* membersOf(http: DavHttp, folder: string, signal: AbortSignal): AsyncGenerator<Member> {
  const asking = { method: 'PROPFIND', path: folder, headers: { depth: '1' }, body: ASKED };
  let itself = false;
  for await (const member of http.members(asking, signal)) {
    if (!('resource' in member)) continue;
    const { resource } = member;
    const { status = 200 } = resource;
    if (status === 404 || status === 410) continue;
    // What is there and not told of must not pass for deleted.
    if (status >= 400) throw http.faultFrom(asking, { status, headers: {} }, {});
    const named = memberName(folder, resource.href);
    if (named) {
      yield { ...named, ...propertiesOf(resource) };
      continue;
    }
    // Whatever else it tells of: a share of another user's address, or a proxy's.
    if (withSlash(pathOf(resource.href) ?? '') !== folder) continue;
    itself = true;
    if (!propertiesOf(resource).folder) {
      throw new Fault('conflict', `${http.where(asking)}: a file stands where a folder is expected`, {
        next: 'rename one of the two',
      });
    }
  }
  // A proxy that rewrites hrefs must not make a full folder look empty.
  if (itself) return;
  throw new Fault('unavailable', `${http.where(asking)}: the listing does not speak of the folder asked for`, {
    next: 'check that url is the address under which the server knows itself (overwritewebroot in its config.php)',
  });
}

/** One entry; undefined when it is not there. */
export async function entryAt(http: DavHttp, path: string, signal: AbortSignal): Promise<Properties | undefined> {
  const resource = await resourceAt(http, path, ASKED, signal);
  return resource && propertiesOf(resource);
}

const QUOTA = document(
  'D:propfind',
  `<D:prop><D:quota-available-bytes/><D:quota-used-bytes/><D:getetag/><D:resourcetype/><o:size xmlns:o="${OC}"/>` +
    `<n:contained-folder-count xmlns:n="${NC}"/><n:contained-file-count xmlns:n="${NC}"/></D:prop>`,
);

export interface FolderState {
  readonly etag: string;
  readonly used: number | undefined;
  /** Undefined where there is no limit, or it is not known: Nextcloud writes -3, -2 and -1 (OCP\Files\FileInfo). */
  readonly available: number | undefined;
  /** Entries right inside, or what is known of that: 0 only for an empty one. */
  readonly items: number;
}

/** State of a folder. Throws `Fault('not-found')`. */
export async function quotaOf(http: DavHttp, folder: string, signal: AbortSignal): Promise<FolderState> {
  const found = await resourceAt(http, folder, QUOTA, signal);
  if (!found) throw new Fault('not-found', `${http.origin}${folder}: there is no such folder`, { next: 'correct it' });
  const number = (name: string): number | undefined => numberIn(found.props.get(name));
  const available = number('D:quota-available-bytes');
  const counts = [number(`{${NC}}contained-folder-count`), number(`{${NC}}contained-file-count`)];
  const counted = counts.some((one) => one !== undefined)
    ? counts.reduce<number>((sum, one) => sum + (one ?? 0), 0)
    : undefined;
  return {
    etag: etagIn(found),
    used: number('D:quota-used-bytes'),
    available: available !== undefined && available >= 0 ? available : undefined,
    items: counted ?? ((number(`{${OC}}size`) ?? 1) > 0 ? 1 : 0),
  };
}

async function resourceAt(
  http: DavHttp,
  path: string,
  body: string,
  signal: AbortSignal,
): Promise<Resource | undefined> {
  const asking = { method: 'PROPFIND', path, headers: { depth: '0' }, body };
  let found: Resource | undefined;
  try {
    for await (const member of http.members(asking, signal)) if ('resource' in member) found ??= member.resource;
  } catch (error) {
    if (error instanceof Fault && error.code === 'not-found') return undefined;
    throw error;
  }
  return found?.status !== undefined && found.status >= 400 ? undefined : found;
}

function propertiesOf(resource: Resource): Properties {
  const { props } = resource;
  const folder = (props.get('D:resourcetype')?.children ?? []).some(({ name }) => name === 'D:collection');
  const bytes = numberIn(props.get('D:getcontentlength')) ?? numberIn(props.get(`{${OC}}size`)) ?? 0;
  const modified = Date.parse(props.get('D:getlastmodified')?.text ?? '');
  const created = (numberIn(props.get(`{${NC}}creation_time`)) ?? 0) * 1000;
  return {
    folder,
    etag: etagIn(resource),
    bytes: folder ? 0 : bytes,
    modified: isoOf(modified),
    created: created > 0 ? isoOf(created) : undefined,
    id: props.get(`{${OC}}fileid`)?.text.trim() || undefined,
  };
}

function isoOf(at: number): string | undefined {
  // Beyond these Date has no form.
  return Math.abs(at) <= 8.64e15 ? new Date(at).toISOString() : undefined;
}

function etagIn({ props }: Resource): string {
  return plainEtag(props.get('D:getetag')?.text ?? '');
}

function numberIn(element: Element | undefined): number | undefined {
  const text = element?.text.trim();
  return text !== undefined && /^-?\d+(\.\d+)?$/.test(text) ? Math.trunc(Number(text)) : undefined;
}
