/** A PUT of a small file, and of the folders above it where they are missing. */

import type { FileBody } from '../kinds/files.js';
import type { Changed } from '../wire/dav/http.js';
import type { DavRequest } from '../wire/dav/request.js';
import type { Placing } from './into-place.js';
import { dateHeader } from './versions.js';

export function put(
  path: string,
  { bytes, modified }: FileBody,
  condition: Readonly<Record<string, string>>,
): DavRequest {
  const headers = { 'content-type': 'application/octet-stream', ...condition, ...dateHeader(modified) };
  return { method: 'PUT', path, headers, body: bytes };
}

/** Undefined: a file stands where a folder has to be. */
export async function sentWithParents(
  { http, folders }: Placing,
  request: DavRequest,
  path: string,
  signal: AbortSignal,
): Promise<Changed | undefined> {
  const answer = await http.change(request, signal);
  // 409 by RFC 4918, 9.7.1; others say 404, nginx 500 or 409. Below a file Apache says 400, others 403.
  if (![400, 403, 404, 409].includes(answer.status)) return answer;
  if (!(await folders.makeAgain(path, signal))) return undefined;
  return http.change(request, signal);
}
