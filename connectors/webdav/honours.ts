/**
 * Which conditions a server honours. Apache honours all; rclone's server and others on golang.org/x/net/webdav pass over
 * If-None-Match and If-Match, and then a create would silently replace what a person has put there. Found out with two
 * files of our own, once in a process, before the first write.
 */
import { randomUUID } from 'node:crypto';
import type { DavHttp } from '../dav/http.js';
import type { Fault } from '../errors.js';
import { destination, partsName, requestPath } from './paths.js';

export interface Honours {
  /** If-None-Match: * and If-Match (RFC 9110, 13.1). */
  readonly conditions: boolean;
  /** Overwrite: F (RFC 4918, 10.6). */
  readonly overwrite: boolean;
}

const known = new Map<string, Promise<Honours>>();

/** Throws faults of the connection and the account; a server that refuses the trial counts as one that honours nothing. */
export function honoursOf(http: DavHttp, root: string, signal: AbortSignal): Promise<Honours> {
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

async function tryConditions(http: DavHttp, root: string, signal: AbortSignal): Promise<Honours> {
  const [one, other] = [randomUUID(), randomUUID()].map((name) => requestPath(root, partsName(name))) as [
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
    if (first >= 300) return { conditions: false, overwrite: false };
    const conditions =
      (await put(one, { 'if-none-match': '*' })) === 412 && (await put(one, { 'if-match': '"drover"' })) === 412;
    made.push(other);
    if ((await put(other)) >= 300) return { conditions, overwrite: false };
    const headers = { destination: destination(http.origin, other), overwrite: 'F' };
    const overwrite = (await statusOf(http, { method: 'MOVE', path: one, headers }, signal)) === 412;
    return { conditions, overwrite };
  } finally {
    for (const path of made) await http.change({ method: 'DELETE', path }, signal);
  }
}

/** Of what concerns the server or the account, the fault is thrown. */
async function statusOf(http: DavHttp, asking: Parameters<DavHttp['change']>[0], signal: AbortSignal): Promise<number> {
  const answer = await http.change(asking, signal);
  if (answer.status < 300 || answer.status === 412) return answer.status;
  const fault: Fault = http.faultFrom(asking, answer, answer.error);
  if (['refused', 'conflict', 'not-found'].includes(fault.code)) return answer.status;
  throw fault;
}
