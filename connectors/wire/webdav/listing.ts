/**
 * The answer to a PROPFIND of a folder, read while it arrives: only what a listing of files asks for, in pages. A folder
 * of 100,000 files has 46 MB of it; to make a tree of elements of each (connectors/wire/dav/xml.ts) took three times as long.
 */
import { SaxesParser } from 'saxes';
import { Fault } from '../../errors.js';

/** What is told of one resource. Properties that it has not are absent. */
export interface Reported {
  /** As the server wrote it. */
  href: string;
  /** Of the resource as a whole, where the server tells one. */
  status: number;
  folder: boolean;
  etag: string;
  bytes: string;
  modified: string;
  created: string;
  /** oc:size: of a folder with all it holds. */
  size: string;
  /** oc:fileid. */
  id: string;
  /** nc:creation_time: seconds. */
  born: string;
  /** nc:mount-type: `shared`, `group` (a team folder) or `external`, and empty for what is the account's own. */
  mount: string;
}

type Field = Exclude<keyof Reported, 'href' | 'status' | 'folder'>;

const OC = 'http://owncloud.org/ns';
const NC = 'http://nextcloud.org/ns';

/** What is read, by namespace and name; what a listing does not ask for is not told. */
const FIELDS: Readonly<Record<string, ReadonlyMap<string, Field>>> = {
  'DAV:': new Map([
    ['getetag', 'etag'],
    ['getcontentlength', 'bytes'],
    ['getlastmodified', 'modified'],
    ['creationdate', 'created'],
  ]),
  [OC]: new Map([
    ['size', 'size'],
    ['fileid', 'id'],
  ]),
  [NC]: new Map([
    ['creation_time', 'born'],
    ['mount-type', 'mount'],
  ]),
};
const EACH: readonly Field[] = Object.values(FIELDS).flatMap((fields) => [...fields.values()]);

const nothing = (): Reported => ({
  href: '',
  status: 200,
  folder: false,
  etag: '',
  bytes: '',
  modified: '',
  created: '',
  size: '',
  id: '',
  born: '',
  mount: '',
});

/** Characters without the end of an element: no href and no date is nearly as long, and chunks come whole. */
const MOST_SILENT = 4 * 1024 * 1024;

/** The resources of a multi-status answer (RFC 4918, 13), those of one chunk together. Throws `Fault('unavailable')`. */
export async function* readListing(
  chunks: AsyncIterable<Uint8Array>,
  where: string,
): AsyncGenerator<readonly Reported[]> {
  const parser = new SaxesParser({ xmlns: true, position: false });
  let done: Reported[] = [];
  let failure: Error | undefined;
  let response = nothing();
  let props = nothing();
  let propstat = false;
  let root = true;
  let silent = 0;
  let words: string | undefined;
  parser.on('error', (error) => {
    failure ??= error;
  });
  parser.on('opentag', ({ uri, local }) => {
    words = undefined;
    if (root && !(uri === 'DAV:' && local === 'multistatus')) failure ??= new Error(`a <${local}>`);
    root = false;
    if (FIELDS[uri]?.has(local)) words = '';
    if (uri !== 'DAV:') return;
    if (local === 'response') response = nothing();
    else if (local === 'propstat') {
      propstat = true;
      props = nothing();
    } else if (local === 'collection') props.folder = true;
    else if (local === 'href' || local === 'status') words = '';
  });
  const text = (more: string): void => {
    if (words !== undefined) words += more;
  };
  parser.on('text', text);
  parser.on('cdata', text);
  parser.on('closetag', ({ uri, local }) => {
    silent = 0;
    const said = words?.trim() ?? '';
    words = undefined;
    const field = FIELDS[uri]?.get(local);
    if (field !== undefined) props[field] = said;
    if (uri !== 'DAV:') return;
    if (local === 'href' && !propstat) response.href = said;
    else if (local === 'status') {
      if (propstat) props.status = statusIn(said);
      else response.status = statusIn(said);
    } else if (local === 'propstat') {
      propstat = false;
      // What the resource has not stands in a propstat of its own, with 404.
      if (props.status < 300) take(response, props);
    } else if (local === 'response') done.push(response);
  });
  const decoder = new TextDecoder();
  const fed = (more: string): void => {
    // The parser holds what stands between two tags until the second comes.
    silent += more.length;
    if (silent > MOST_SILENT) failure ??= new Error('text without an end');
    if (failure === undefined) parser.write(more);
    if (failure !== undefined) throw malformed(where, failure);
  };
  for await (const chunk of chunks) {
    fed(decoder.decode(chunk, { stream: true }));
    if (done.length === 0) continue;
    yield done;
    done = [];
  }
  fed(decoder.decode());
  parser.close();
  if (failure !== undefined) throw malformed(where, failure);
  if (done.length > 0) yield done;
}

/** What one propstat tells, beside what others have told. */
function take(response: Reported, props: Reported): void {
  response.folder ||= props.folder;
  for (const field of EACH) response[field] ||= props[field];
}

/** `HTTP/1.1 404 Not Found` as 404. */
function statusIn(line: string): number {
  const code = /^HTTP\/\S+\s+(\d{3})/.exec(line)?.[1];
  return code === undefined ? 200 : Number(code);
}

function malformed(where: string, cause: Error): Fault {
  return new Fault(
    'unavailable',
    `${where}: the answer is no multi-status (${cause.message.replace(/\s+/g, ' ').slice(0, 80)})`,
    {
      next: 'check that the URL is one of a WebDAV server, and not of its web pages; it is tried again',
    },
  );
}
