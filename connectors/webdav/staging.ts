/**
 * Small files beside their place, for servers on which a plain PUT is not safe: those that know no conditions, and those
 * that write into the file itself, where a line that is cut or a disk that is full would leave half of it in its place.
 */
import { createHash } from 'node:crypto';
import type { Intent, WriteAnswer } from '../contract.js';
import type { FileBody } from '../kinds/files.js';
import type { DavHttp } from '../wire/dav/http.js';
import { inTheWay, isLocked } from '../wire/webdav/answers.js';
import { entryAt } from '../wire/webdav/entries.js';
import { parentOf, partsName, requestPath, staysBelow } from '../wire/webdav/paths.js';
import type { Placing } from './into-place.js';
import { intoPlace } from './into-place.js';
import { probePreconditions } from './preconditions.js';
import { put, sentWithParents } from './put.js';
import { failedPut } from './room.js';

export interface StagedWrite {
  readonly token: string;
  readonly path: string;
  readonly digest: string;
  readonly body: FileBody;
  /** Of the copy that is replaced; undefined where nothing stands. */
  readonly version: string | undefined;
}

export async function putStaged(placing: Placing, write: StagedWrite, signal: AbortSignal): Promise<WriteAnswer> {
  const { http, root } = placing;
  const { token, path, body, version } = write;
  const staging = stagingPath(root, path, write);
  const request = put(staging, body, {});
  const answer = await sentWithParents(placing, request, path, signal);
  if (answer === undefined) return inTheWay(token, path);
  if (answer.status >= 300) {
    const fault = await failedPut(placing, request, answer, body.bytes.length, signal);
    await removeParts(http, staging, signal);
    throw fault;
  }
  const moved = await intoPlace(placing, staging, write, version, signal);
  if ('doubt' in moved) {
    if (isLocked(moved.doubt)) await removeParts(http, staging, signal);
    throw moved.doubt;
  }
  if (!('token' in moved)) await removeParts(http, staging, signal);
  return moved;
}

/** The same for the same content: what a sender that was stopped and woke up still sends is no other than this. */
function stagingPath(root: string, path: string, { token, digest }: Pick<StagedWrite, 'token' | 'digest'>): string {
  const name = createHash('sha256').update(`${token}\n${digest}`).digest('hex').slice(0, 32);
  return requestPath(root, parentOf(path) + partsName(name));
}

/** Takes away what a write left that came to nothing. */
export async function clearStaged(
  { http, root }: Pick<Placing, 'http' | 'root'>,
  { token, path, digest }: Intent,
  signal: AbortSignal,
): Promise<void> {
  if (path === undefined || path.endsWith('/') || !staysBelow(path)) return;
  const { conditions, inPlace } = await probePreconditions(http, root, signal);
  if (conditions && !inPlace) return;
  await removeParts(http, stagingPath(root, path, { token, digest }), signal);
}

/** Takes away a file of our own; harmless when it is gone, even where its folder has become a file (400 from Apache). */
export async function removeParts(http: DavHttp, path: string, signal: AbortSignal): Promise<void> {
  const request = { method: 'DELETE', path };
  const answer = await http.change(request, signal);
  if (answer.status < 300 || answer.status === 404) return;
  if ([400, 403, 405, 409].includes(answer.status) && !(await entryAt(http, path, signal))) return;
  throw http.faultFrom(request, answer, answer.error);
}
