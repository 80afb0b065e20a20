/** One change at a time, each on the condition that the target still holds what the writer thought. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Write, WriteAnswer } from '../contract.js';
import type { Asking, Changed, DavHttp } from '../dav/http.js';
import { Fault } from '../errors.js';
import type { FileBody } from '../files.js';
import { entryAt, isWeak, membersOf, plainEtag } from './entries.js';
import type { Folders } from './folders.js';
import { destination, requestPath } from './paths.js';

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

/** What the server says of one item refuses that item; what it says of itself, or of the account, is thrown. */
export function refusedOr(error: unknown, token: string): WriteAnswer {
  if (!(error instanceof Fault) || !['refused', 'conflict', 'not-found'].includes(error.code)) throw error;
  return { refused: token, reason: `${error.message}; ${error.next ?? 'look at it in the source'}` };
}

type Put = Extract<Write<FileBody>, { op: 'create' | 'update' }>;

async function create(writing: Writing, write: Put & { op: 'create' }, signal: AbortSignal): Promise<WriteAnswer> {
  const { folders } = writing;
  const { token, body } = write;
  const { path } = body;
  if (body.type === 'link')
    return { refused: token, reason: 'WebDAV has no links; leave it out, or move what it points to' };
  if (body.type === 'folder') {
    return (await folders.make(path, signal)) ? { token, ref: path, version: '' } : inTheWay(token, path);
  }
  const asking = put(writing, path, body, { 'if-none-match': '*' });
  const answer = await withParents(writing, asking, path, signal);
  if (answer === undefined) return inTheWay(token, path);
  if (answer.status === 412) return taken(token, path);
  return written(writing, asking, answer, token, path);
}

async function update(writing: Writing, write: Put & { op: 'update' }, signal: AbortSignal): Promise<WriteAnswer> {
  const { token, ref, version, body } = write;
  const asking = put(writing, ref, body, ifMatch(version));
  const answer = await conditional(writing, asking, version, signal);
  if (answer.status === 412 || answer.status === 404 || answer.status === 409) return another(token, ref);
  return written(writing, asking, answer, token, ref);
}

/** `*`: whichever version, but there must be one (RFC 9110, 13.1.1). */
function ifMatch(version: string | undefined): Record<string, string> {
  return { 'if-match': version === undefined ? '*' : `"${version}"` };
}

/**
 * Apache calls an ETag weak for a second after each change, and what is weak matches no condition: what is still the
 * version that was meant is asked for once more after that.
 */
async function conditional(
  { http }: Pick<Writing, 'http'>,
  asking: Asking,
  version: string | undefined,
  signal: AbortSignal,
): Promise<Changed> {
  const answer = await http.change(asking, signal);
  if (answer.status !== 412 || !version) return answer;
  const there = await entryAt(http, asking.path, signal);
  if (!there?.weak || there.version !== version) return answer;
  await wait(WEAK_MS, undefined, { signal });
  return http.change(asking, signal);
}

const WEAK_MS = 1_100;

/** Undefined: a file stands where a folder has to be. */
async function withParents(
  { http, folders }: Writing,
  asking: Asking,
  path: string,
  signal: AbortSignal,
): Promise<Changed | undefined> {
  const answer = await http.change(asking, signal);
  // 409 by RFC 4918, 9.7.1; others say 404.
  if (answer.status !== 409 && answer.status !== 404) return answer;
  folders.forget();
  if (!(await folders.makeAbove(path, signal))) return undefined;
  return http.change(asking, signal);
}

function put(
  { root }: Writing,
  path: string,
  { bytes, modified }: FileBody,
  condition: Readonly<Record<string, string>>,
): Asking {
  const headers = { 'content-type': 'application/octet-stream', ...condition, ...dateHeader(modified) };
  return { method: 'PUT', path: requestPath(root, path), headers, body: bytes };
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

/** A weak one is none: what is written within its second would have the same. */
export function versionIn({ headers: { etag } }: Pick<Changed, 'headers'>): { version?: string } {
  return etag === undefined || isWeak(etag) ? {} : { version: plainEtag(etag) };
}

async function move(
  writing: Writing,
  write: Extract<Write<FileBody>, { op: 'move' }>,
  signal: AbortSignal,
): Promise<WriteAnswer> {
  const { http, root, folders } = writing;
  const { token, ref, path = ref, version } = write;
  const headers = {
    destination: destination(http.origin, requestPath(root, path)),
    overwrite: 'F',
    ...(version && ifMatch(version)),
  };
  const asking = { method: 'MOVE', path: requestPath(root, ref), headers };
  let answer = await conditional(writing, asking, version, signal);
  if (answer.status === 409) {
    folders.forget();
    if (!(await folders.makeAbove(path, signal))) return inTheWay(token, path);
    answer = await conditional(writing, asking, version, signal);
  }
  if (answer.status === 412 || answer.status === 404) return taken(token, path);
  if (answer.status >= 300) throw http.faultFrom(asking, answer, answer.error);
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
  if (folder && !(await isEmpty(http, path, signal))) {
    return { conflicted: token, ref, reason: 'the folder is not empty in the target' };
  }
  const asking = { method: 'DELETE', path, headers: folder || !version ? {} : ifMatch(version) };
  const answer = await conditional(writing, asking, version, signal);
  if (folder) folders.forget();
  if (answer.status < 300 || answer.status === 404) return { token, ref };
  if (answer.status === 412) {
    return (await entryAt(http, path, signal)) ? another(token, ref) : { token, ref };
  }
  throw http.faultFrom(asking, answer, answer.error);
}

async function isEmpty(http: DavHttp, folder: string, signal: AbortSignal): Promise<boolean> {
  try {
    for await (const page of membersOf(http, folder, signal)) if (page.length > 0) return false;
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'not-found') throw error;
  }
  return true;
}

export function taken(token: string, ref: string): WriteAnswer {
  return { conflicted: token, ref, reason: 'something has that name in the target' };
}

function another(token: string, ref: string): WriteAnswer {
  return { conflicted: token, ref, reason: 'the copy was changed in the target, or is gone' };
}

export function inTheWay(token: string, ref: string): WriteAnswer {
  return { conflicted: token, ref, reason: 'in the target a file stands where a folder has to be' };
}
