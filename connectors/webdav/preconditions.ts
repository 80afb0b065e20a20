/**
 * Which conditions a server honours, and whether it keeps a PUT that breaks off. Apache honours all; rclone's server and others on golang.org/x/net/webdav pass over
 * If-None-Match and If-Match, and then a create would silently replace what a person has put there. Found out with
 * files of our own, once in a process, before the first write.
 */
import { randomUUID } from 'node:crypto';
import type { Fault } from '../errors.js';
import type { DavHttp } from '../wire/dav/http.js';
import { entryAt } from '../wire/webdav/entries.js';
import { destination, partsName, requestPath } from '../wire/webdav/paths.js';

export interface Preconditions {
  /** If-None-Match: * and If-Match (RFC 9110, 13.1). */
  readonly conditions: boolean;
  /** Overwrite: F (RFC 4918, 10.6). */
  readonly overwrite: boolean;
  /**
   * It writes into the file itself: of a PUT that breaks off it keeps what came. WsgiDAV and golang.org/x/net/webdav do;
   * Apache writes beside it, and renames.
   */
  readonly inPlace: boolean;
}

const known = new Map<string, Promise<Preconditions>>();

/** Throws faults of the connection and the account; a server that refuses the trial counts as one that honours nothing. */
export function probePreconditions(http: DavHttp, root: string, signal: AbortSignal): Promise<Preconditions> {
  return foundOnce(known, http.origin + root, () => tryConditions(http, root, signal));
}

/** What one session finds out counts for all of this process. */
export async function foundOnce<T>(found: Map<string, Promise<T>>, name: string, find: () => Promise<T>): Promise<T> {
  const others = found.get(name);
  if (others) {
    // What failed was another session's trial, which may just have been stopped: this one makes its own.
    const theirs = await others.catch(() => undefined);
    return theirs ?? foundOnce(found, name, find);
  }
  const mine = find();
  found.set(name, mine);
  try {
    return await mine;
  } catch (error) {
    if (found.get(name) === mine) found.delete(name);
    throw error;
  }
}

/** Of a file that is announced as twice as long. */
const HALF = Buffer.alloc(4 * 1024, 'drover');

async function tryConditions(http: DavHttp, root: string, signal: AbortSignal): Promise<Preconditions> {
  const [one, other, half] = Array.from({ length: 3 }, () => requestPath(root, partsName(randomUUID()))) as [
    string,
    string,
    string,
  ];
  const put = async (path: string, condition: Record<string, string> = {}): Promise<number> => {
    const headers = { 'content-type': 'application/octet-stream', ...condition };
    return statusOf(http, { method: 'PUT', path, headers, body: Buffer.from('drover') }, signal);
  };
  const made: string[] = [];
  try {
    // Noted before it is sent: the answer may be lost.
    made.push(one);
    const first = await put(one, { 'if-none-match': '*' });
    if (first >= 300) return { conditions: false, overwrite: false, inPlace: false };
    made.push(half);
    await http.breakOff({ method: 'PUT', path: half, body: HALF }, signal);
    const inPlace = (await entryAt(http, half, signal)) !== undefined;
    const conditions =
      (await put(one, { 'if-none-match': '*' })) === 412 && (await put(one, { 'if-match': '"drover"' })) === 412;
    made.push(other);
    if ((await put(other)) >= 300) return { conditions, overwrite: false, inPlace };
    const headers = { destination: destination(http.origin, other), overwrite: 'F' };
    const overwrite = (await statusOf(http, { method: 'MOVE', path: one, headers }, signal)) === 412;
    return { conditions, overwrite, inPlace };
  } finally {
    for (const path of made) await http.change({ method: 'DELETE', path }, signal);
  }
}

/** Of what concerns the server or the account, the fault is thrown. */
async function statusOf(
  http: DavHttp,
  request: Parameters<DavHttp['change']>[0],
  signal: AbortSignal,
): Promise<number> {
  const answer = await http.change(request, signal);
  if (answer.status < 300 || answer.status === 412) return answer.status;
  const fault: Fault = http.faultFrom(request, answer, answer.error);
  if (['refused', 'conflict', 'not-found'].includes(fault.code)) return answer.status;
  throw fault;
}
