/** Changes that hold only for one version of what is there. */

import type { Changed, DavHttp } from '../wire/dav/http.js';
import type { DavRequest } from '../wire/dav/request.js';
import { entryAt } from '../wire/webdav/entries.js';
import { destination } from '../wire/webdav/paths.js';
import { probePreconditions } from './preconditions.js';

/** The status of what was not even asked for: the version is another. */
export const ANOTHER: Changed = { status: 412, headers: {}, error: {} };

/**
 * Sends a change of `request.path` on the condition that it still has `version`; undefined: that there is something. 412
 * where not. The conditions that servers have for it are tried one after the other, each only after having seen that the
 * version is still the one meant: Apache calls an ETag weak for a second after each change, and no weak one is matched
 * by If-Match, but it is by If; others have no ETags at all. Where a server knows no conditions it is looked right
 * before: what is written in between is lost.
 */
export async function conditional(
  { http, root }: { readonly http: DavHttp; readonly root: string },
  request: DavRequest,
  version: string | undefined,
  signal: AbortSignal,
): Promise<Changed> {
  const { conditions } = await probePreconditions(http, root, signal);
  const still = async (): Promise<boolean> => {
    const there = await entryAt(http, request.path, signal);
    return there !== undefined && (version === undefined || there.version === version);
  };
  if (!conditions) return (await still()) ? http.change(request, signal) : ANOTHER;
  const tried =
    version === undefined
      ? [{ 'if-match': '*' }]
      : [{ 'if-match': `"${version}"` }, { if: `<${destination(http.origin, request.path)}> (["${version}"])` }, {}];
  let answer = ANOTHER;
  for (const headers of tried) {
    if (answer !== ANOTHER && !(await still())) return answer;
    answer = await http.change({ ...request, headers: { ...request.headers, ...headers } }, signal);
    if (answer.status !== 412) return answer;
  }
  return answer;
}
