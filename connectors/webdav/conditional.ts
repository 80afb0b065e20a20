/** Changes that hold only for one version of what is there. */
import type { Asking } from '../wire/dav/asking.js';
import type { Changed, DavHttp } from '../wire/dav/http.js';
import { entryAt } from '../wire/webdav/entries.js';
import { destination } from '../wire/webdav/paths.js';
import { probePreconditions } from './preconditions.js';

/** The status of what was not even asked for: the version is another. */
export const ANOTHER: Changed = { status: 412, headers: {}, error: {} };

/**
 * Sends a change of `asking.path` on the condition that it still has `version`; undefined: that there is something. 412
 * where not. The conditions that servers have for it are tried one after the other, each only after having seen that the
 * version is still the one meant: Apache calls an ETag weak for a second after each change, and no weak one is matched
 * by If-Match, but it is by If; others have no ETags at all. Where a server knows no conditions it is looked right
 * before: what is written in between is lost.
 */
export async function conditional(
  { http, root }: { readonly http: DavHttp; readonly root: string },
  asking: Asking,
  version: string | undefined,
  signal: AbortSignal,
): Promise<Changed> {
  const { conditions } = await probePreconditions(http, root, signal);
  const still = async (): Promise<boolean> => {
    const there = await entryAt(http, asking.path, signal);
    return there !== undefined && (version === undefined || there.version === version);
  };
  if (!conditions) return (await still()) ? http.change(asking, signal) : ANOTHER;
  const tried =
    version === undefined
      ? [{ 'if-match': '*' }]
      : [{ 'if-match': `"${version}"` }, { if: `<${destination(http.origin, asking.path)}> (["${version}"])` }, {}];
  let answer = ANOTHER;
  for (const headers of tried) {
    if (answer !== ANOTHER && !(await still())) return answer;
    answer = await http.change({ ...asking, headers: { ...asking.headers, ...headers } }, signal);
    if (answer.status !== 412) return answer;
  }
  return answer;
}
