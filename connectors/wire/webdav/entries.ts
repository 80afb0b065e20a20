/** What a server tells of an entry: one PROPFIND for an entry, or for the members of a folder. */

import { Fault } from '../../errors.js';
import type { FileMeta } from '../../kinds/files.js';
import { HttpFault } from '../dav/faults.js';
import { pathOf, withSlash } from '../dav/hrefs.js';
import type { DavHttp } from '../dav/http.js';
import { document, propsAsked } from '../dav/xml.js';
import type { Reported } from './listing.js';
import { readListing } from './listing.js';
import { memberNames } from './paths.js';

export interface Entry {
  readonly folder: boolean;
  /** ETag without quotes and without the mark of weak ones; where there is none, size and date. */
  readonly version: string;
  readonly bytes: number;
  /** Whether the server tells `bytes`: it need not (RFC 4918, 15.4). */
  readonly sized: boolean;
  /** ISO 8601; whole seconds. */
  readonly modified: string | undefined;
  readonly created: string | undefined;
  /** Stays with a file when it is renamed; undefined where the server has none. */
  readonly id: string | undefined;
  /** Nextcloud: how it came into the account, where it is not its own (`mount` of listing.ts). */
  readonly mount: string | undefined;
}

export interface Member extends Entry {
  readonly name: string;
  readonly safe: boolean;
  /** Why no more is known of it than its name. Whether it is a folder only its href tells then. */
  readonly unseen?: string;
}

const ASKED = document(
  'D:propfind',
  propsAsked(['D:getetag', 'D:getcontentlength', 'D:getlastmodified', 'D:creationdate', 'D:resourcetype']),
);

/**
 * Members of a folder (a request's path with a slash at its end), in pages. `asked`: the body of PROPFIND, for a server
 * that knows more properties. Throws `Fault('not-found')` when it is not there, `conflict` when it is a file.
 */
export async function* membersOf(
  http: DavHttp,
  folder: string,
  signal: AbortSignal,
  asked: string = ASKED,
): AsyncGenerator<readonly Member[]> {
  const nameIn = memberNames(folder);
  const asking = { method: 'PROPFIND', path: folder };
  let itself = false;
  for await (const page of listingOf(http, folder, '1', asked, signal)) {
    const members: Member[] = [];
    for (const reported of page) {
      if (reported.status === 404 || reported.status === 410) continue;
      const named = nameIn(reported.href);
      if (named) {
        members.push({ ...entryOf(reported), ...named, ...hiding(reported) });
        continue;
      }
      if (reported.status >= 400) throw http.faultFrom(asking, { status: reported.status, headers: {} }, {});
      // Whatever else it tells of: a share of another user's address, or a proxy's.
      if (withSlash(pathOf(reported.href) ?? '') !== folder) continue;
      itself = true;
      if (!reported.folder) {
        throw new Fault('conflict', `${http.where(asking)}: a file stands where a folder is expected`, {
          next: 'rename one of the two',
        });
      }
    }
    yield members;
  }
  // A proxy that rewrites hrefs must not make a full folder look empty.
  if (itself) return;
  throw new Fault('unavailable', `${http.where(asking)}: the listing does not speak of the folder asked for`, {
    next: 'check that url is the address under which the server knows itself (overwritewebroot in Nextcloud)',
  });
}

/** Whether a listing has no members; a folder that is not there has none. */
export async function isEmpty(members: AsyncIterable<readonly Member[]>): Promise<boolean> {
  try {
    for await (const page of members) if (page.length > 0) return false;
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'not-found') throw error;
  }
  return true;
}

/** An entry listed with an error still exists; never treat it as deleted. */
function hiding({ status, href, folder, etag, bytes, size, modified }: Reported): Partial<Member> {
  const untold = !folder && etag === '' && bytes === '' && size === '' && modified === '';
  if (status < 400 && !untold) return {};
  const said = status < 400 ? 'and tells nothing of it' : `and answers ${status} for it`;
  const unseen = `the server lists it ${said}; look at it in the source, and mend its rights or its server`;
  return { unseen, folder: folder || href.endsWith('/') };
}

/** One entry; undefined when it is not there. Throws `Fault` for any other answer. */
export async function entryAt(
  http: DavHttp,
  path: string,
  signal: AbortSignal,
  asked: string = ASKED,
): Promise<Entry | undefined> {
  let found: Reported | undefined;
  try {
    for await (const [reported] of listingOf(http, path, '0', asked, signal)) found ??= reported;
  } catch (error) {
    if (error instanceof Fault && error.code === 'not-found') return undefined;
    // Apache's answer for a file that is asked for as a folder, or as what a folder holds.
    if (!(error instanceof HttpFault) || error.status !== 400 || error.code === 'spec') throw error;
    return path.endsWith('/') ? entryAt(http, path.slice(0, -1), signal, asked) : undefined;
  }
  return found && found.status < 400 ? entryOf(found) : undefined;
}

async function* listingOf(
  http: DavHttp,
  path: string,
  depth: '0' | '1',
  body: string,
  signal: AbortSignal,
): AsyncGenerator<readonly Reported[]> {
  const headers = { depth, 'content-type': 'application/xml; charset=utf-8' };
  const asking = { method: 'PROPFIND', path, headers, body };
  const answer = await http.askFollowing(asking, signal);
  if (answer.status !== 207) throw await http.fault(asking, answer);
  yield* readListing(answer.body, http.where(asking));
}

/** Bytes that still fit (RFC 4331); undefined where the server does not tell. */
export async function roomIn(http: DavHttp, folder: string, signal: AbortSignal): Promise<number | undefined> {
  const body = document('D:propfind', propsAsked(['D:quota-available-bytes']));
  let room: number | undefined;
  for await (const member of http.members(
    { method: 'PROPFIND', path: folder, headers: { depth: '0' }, body },
    signal,
  )) {
    const reported =
      'resource' in member ? member.resource.props.get('D:quota-available-bytes')?.text.trim() : undefined;
    if (reported !== undefined && /^\d+$/.test(reported)) room ??= Number(reported);
  }
  return room;
}

/** The dates of folders are those of what was last put into them. */
export function metaOf({ folder, modified, created, id }: Entry): FileMeta {
  return {
    type: folder ? 'folder' : 'file',
    ...(modified !== undefined && !folder && { modified }),
    ...(created !== undefined && !folder && { created }),
    ...(id !== undefined && { id }),
  };
}

function entryOf({ folder, etag, ...reported }: Reported): Entry {
  const stated = reported.bytes || reported.size;
  const sized = /^\d{1,15}$/.test(stated);
  const bytes = folder || !sized ? 0 : Number(stated);
  const modified = isoOf(reported.modified);
  const born = Number(reported.born) * 1000;
  return {
    folder,
    version: versionOf(etag, bytes, modified),
    bytes,
    sized,
    modified,
    created: born > 0 && born <= LAST_DATE ? new Date(born).toISOString() : isoOf(reported.created),
    id: reported.id || undefined,
    mount: reported.mount || undefined,
  };
}

/** Beyond it Date has no form. */
const LAST_DATE = 8.64e15;

/** Undefined where it is not a date. */
export function isoOf(reported: string): string | undefined {
  if (reported === '') return undefined;
  // Files that were copied together have the same dates: most are read once.
  const known = dates.get(reported);
  if (known !== undefined) return known;
  const at = Date.parse(reported);
  if (Number.isNaN(at)) return undefined;
  const iso = new Date(at).toISOString();
  if (dates.size >= MOST_DATES) dates.clear();
  dates.set(reported, iso);
  return iso;
}

const dates = new Map<string, string>();
const MOST_DATES = 1_000;

/**
 * Weak ETags count, too: Apache calls its own weak for a second after each change, though they hold microseconds. Where
 * there is none, size and date have to do.
 */
export function versionOf(etag: string, bytes: number, modified: string | undefined): string {
  return etag === '' ? `${bytes}.${modified ?? ''}` : plainEtag(etag);
}

/** Without quotes, without the mark of weak ones, and without what Apache adds to those of compressed answers. */
export function plainEtag(etag: string): string {
  return etag
    .trim()
    .replace(/^W\//, '')
    .replace(/^"(.*)"$/s, '$1')
    .replace(/-gzip$/, '');
}
