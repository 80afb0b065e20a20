/** A PUT that failed: servers whose disk is full say 500, or 405, as often as 507. */
import { randomUUID } from 'node:crypto';
import { Fault } from '../errors.js';
import type { Changed, DavHttp } from '../wire/dav/http.js';
import type { DavRequest } from '../wire/dav/request.js';
import { entryAt, roomIn } from '../wire/webdav/entries.js';
import { partsName, requestPath } from '../wire/webdav/paths.js';

/** What golang.org/x/net/webdav (405), WsgiDAV and PHP (500) say when they cannot write on. */
const MAYBE_FULL: ReadonlySet<number> = new Set([405, 500]);

/**
 * The fault that the answer is. One that may mean a full disk is looked into: `quota` when the server tells of less room, has kept
 * less than it was sent, or does not take one byte either. Then it waits for room, with the server's words.
 */
export async function failedPut(
  { http, root }: { readonly http: DavHttp; readonly root: string },
  request: DavRequest,
  answer: Changed,
  bytes: number,
  signal: AbortSignal,
): Promise<Fault> {
  const fault = http.faultFrom(request, answer, answer.error);
  if (!MAYBE_FULL.has(answer.status)) return fault;
  const why = await fullness(http, root, request.path, bytes, signal).catch((error: unknown) => {
    if (error instanceof Fault) return undefined;
    throw error;
  });
  if (why === undefined) return fault;
  return new Fault('quota', `${fault.message}; ${why}`, {
    next: 'make room in the target, or look into the log of its server; it is tried again by itself',
    cause: fault,
  });
}

async function fullness(
  http: DavHttp,
  root: string,
  path: string,
  bytes: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const room = await roomIn(http, root, signal);
  if (room !== undefined && room < bytes) return `it has room for ${room} bytes, and the file has ${bytes}`;
  const kept = await entryAt(http, path, signal);
  if (kept && !kept.folder && kept.bytes < bytes)
    return `it has kept ${kept.bytes} of ${bytes} bytes: its disk may be full`;
  if (kept?.folder) return undefined;
  const trial = { method: 'PUT', path: requestPath(root, partsName(randomUUID())), body: Buffer.from('d') };
  const { status } = await http.change(trial, signal);
  await http.change({ method: 'DELETE', path: trial.path }, signal);
  return MAYBE_FULL.has(status)
    ? 'it takes no file of one byte either: its disk may be full, or may not be written to'
    : undefined;
}
