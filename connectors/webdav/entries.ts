/** What a server tells of an entry: one PROPFIND for an entry, or for the members of a folder. */
import { HttpFault } from '../dav/faults.js';
import { pathOf, withSlash } from '../dav/hrefs.js';
import type { DavHttp } from '../dav/http.js';
import { document, propsAsked } from '../dav/xml.js';
import { Fault } from '../errors.js';
import type { FileMeta } from '../files.js';
import type { Told } from './listing.js';
import { readListing } from './listing.js';
import { memberNames } from './paths.js';

export interface Entry {
  readonly folder: boolean;
  /** ETag without quotes and without the mark of weak ones; where there is none, size and date. */
  readonly version: string;
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

/**
 * Members of a folder (a request's path with a slash at its end), in pages. Throws `Fault('not-found')` when it is not
 * there.
 */
export async function* membersOf(
  http: DavHttp,
  folder: string,
  signal: AbortSignal,
): AsyncGenerator<readonly Member[]> {
  const nameIn = memberNames(folder);
  let itself = false;
  for await (const page of listingOf(http, folder, '1', signal)) {
    const members: Member[] = [];
    for (const told of page) {
      if (told.status === 404 || told.status === 410) continue;
      // What is there and not told of must not pass for deleted.
      if (told.status >= 400) {
        throw http.faultFrom({ method: 'PROPFIND', path: folder }, { status: told.status, headers: {} }, {});
      }
      const named = nameIn(told.href);
      if (named) members.push({ ...entryOf(told), ...named });
      else if (withSlash(pathOf(told.href) ?? '') === folder) itself = true;
    }
    yield members;
  }
  // A proxy that rewrites hrefs must not make a full folder look empty.
  if (itself) return;
  throw new Fault(
    'unavailable',
    `PROPFIND ${http.origin}${folder}: the listing does not speak of the folder asked for`,
    {
      next: 'check that url is the address under which the server knows itself',
    },
  );
}

/** One entry; undefined when it is not there. Throws `Fault` for any other answer. */
export async function entryAt(http: DavHttp, path: string, signal: AbortSignal): Promise<Entry | undefined> {
  let found: Told | undefined;
  try {
    for await (const [told] of listingOf(http, path, '0', signal)) found ??= told;
  } catch (error) {
    if (error instanceof Fault && error.code === 'not-found') return undefined;
    // Apache's answer for a file that is asked for as a folder, or as what a folder holds.
    if (!(error instanceof HttpFault) || error.status !== 400) throw error;
    return path.endsWith('/') ? entryAt(http, path.slice(0, -1), signal) : undefined;
  }
  return found && found.status < 400 ? entryOf(found) : undefined;
}

async function* listingOf(
  http: DavHttp,
  path: string,
  depth: '0' | '1',
  signal: AbortSignal,
): AsyncGenerator<readonly Told[]> {
  const headers = { depth, 'content-type': 'application/xml; charset=utf-8' };
  const asking = { method: 'PROPFIND', path, headers, body: ASKED };
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

function entryOf({ folder, etag, ...told }: Told): Entry {
  const bytes = folder ? 0 : Number(told.bytes) || 0;
  const modified = isoOf(told.modified);
  return {
    folder,
    version: versionOf(etag, bytes, modified),
    bytes,
    modified,
    created: isoOf(told.created),
  };
}

/** Undefined where it is no date. */
export function isoOf(told: string): string | undefined {
  if (told === '') return undefined;
  // Files that were copied together have the same dates: most are read once.
  const known = dates.get(told);
  if (known !== undefined) return known;
  const at = Date.parse(told);
  if (Number.isNaN(at)) return undefined;
  const iso = new Date(at).toISOString();
  if (dates.size >= MOST_DATES) dates.clear();
  dates.set(told, iso);
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
