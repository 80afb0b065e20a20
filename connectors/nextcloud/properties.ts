/**
 * What Nextcloud tells of an entry (developer manual, WebDAV, Basic APIs): one PROPFIND for an entry, or for the members
 * of a folder, in the order in which the server lists them.
 */

import { Fault } from '../errors.js';
import type { DavHttp } from '../wire/dav/http.js';
import type { Resource } from '../wire/dav/multistatus.js';
import type { Element } from '../wire/dav/xml.js';
import { document } from '../wire/dav/xml.js';
import type { Entry, Member } from '../wire/webdav/entries.js';
import * as webdav from '../wire/webdav/entries.js';

const OC = 'http://owncloud.org/ns';
const NC = 'http://nextcloud.org/ns';

const ASKED = document(
  'D:propfind',
  '<D:prop><D:getetag/><D:getcontentlength/><D:getlastmodified/><D:resourcetype/>' +
    `<o:fileid xmlns:o="${OC}"/><o:size xmlns:o="${OC}"/><n:creation_time xmlns:n="${NC}"/><n:mount-type xmlns:n="${NC}"/></D:prop>`,
);

/** Members of a folder: as those of any WebDAV server, with what Nextcloud alone knows. */
export function membersOf(http: DavHttp, folder: string, signal: AbortSignal): AsyncGenerator<readonly Member[]> {
  return webdav.membersOf(http, folder, signal, ASKED);
}

/** One entry; undefined when it is not there. */
export function entryAt(http: DavHttp, path: string, signal: AbortSignal): Promise<Entry | undefined> {
  return webdav.entryAt(http, path, signal, ASKED);
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
  const found = await folderAt(http, folder, signal);
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

async function folderAt(http: DavHttp, path: string, signal: AbortSignal): Promise<Resource | undefined> {
  const asking = { method: 'PROPFIND', path, headers: { depth: '0' }, body: QUOTA };
  let found: Resource | undefined;
  try {
    for await (const member of http.members(asking, signal)) if ('resource' in member) found ??= member.resource;
  } catch (error) {
    if (error instanceof Fault && error.code === 'not-found') return undefined;
    throw error;
  }
  return found?.status !== undefined && found.status >= 400 ? undefined : found;
}

function etagIn({ props }: Resource): string {
  return webdav.plainEtag(props.get('D:getetag')?.text ?? '');
}

function numberIn(element: Element | undefined): number | undefined {
  const text = element?.text.trim();
  return text !== undefined && /^-?\d+(\.\d+)?$/.test(text) ? Math.trunc(Number(text)) : undefined;
}
