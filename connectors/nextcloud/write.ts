/** One change at a time, each on the condition that the target still holds what the writer thought. */
import type { Write, WriteAnswer } from '../contract.js';
import type { FileBody } from '../kinds/files.js';
import type { Changed, DavHttp } from '../wire/dav/http.js';
import { another, inTheWay, notEmpty, notMoved, refusedOr, taken } from '../wire/webdav/answers.js';
import { isEmpty, plainEtag } from '../wire/webdav/entries.js';
import { destination, staysBelow } from '../wire/webdav/paths.js';
import type { Folders } from './folders.js';
import { requestPath } from './paths.js';
import { entryAt, membersOf } from './properties.js';

export interface Writing {
  readonly http: DavHttp;
  readonly files: string;
  readonly folders: Folders;
}

export async function apply(writing: Writing, write: Write<FileBody>, signal: AbortSignal): Promise<WriteAnswer> {
  if (!pathsIn(write).every(staysBelow)) {
    return { refused: write.token, reason: 'its path leads out of the folder, or has an empty name; rename it' };
  }
  switch (write.op) {
    case 'create':
      return put(writing, write, write.body.path, { 'if-none-match': '*' }, signal);
    case 'update':
      return put(writing, write, write.ref, ifMatch(write.version), signal);
    case 'move':
      return move(writing, write, signal);
    case 'remove':
      return remove(writing, write, signal);
    case 'meta':
      // Dates travel with content; the ledger asks for nothing else of files.
      return { refused: write.token, reason: 'Nextcloud keeps no metadata of files apart from their content' };
    default:
      return write satisfies never;
  }
}

function pathsIn(write: Write<FileBody>): string[] {
  if (write.op === 'create') return [write.body.path];
  return write.op === 'move' && write.path !== undefined ? [write.ref, write.path] : [write.ref];
}

/** `*`: whichever version, but there must be one (RFC 9110, 13.1.1). */
function ifMatch(version: string | undefined): Record<string, string> {
  return { 'if-match': version === undefined || version === '' ? '*' : `"${version}"` };
}

/** X-OC-Mtime takes whole seconds of more than a day; otherwise the server stores the file, and answers 500 (MtimeSanitizer). */
const FIRST_DATE_S = 86_400;

/** Dates as headers, and what cannot be kept. */
export function dateHeaders({ modified, created }: { readonly modified?: unknown; readonly created?: unknown }): {
  readonly headers: Record<string, string>;
  readonly notes: readonly string[];
} {
  const seconds = (date: unknown): number => Math.floor(Date.parse(typeof date === 'string' ? date : '') / 1000);
  const changed = seconds(modified);
  const begun = seconds(created);
  const headers: Record<string, string> = {};
  if (changed > FIRST_DATE_S) headers['x-oc-mtime'] = String(changed);
  if (begun > FIRST_DATE_S) headers['x-oc-ctime'] = String(begun);
  const lost = !Number.isNaN(changed) && changed <= FIRST_DATE_S;
  return {
    headers,
    notes: lost ? ['Nextcloud keeps no dates before 1970-01-02: it has the date of the migration'] : [],
  };
}

/** How often content that arrived damaged is sent before the item is refused. */
const TRIES = 3;

type Put = Extract<Write<FileBody>, { op: 'create' | 'update' }>;

async function put(
  { http, files, folders }: Writing,
  write: Put,
  path: string,
  condition: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<WriteAnswer> {
  const { token, body, digest } = write;
  if (body.type === 'folder') return makeFolder(folders, token, path, signal);
  if (body.type === 'link')
    return { refused: token, reason: 'Nextcloud keeps no links; leave it out, or move what it points to' };
  const dates = dateHeaders(body);
  const sum = sha256Of(digest);
  let when = condition;
  let parents = false;
  for (let tries = 1; ; ) {
    const headers = {
      'content-type': 'application/octet-stream',
      ...when,
      ...dates.headers,
      'oc-checksum': `SHA256:${sum}`,
      'x-hash': 'sha256',
    };
    const asking = { method: 'PUT', path: requestPath(files, path), headers, body: body.bytes };
    const answer = await http.change(asking, signal);
    if (answer.status === 412) return (write.op === 'create' ? taken : another)(token, path.normalize('NFC'));
    if (answer.status === 404 || answer.status === 409) {
      // A folder that was seen here is gone, or was never made.
      folders.forget();
      if (!parents && (await folders.makeAbove(path, signal))) {
        parents = true;
        continue;
      }
      if (!parents) return inTheWay(token, path.normalize('NFC'));
    }
    if (answer.status >= 300) return refusedOr(http.faultFrom(asking, answer, answer.error), token);
    const version = etagOf(answer);
    const received = answer.headers['x-hash-sha256'];
    if (received === undefined || received.toLowerCase() === sum) {
      return {
        token,
        ref: path.normalize('NFC'),
        ...(version !== undefined && { version }),
        ...(dates.notes.length > 0 && { notes: dates.notes }),
      };
    }
    if (tries++ === TRIES) {
      const reason = 'what the server received differed from what was sent, three times; look at the network between';
      if (write.op === 'create') await takeAway(http, asking.path, version, signal);
      return { refused: token, reason: write.op === 'create' ? reason : `${reason}; the copy is damaged` };
    }
    when = ifMatch(version);
  }
}

/** Of a single block the digest is the SHA-256 of the content (files.ts); larger files do not come this way. */
function sha256Of(digest: string): string {
  return digest.toLowerCase();
}

/** Only what was just written: on the condition of its version. */
async function takeAway(http: DavHttp, path: string, version: string | undefined, signal: AbortSignal): Promise<void> {
  if (version === undefined) return;
  const asking = { method: 'DELETE', path, headers: ifMatch(version) };
  const { status, headers, error } = await http.change(asking, signal);
  if (status >= 300 && status !== 404 && status !== 412) throw http.faultFrom(asking, { status, headers }, error);
}

async function makeFolder(folders: Folders, token: string, path: string, signal: AbortSignal): Promise<WriteAnswer> {
  const folder = path.endsWith('/') ? path : `${path}/`;
  try {
    const made = await folders.make(folder, signal);
    if (made === 'file') return inTheWay(token, folder.normalize('NFC'));
    return { token, ref: folder.normalize('NFC'), version: '' };
  } catch (error) {
    return refusedOr(error, token);
  }
}

async function move(
  { http, files, folders }: Writing,
  write: Extract<Write<FileBody>, { op: 'move' }>,
  signal: AbortSignal,
): Promise<WriteAnswer> {
  const { token, ref, path = ref, version } = write;
  if (path.normalize('NFC') === ref.normalize('NFC')) return { token, ref, ...(version !== undefined && { version }) };
  if (!(await folders.makeAbove(path, signal))) return inTheWay(token, path.normalize('NFC'));
  const headers = {
    destination: destination(http.origin, requestPath(files, path)),
    overwrite: 'F',
    // The condition is on what is moved; of folders Nextcloud compares no version.
    ...(version !== undefined && !ref.endsWith('/') && ifMatch(version)),
  };
  const asking = { method: 'MOVE', path: requestPath(files, ref), headers };
  const answer = await http.change(asking, signal);
  if (answer.status === 201 || answer.status === 204) {
    const now =
      etagOf(answer) ?? (ref.endsWith('/') ? '' : (await entryAt(http, requestPath(files, path), signal))?.version);
    return { token, ref: path.normalize('NFC'), ...(now !== undefined && { version: now }) };
  }
  if (answer.status === 412 || answer.status === 404) {
    folders.forget();
    return notMoved(token, ref);
  }
  return refusedOr(http.faultFrom(asking, answer, answer.error), token);
}

async function remove(
  { http, files, folders }: Writing,
  { token, ref, version }: Extract<Write<FileBody>, { op: 'remove' }>,
  signal: AbortSignal,
): Promise<WriteAnswer> {
  const path = requestPath(files, ref);
  const folder = ref.endsWith('/');
  // Nextcloud removes folders with all they hold, into its trash: so they are looked into right before.
  if (folder && !(await isEmpty(membersOf(http, path, signal)))) return notEmpty(token, ref);
  const asking = { method: 'DELETE', path, headers: folder || version === undefined ? {} : ifMatch(version) };
  const answer = await http.change(asking, signal);
  if (answer.status < 300 || answer.status === 404) {
    folders.forget();
    return { token, ref };
  }
  if (answer.status === 412) {
    return (await entryAt(http, path, signal)) ? another(token, ref) : { token, ref };
  }
  return refusedOr(http.faultFrom(asking, answer, answer.error), token);
}

export function etagOf({ headers }: Pick<Changed, 'headers'>): string | undefined {
  const told = headers['oc-etag'] ?? headers.etag;
  return told === undefined ? undefined : plainEtag(told);
}
