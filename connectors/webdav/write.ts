/** One change at a time, each on the condition that the target still holds what the writer thought. */
import type { Write, WriteAnswer } from '../contract.js';
import type { FileBody } from '../kinds/files.js';
import type { Changed, DavHttp } from '../wire/dav/http.js';
import { another, inTheWay, notEmpty, notMoved, refusedOr, taken } from '../wire/webdav/answers.js';
import { entryAt, isEmpty, membersOf } from '../wire/webdav/entries.js';
import { destination, requestPath } from '../wire/webdav/paths.js';
import { ANOTHER, conditional } from './conditional.js';
import { perilous } from './htaccess.js';
import type { Placing } from './into-place.js';
import { probePreconditions } from './preconditions.js';
import { put, sentWithParents } from './put.js';
import { failedPut } from './room.js';
import { putStaged } from './staging.js';
import { versionIn } from './versions.js';

/** Throws the faults that concern more than this write. */
export async function apply(writing: Placing, write: Write<FileBody>, signal: AbortSignal): Promise<WriteAnswer> {
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

async function create(writing: Placing, write: Put & { op: 'create' }, signal: AbortSignal): Promise<WriteAnswer> {
  const { http, root, folders } = writing;
  const { token, body } = write;
  const { path } = body;
  if (body.type === 'link')
    return { refused: token, reason: 'WebDAV has no links; leave it out, or move what it points to' };
  if (body.type === 'folder') {
    return (await folders.make(path, signal)) ? { token, ref: path, version: '' } : inTheWay(token, path);
  }
  const peril = await perilous(writing, token, path, signal);
  if (peril) return peril;
  if (await mayLeaveHalf(http, root, signal)) return putStaged(writing, { ...write, path, version: undefined }, signal);
  const request = put(requestPath(root, path), body, { 'if-none-match': '*' });
  const answer = await sentWithParents(writing, request, path, signal);
  if (answer === undefined) return inTheWay(token, path);
  if (answer.status === 412 || (await isFolder(writing, answer, path, signal))) return taken(token, path);
  if (answer.status >= 300) throw await failedPut(writing, request, answer, body.bytes.length, signal);
  return { token, ref: path, ...versionIn(answer) };
}

async function update(writing: Placing, write: Put & { op: 'update' }, signal: AbortSignal): Promise<WriteAnswer> {
  const { http, root } = writing;
  const { token, ref, version, body } = write;
  const peril = await perilous(writing, token, ref, signal);
  if (peril) return peril;
  if (version !== undefined && (await mayLeaveHalf(http, root, signal))) {
    const answer = await putStaged(writing, { ...write, path: ref, version }, signal);
    return 'conflicted' in answer ? another(token, ref) : answer;
  }
  const request = put(requestPath(root, ref), body, {});
  const answer = await conditional(writing, request, version, signal);
  if ([404, 409, 412].includes(answer.status)) return another(token, ref);
  if (answer.status >= 300) throw await failedPut(writing, request, answer, body.bytes.length, signal);
  return { token, ref, ...versionIn(answer) };
}

/** Of servers that know no conditions most write into the file itself, also where a proxy before them hides it. */
async function mayLeaveHalf(http: DavHttp, root: string, signal: AbortSignal): Promise<boolean> {
  const { conditions, inPlace } = await probePreconditions(http, root, signal);
  return inPlace || !conditions;
}

/** Servers say 405, 409 or 403 where a file is to be put in the place of a folder. */
async function isFolder(
  { http, root }: Placing,
  { status }: Changed,
  path: string,
  signal: AbortSignal,
): Promise<boolean> {
  if (![403, 405, 409].includes(status)) return false;
  return (await entryAt(http, requestPath(root, path), signal))?.folder === true;
}

async function move(
  writing: Placing,
  write: Extract<Write<FileBody>, { op: 'move' }>,
  signal: AbortSignal,
): Promise<WriteAnswer> {
  const { http, root, folders } = writing;
  const { token, ref, path = ref, version } = write;
  const peril = await perilous(writing, token, path, signal);
  if (peril) return peril;
  const to = requestPath(root, path);
  const request = {
    method: 'MOVE',
    path: requestPath(root, ref),
    headers: { destination: destination(http.origin, to), overwrite: 'F' },
  };
  const { overwrite } = await probePreconditions(http, root, signal);
  const ask = async (): Promise<Changed> => {
    if (!overwrite && (await entryAt(http, to, signal))) return ANOTHER;
    return version ? conditional(writing, request, version, signal) : http.change(request, signal);
  };
  let answer = await ask();
  // Where a folder above is missing RFC 4918, 9.9.4, wants 409; Apache says 500, golang.org/x/net/webdav 403.
  if ([403, 409, 500].includes(answer.status)) {
    if (!(await folders.makeAgain(path, signal))) return inTheWay(token, path);
    answer = await ask();
  }
  if (answer.status === 412 || answer.status === 404) return notMoved(token, path);
  if (answer.status >= 300) throw http.faultFrom(request, answer, answer.error);
  if (ref.endsWith('/')) folders.forget(ref);
  return { token, ref: path, ...versionIn(answer) };
}

async function remove(
  writing: Placing,
  { token, ref, version }: Extract<Write<FileBody>, { op: 'remove' }>,
  signal: AbortSignal,
): Promise<WriteAnswer> {
  const { http, root, folders } = writing;
  const path = requestPath(root, ref);
  const folder = ref.endsWith('/');
  // DELETE takes a folder with all it holds: it is looked into right before.
  if (folder && !(await isEmpty(membersOf(http, path, signal)))) return notEmpty(token, ref);
  const request = { method: 'DELETE', path };
  const answer =
    folder || !version ? await http.change(request, signal) : await conditional(writing, request, version, signal);
  if (folder) folders.forget(ref);
  if (answer.status < 300 || answer.status === 404) return { token, ref };
  if (answer.status === 412) {
    return (await entryAt(http, path, signal)) ? another(token, ref) : { token, ref };
  }
  throw http.faultFrom(request, answer, answer.error);
}
