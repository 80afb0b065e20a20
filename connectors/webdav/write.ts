/** One change at a time, each on the condition that the target still holds what the writer thought. */
import { createHash } from 'node:crypto';
import type { Intent, Write, WriteAnswer } from '../contract.js';
import type { Asking } from '../dav/asking.js';
import type { Changed, DavHttp } from '../dav/http.js';
import type { FileBody } from '../files.js';
import { another, inTheWay, notEmpty, notMoved, refusedOr, taken } from './answers.js';
import { ANOTHER, conditional } from './conditional.js';
import { entryAt, isEmpty, membersOf, plainEtag } from './entries.js';
import type { Folders } from './folders.js';
import { honoursOf } from './honours.js';
import { destination, parentOf, partsName, requestPath, staysBelow } from './paths.js';

export interface Writing {
  readonly http: DavHttp;
  readonly root: string;
  readonly folders: Folders;
}

/** Throws the faults that concern more than this write. */
export async function apply(writing: Writing, write: Write<FileBody>, signal: AbortSignal): Promise<WriteAnswer> {
  try {
    switch (write.op) {
      case 'create':
        return await create(writing, write, signal);
      case 'update':
        return await update(writing, write, signal);
      case 'move':
        return await move(writing, write, signal);
      case 'remove':
        return await remove(writing, write, signal);
      case 'meta':
        return { refused: write.token, reason: 'WebDAV servers keep no metadata of files apart from their content' };
      default:
        return write satisfies never;
    }
  } catch (error) {
    return refusedOr(error, write.token);
  }
}

type Put = Extract<Write<FileBody>, { op: 'create' | 'update' }>;

async function create(writing: Writing, write: Put & { op: 'create' }, signal: AbortSignal): Promise<WriteAnswer> {
  const { http, root, folders } = writing;
  const { token, body } = write;
  const { path } = body;
  if (body.type === 'link')
    return { refused: token, reason: 'WebDAV has no links; leave it out, or move what it points to' };
  if (body.type === 'folder') {
    return (await folders.make(path, signal)) ? { token, ref: path, version: '' } : inTheWay(token, path);
  }
  const honours = await honoursOf(http, root, signal);
  if (!honours.conditions) return putAside(writing, write, path, honours.overwrite, signal);
  const asking = put(requestPath(root, path), body, { 'if-none-match': '*' });
  const answer = await withParents(writing, asking, path, signal);
  if (answer === undefined) return inTheWay(token, path);
  if (answer.status === 412 || (await isFolder(writing, answer, path, signal))) return taken(token, path);
  return written(writing, asking, answer, token, path);
}

async function update(writing: Writing, write: Put & { op: 'update' }, signal: AbortSignal): Promise<WriteAnswer> {
  const { http, root } = writing;
  const { token, ref, version, body } = write;
  const asking = put(requestPath(root, ref), body, {});
  const answer = await conditional(writing, asking, version, signal);
  if ([404, 409, 412].includes(answer.status)) return another(token, ref);
  if (answer.status >= 300) throw http.faultFrom(asking, answer, answer.error);
  return { token, ref, ...versionIn(answer) };
}

/**
 * A create where no condition of PUT is honoured: under a name of its own, then moved, which such servers refuse where
 * something stands. Where even that is not to be had it is looked before.
 */
async function putAside(
  writing: Writing,
  { token, body }: Put & { op: 'create' },
  path: string,
  overwrite: boolean,
  signal: AbortSignal,
): Promise<WriteAnswer> {
  const { http, root } = writing;
  const aside = asidePath(root, path, token);
  const asking = put(aside, body, {});
  const answer = await withParents(writing, asking, path, signal);
  if (answer === undefined) return inTheWay(token, path);
  if (answer.status >= 300) throw http.faultFrom(asking, answer, answer.error);
  const to = requestPath(root, path);
  const moving = {
    method: 'MOVE',
    path: aside,
    headers: { destination: destination(http.origin, to), overwrite: 'F' },
  };
  const free = overwrite || !(await entryAt(http, to, signal));
  const moved = free ? await http.change(moving, signal) : ANOTHER;
  if (moved.status < 300) return { token, ref: path, ...versionIn(moved) };
  await http.change({ method: 'DELETE', path: aside }, signal);
  if (moved.status === 412) return taken(token, path);
  throw http.faultFrom(moving, moved, moved.error);
}

/** Where a write is put before it is moved, for servers that know no other way; the same for the same write. */
function asidePath(root: string, path: string, token: string): string {
  const name = createHash('sha256').update(token).digest('hex').slice(0, 32);
  return requestPath(root, parentOf(path) + partsName(name));
}

/** Takes away what a create left that came to nothing. */
export async function clearAside(
  { http, root }: Pick<Writing, 'http' | 'root'>,
  { token, path }: Intent,
  signal: AbortSignal,
): Promise<void> {
  if (path === undefined || !staysBelow(path) || (await honoursOf(http, root, signal)).conditions) return;
  await removeParts(http, asidePath(root, path, token), signal);
}

/** Takes away a file of our own; harmless when it is gone, even where its folder has become a file (400 from Apache). */
export async function removeParts(http: DavHttp, path: string, signal: AbortSignal): Promise<void> {
  const asking = { method: 'DELETE', path };
  const answer = await http.change(asking, signal);
  if (answer.status < 300 || answer.status === 404) return;
  if ([400, 403, 405, 409].includes(answer.status) && !(await entryAt(http, path, signal))) return;
  throw http.faultFrom(asking, answer, answer.error);
}

/** Servers say 405, 409 or 403 where a file is to be put in the place of a folder. */
async function isFolder(
  { http, root }: Writing,
  { status }: Changed,
  path: string,
  signal: AbortSignal,
): Promise<boolean> {
  if (![403, 405, 409].includes(status)) return false;
  return (await entryAt(http, requestPath(root, path), signal))?.folder === true;
}

/** Undefined: a file stands where a folder has to be. */
async function withParents(
  { http, folders }: Writing,
  asking: Asking,
  path: string,
  signal: AbortSignal,
): Promise<Changed | undefined> {
  const answer = await http.change(asking, signal);
  // 409 by RFC 4918, 9.7.1; others say 404, nginx 500 or 409. Below a file Apache says 400, others 403.
  if (![400, 403, 404, 409].includes(answer.status)) return answer;
  if (!(await folders.makeAgain(path, signal))) return undefined;
  return http.change(asking, signal);
}

function put(path: string, { bytes, modified }: FileBody, condition: Readonly<Record<string, string>>): Asking {
  const headers = { 'content-type': 'application/octet-stream', ...condition, ...dateHeader(modified) };
  return { method: 'PUT', path, headers, body: bytes };
}

/** ownCloud's header, which other servers take too; whoever does not know it passes it over. */
export function dateHeader(modified: unknown): Record<string, string> {
  const at = Math.floor(Date.parse(typeof modified === 'string' ? modified : '') / 1000);
  return at > 0 ? { 'x-oc-mtime': String(at) } : {};
}

function written({ http }: Writing, asking: Asking, answer: Changed, token: string, ref: string): WriteAnswer {
  if (answer.status >= 300) throw http.faultFrom(asking, answer, answer.error);
  return { token, ref, ...versionIn(answer) };
}

export function versionIn({ headers: { etag } }: Pick<Changed, 'headers'>): { version?: string } {
  return etag === undefined ? {} : { version: plainEtag(etag) };
}

async function move(
  writing: Writing,
  write: Extract<Write<FileBody>, { op: 'move' }>,
  signal: AbortSignal,
): Promise<WriteAnswer> {
  const { http, root, folders } = writing;
  const { token, ref, path = ref, version } = write;
  const to = requestPath(root, path);
  const asking = {
    method: 'MOVE',
    path: requestPath(root, ref),
    headers: { destination: destination(http.origin, to), overwrite: 'F' },
  };
  const { overwrite } = await honoursOf(http, root, signal);
  const ask = async (): Promise<Changed> => {
    if (!overwrite && (await entryAt(http, to, signal))) return ANOTHER;
    return version ? conditional(writing, asking, version, signal) : http.change(asking, signal);
  };
  let answer = await ask();
  // Where a folder above is missing RFC 4918, 9.9.4, wants 409; Apache says 500, golang.org/x/net/webdav 403.
  if ([403, 409, 500].includes(answer.status)) {
    if (!(await folders.makeAgain(path, signal))) return inTheWay(token, path);
    answer = await ask();
  }
  if (answer.status === 412 || answer.status === 404) return notMoved(token, path);
  if (answer.status >= 300) throw http.faultFrom(asking, answer, answer.error);
  if (ref.endsWith('/')) folders.forget(ref);
  return { token, ref: path, ...versionIn(answer) };
}

async function remove(
  writing: Writing,
  { token, ref, version }: Extract<Write<FileBody>, { op: 'remove' }>,
  signal: AbortSignal,
): Promise<WriteAnswer> {
  const { http, root, folders } = writing;
  const path = requestPath(root, ref);
  const folder = ref.endsWith('/');
  // DELETE takes a folder with all it holds: it is looked into right before.
  if (folder && !(await isEmpty(membersOf(http, path, signal)))) return notEmpty(token, ref);
  const asking = { method: 'DELETE', path };
  const answer =
    folder || !version ? await http.change(asking, signal) : await conditional(writing, asking, version, signal);
  if (folder) folders.forget(ref);
  if (answer.status < 300 || answer.status === 404) return { token, ref };
  if (answer.status === 412) {
    return (await entryAt(http, path, signal)) ? another(token, ref) : { token, ref };
  }
  throw http.faultFrom(asking, answer, answer.error);
}
